// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <filesystem>

namespace tandem {

/// Where results that could be computed again are kept: $XDG_CACHE_HOME/tandem/KIND, else $HOME/.cache/tandem/KIND.
/// Variables that are no absolute path do not count (XDG Base Directory Specification); without one the result is
/// empty, and nothing is to be kept. The folder need not exist.
std::filesystem::path cacheFolder(const char* kind);

} // namespace tandem
