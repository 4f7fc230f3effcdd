// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

/// One file in an archive, as its directory states it and its local header confirms it.
struct ZipEntry {
  std::string name;             ///< relative, '/' between parts, UTF-8, no ".." part
  std::int64_t storedBytes = 0; ///< in the archive
  std::int64_t bytes = 0;       ///< after decompression
};

/// The bytes of one entry; `owner` keeps them alive.
struct ZipContent {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

/// What an archive may hold before it is refused unread.
struct ZipLimits {
  std::int64_t entries = 65'535;
  /// Decompressed bytes allowed per stored byte, for each entry and for the whole archive ...
  std::int64_t ratio = 100;
  /// ... beyond these, which a small file that compresses well may use.
  std::int64_t freeEntryBytes = std::int64_t{4} << 20;
  std::int64_t freeTotalBytes = std::int64_t{64} << 20;
};

/// A zip file (PKWARE APPNOTE 6.3.3, with zip64; stored and deflated entries) as .npz and .keras files are. Nothing is
/// ever written to disk, and nothing inside is opened as an archive in turn. Immutable; any thread.
class ZipArchive {
 public:
  /// Reads the directory of the archive in `bytes`, which `owner` keeps alive, and checks all of it: entries that
  /// overlap, leave the folder (`..`, absolute), are links, encrypted, named twice, larger than `limits` allow, or
  /// described differently in two places refuse the whole archive. Errors carry `code` and `where`.
  static Result<ZipArchive> open(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, std::string where,
                                 ErrorCode code, const ZipLimits& limits = {});

  /// The files in directory order; folders are left out.
  std::span<const ZipEntry> entries() const { return m_entries; }
  std::optional<std::size_t> find(std::string_view name) const;

  /// The bytes of entries()[index], verified against its CRC. A stored entry is a view of the archive, a deflated one
  /// is decompressed now.
  Result<ZipContent> read(std::size_t index) const;

 private:
  /// Where an entry's bytes are.
  struct Location {
    std::size_t offset = 0;
    bool deflated = false;
    std::uint32_t crc = 0;
  };
  ZipArchive() = default;

  std::vector<ZipEntry> m_entries;
  std::vector<Location> m_locations; ///< one for each entry
  std::span<const std::byte> m_bytes;
  std::shared_ptr<const void> m_owner;
  std::string m_where;
  ErrorCode m_code = ErrorCode::InputRejected;
};

} // namespace tandem
