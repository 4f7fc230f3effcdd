// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/cache_folder.hpp"

#include <cstdlib>

namespace tandem {

std::filesystem::path cacheFolder(const char* kind) {
  const auto absolute = [](const char* variable) {
    const char* text = std::getenv(variable);
    return text && *text == '/' ? std::filesystem::path(text) : std::filesystem::path();
  };
  if (const auto cache = absolute("XDG_CACHE_HOME"); !cache.empty()) return cache / "tandem" / kind;
  if (const auto home = absolute("HOME"); !home.empty()) return home / ".cache" / "tandem" / kind;
  return {};
}

} // namespace tandem
