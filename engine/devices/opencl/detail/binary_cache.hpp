// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::opencl {

/// Program binaries on disk, one file per key. Best effort: an entry that is missing, unreadable or damaged is simply
/// absent, and a directory that cannot be written keeps nothing. Any number of processes may share a directory, since
/// entries appear by rename. It is kept below a bound: what was used longest ago goes.
class BinaryCache {
 public:
  static constexpr std::uint64_t kMaxEntryBytes = std::uint64_t{256} << 20;
  static constexpr std::uint64_t kDefaultBound = std::uint64_t{1} << 30;

  explicit BinaryCache(std::filesystem::path directory, std::uint64_t bound = kDefaultBound)
      : m_directory(std::move(directory)),
        m_bound(bound) {}
  /// Also notes that the entry was used.
  std::optional<std::vector<unsigned char>> load(std::string_view key) const;
  void store(std::string_view key, const std::vector<unsigned char>& binary) const;
  /// Removes entries, least recently used first, until the rest is within the bound, and what crashed writers left.
  void shrink() const;

 private:
  std::filesystem::path pathOf(std::string_view key) const;
  std::filesystem::path m_directory;
  std::uint64_t m_bound;
};

} // namespace tandem::opencl
