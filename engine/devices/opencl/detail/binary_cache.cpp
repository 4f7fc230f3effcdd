// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/detail/binary_cache.hpp"

#include "engine/base/hash.hpp"

#include <atomic>
#include <cstring>
#include <fstream>
#include <unistd.h>

namespace tandem::opencl {
namespace {

constexpr std::string_view kMagic = "tandem-cl-1\n";
constexpr std::uint64_t kMaxBinaryBytes = std::uint64_t{256} << 20;

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

std::filesystem::path BinaryCache::pathOf(std::string_view key) const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string name;
  for (std::uint64_t basis : {kFnvBasis, kOtherBasis}) {
    const std::uint64_t hash = fnv1a(key, basis);
    for (int shift = 60; shift >= 0; shift -= 4) name += kDigits[(hash >> shift) & 15];
  }
  return m_directory / (name + ".clbin");
}

std::optional<std::vector<unsigned char>> BinaryCache::load(std::string_view key) const {
  if (m_directory.empty()) return std::nullopt;
  std::ifstream file(pathOf(key), std::ios::binary);
  std::string magic(kMagic.size(), '\0');
  Header header;
  if (!file.read(magic.data(), static_cast<std::streamsize>(magic.size())) || magic != kMagic) return std::nullopt;
  if (!file.read(reinterpret_cast<char*>(&header), sizeof header)) return std::nullopt;
  if (header.bytes == 0 || header.bytes > kMaxBinaryBytes) return std::nullopt;
  std::vector<unsigned char> binary(header.bytes);
  if (!file.read(reinterpret_cast<char*>(binary.data()), static_cast<std::streamsize>(binary.size())))
    return std::nullopt;
  const Header expected = headerFor(key, binary);
  if (std::memcmp(&expected, &header, sizeof header) != 0) return std::nullopt;
  return binary;
}

void BinaryCache::store(std::string_view key, const std::vector<unsigned char>& binary) const {
  if (m_directory.empty() || binary.empty()) return;
  static std::atomic<unsigned> counter{0};
  std::error_code ignored;
  std::filesystem::create_directories(m_directory, ignored);
  const std::filesystem::path target = pathOf(key);
  std::filesystem::path temporary = target;
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
      std::filesystem::remove(temporary, ignored);
      return;
    }
  }
  std::filesystem::rename(temporary, target, ignored);
  if (ignored) std::filesystem::remove(temporary, ignored);
}

} // namespace tandem::opencl
