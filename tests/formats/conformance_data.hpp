// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdlib>
#include <filesystem>

namespace tandem::testing {

/// The shared conformance data: $TANDEM_CONFORMANCE, or ../shared/conformance beside the checkout. May not exist.
inline std::filesystem::path conformanceFolder() {
  if (const char* folder = std::getenv("TANDEM_CONFORMANCE")) return folder;
  return std::filesystem::path(TANDEM_SOURCE_DIR).parent_path() / "shared" / "conformance";
}

} // namespace tandem::testing

/// Skips the test, visibly, where the shared data is absent.
#define TANDEM_NEED_CONFORMANCE(part)                                                                                  \
  const std::filesystem::path folder = tandem::testing::conformanceFolder() / (part);                                  \
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is absent"
