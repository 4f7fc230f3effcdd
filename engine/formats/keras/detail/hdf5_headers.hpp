// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace tandem::detail {

/// Little-endian numbers of a file, within its bounds.
class Hdf5Bytes {
 public:
  explicit Hdf5Bytes(std::span<const std::byte> bytes) : m_bytes(bytes) {}
  std::uint64_t size() const { return m_bytes.size(); }
  bool has(std::uint64_t at, std::uint64_t size) const { return at <= m_bytes.size() && size <= m_bytes.size() - at; }
  std::uint64_t number(std::uint64_t at, int size) const {
    std::uint64_t value = 0;
    for (int i = size - 1; i >= 0; --i)
      value = value << 8 | std::to_integer<std::uint64_t>(m_bytes[at + static_cast<std::uint64_t>(i)]);
    return value;
  }
  std::string_view text(std::uint64_t at, std::uint64_t size) const {
    return {reinterpret_cast<const char*>(m_bytes.data()) + at, static_cast<std::size_t>(size)};
  }
  Hdf5Bytes part(std::uint64_t at, std::uint64_t size) const { return Hdf5Bytes(m_bytes.subspan(at, size)); }

 private:
  std::span<const std::byte> m_bytes;
};

/// Looks through the headers of objects before the library does. HDF5 1.10 decodes the types, extents and attributes in
/// them without comparing their sizes with the message that holds them, and reads behind its end (heap over-reads in
/// H5O__attr_decode and its like).
class Hdf5Headers {
 public:
  /// `base`: where the file's addresses begin.
  Hdf5Headers(std::span<const std::byte> file, std::uint64_t base) : m_file(file), m_base(base) {}

  /// Throws KerasError where a message of the object at `address` says more than it holds. Each object is looked at
  /// once.
  void check(std::uint64_t address);

 private:
  Hdf5Bytes m_file;
  std::uint64_t m_base;
  std::set<std::uint64_t> m_checked;
};

} // namespace tandem::detail
