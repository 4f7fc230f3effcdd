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
/// entries appear by rename.
class BinaryCache {
 public:
  explicit BinaryCache(std::filesystem::path directory) : m_directory(std::move(directory)) {}
  std::optional<std::vector<unsigned char>> load(std::string_view key) const;
  void store(std::string_view key, const std::vector<unsigned char>& binary) const;

 private:
  std::filesystem::path pathOf(std::string_view key) const;
  std::filesystem::path m_directory;
};

} // namespace tandem::opencl
