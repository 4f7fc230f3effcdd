// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/detail/binary_cache.hpp"

#include "engine/base/hash.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <fstream>
#include <unistd.h>

namespace tandem::opencl {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kMagic = "tandem-cl-1\n";
constexpr std::string_view kSuffix = ".clbin";

/// A second basis, for hashes independent of the usual ones.
constexpr std::uint64_t kOtherBasis = kFnvBasis ^ 0x9e3779b97f4a7c15u;

/// Fixed part after the magic. The whole key's two hashes guard against colliding file names.
struct Header {
  std::uint64_t keyHash = 0;
  std::uint64_t keyHash2 = 0;
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;
};

Header headerFor(std::string_view key, const std::vector<unsigned char>& binary) {
  const std::string_view bytes(reinterpret_cast<const char*>(binary.data()), binary.size());
  return {fnv1a(key), fnv1a(key, kOtherBasis), binary.size(), fnv1a(bytes)};
}

} // namespace

fs::path BinaryCache::pathOf(std::string_view key) const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string name;
  for (std::uint64_t basis : {kFnvBasis, kOtherBasis}) {
    const std::uint64_t hash = fnv1a(key, basis);
    for (int shift = 60; shift >= 0; shift -= 4) name += kDigits[(hash >> shift) & 15];
  }
  return m_directory / (name + std::string(kSuffix));
}

std::optional<std::vector<unsigned char>> BinaryCache::load(std::string_view key) const {
  if (m_directory.empty()) return std::nullopt;
  std::ifstream file(pathOf(key), std::ios::binary);
  std::string magic(kMagic.size(), '\0');
  Header header;
  if (!file.read(magic.data(), static_cast<std::streamsize>(magic.size())) || magic != kMagic) return std::nullopt;
  if (!file.read(reinterpret_cast<char*>(&header), sizeof header)) return std::nullopt;
  if (header.bytes == 0 || header.bytes > kMaxEntryBytes) return std::nullopt;
  std::vector<unsigned char> binary(header.bytes);
  if (!file.read(reinterpret_cast<char*>(binary.data()), static_cast<std::streamsize>(binary.size())))
    return std::nullopt;
  const Header expected = headerFor(key, binary);
  if (std::memcmp(&expected, &header, sizeof header) != 0) return std::nullopt;
  std::error_code ignored; // a folder that others own may be read, too
  fs::last_write_time(pathOf(key), fs::file_time_type::clock::now(), ignored);
  return binary;
}

void BinaryCache::store(std::string_view key, const std::vector<unsigned char>& binary) const {
  if (m_directory.empty() || binary.empty() || binary.size() > kMaxEntryBytes) return;
  static std::atomic<unsigned> counter{0};
  std::error_code ignored;
  fs::create_directories(m_directory, ignored);
  const fs::path target = pathOf(key);
  fs::path temporary = target;
  temporary += "." + std::to_string(getpid()) + "." + std::to_string(counter++);
  {
    std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
    const Header header = headerFor(key, binary);
    file.write(kMagic.data(), static_cast<std::streamsize>(kMagic.size()));
    file.write(reinterpret_cast<const char*>(&header), sizeof header);
    file.write(reinterpret_cast<const char*>(binary.data()), static_cast<std::streamsize>(binary.size()));
    file.flush();
    if (!file) {
      file.close();
      fs::remove(temporary, ignored);
      return;
    }
  }
  fs::rename(temporary, target, ignored);
  if (ignored) fs::remove(temporary, ignored);
}

void BinaryCache::shrink() const {
  if (m_directory.empty()) return;
  struct File {
    fs::path path;
    fs::file_time_type used;
    std::uint64_t bytes = 0;
  };
  constexpr std::chrono::hours kAbandoned{1};
  std::vector<File> files;
  std::uint64_t total = 0;
  std::error_code error;
  for (fs::directory_iterator it(m_directory, error), end; !error && it != end; it.increment(error)) {
    // Other processes remove and rename here, too: what cannot be looked at is gone.
    std::error_code gone;
    const fs::path& path = it->path();
    const std::string name = path.filename().string();
    if (name.find(kSuffix) == std::string::npos || !fs::is_regular_file(it->symlink_status(gone))) continue;
    File file{path, fs::last_write_time(path, gone), 0};
    if (!gone) file.bytes = fs::file_size(path, gone);
    if (gone) continue;
    if (path.extension() != kSuffix) { // a temporary file; its writer may be at work
      if (fs::file_time_type::clock::now() - file.used > kAbandoned) fs::remove(path, gone);
      continue;
    }
    total += file.bytes;
    files.push_back(std::move(file));
  }
  std::sort(files.begin(), files.end(), [](const File& a, const File& b) { return a.used < b.used; });
  for (const File& file : files) {
    if (total <= m_bound) return;
    std::error_code gone;
    fs::remove(file.path, gone);
    total -= file.bytes;
  }
}

} // namespace tandem::opencl
