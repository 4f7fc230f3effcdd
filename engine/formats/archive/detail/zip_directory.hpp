// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::detail {

/// One entry of a zip file's directory, checked against its local header.
struct ZipRecord {
  std::string name;
  bool folder = false;
  bool deflated = false;
  std::uint32_t crc = 0;
  std::uint64_t storedBytes = 0;
  std::uint64_t bytes = 0;
  std::uint64_t begin = 0; ///< of the local header
  std::uint64_t data = 0;  ///< of the bytes
};

/// What the directory says, or why it is refused.
struct ZipDirectory {
  std::vector<ZipRecord> records;
  std::string problem; ///< empty when all is well
  std::string entry;   ///< the entry the problem is about, where there is one
};

/// Reads the central directory of `file` and every local header. Refuses what ZipArchive::open says but for sizes that
/// are merely large. More than `maxEntries` entries are refused before anything is allocated for them.
ZipDirectory readZipDirectory(std::string_view file, std::uint64_t maxEntries);

} // namespace tandem::detail
