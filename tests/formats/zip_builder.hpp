// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>
#include <zlib.h>

namespace tandem::testing {

/// One entry to write; what is not set follows from the content.
struct ZipPart {
  std::string name = {};
  std::string content = {};
  bool deflate = false;
  std::uint16_t flags = 0;
  std::uint32_t mode = 0100644; ///< Unix file type and permissions
  std::uint32_t crcError = 0;   ///< added to both checksums
  std::string localName = {};   ///< name in the local header, where it differs
};

/// Writes zip files, right ones and wrong ones.
class ZipBuilder {
 public:
  static std::string number(std::uint64_t value, int size) {
    std::string text;
    for (int i = 0; i < size; ++i) text += static_cast<char>(value >> (8 * i) & 0xff);
    return text;
  }

  static std::string deflated(std::string_view text) {
    z_stream stream{};
    deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
    std::string out(deflateBound(&stream, text.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
  }

  ZipBuilder& add(const ZipPart& part) {
    const std::string data = part.deflate ? deflated(part.content) : part.content;
    const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(part.content.data()), part.content.size());
    return addEntry(part, part.deflate ? 8 : 0, crc + part.crcError, data.size(), part.content.size(), data);
  }

  /// `times` times `content`, deflated once: a full flush makes the pieces independent of each other.
  ZipBuilder& addRepeated(const std::string& name, const std::string& content, int times) {
    z_stream stream{};
    deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
    std::string piece(deflateBound(&stream, content.size()) + 16, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
    stream.avail_in = static_cast<uInt>(content.size());
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    deflate(&stream, Z_FULL_FLUSH);
    piece.resize(stream.total_out);
    deflateEnd(&stream);
    const auto one = crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size());
    std::string data;
    uLong crc = 0;
    for (int i = 0; i < times; ++i) {
      data += piece;
      crc = i == 0 ? one : crc32_combine(crc, one, static_cast<z_off_t>(content.size()));
    }
    data += deflated(""); // the last block
    const std::uint64_t bytes = content.size() * static_cast<std::uint64_t>(times);
    return addEntry({.name = name}, 8, crc, data.size(), bytes, data);
  }
  /// An entry whose bytes, `bytes` of them, the caller puts behind what file() holds now; right in all but its
  /// checksum.
  ZipBuilder& addHeaderOnly(const std::string& name, std::uint64_t bytes) {
    return addEntry({.name = name}, 0, 0, bytes, bytes, {});
  }

  std::string& file() { return m_file; }       ///< local headers and bytes so far
  std::string& central() { return m_central; } ///< directory so far

  std::string finish(std::uint64_t claimedEntries = 0) const {
    return m_file + directoryAt(m_file.size(), claimedEntries);
  }
  /// The directory and its end alone, for a file where it begins at `offset`.
  std::string directoryAt(std::uint64_t offset, std::uint64_t claimedEntries = 0) const {
    const std::uint64_t entries = claimedEntries ? claimedEntries : m_entries;
    return m_central + number(0x06054b50, 4) + number(0, 4) + number(entries, 2) + number(entries, 2) +
           number(m_central.size(), 4) + number(offset, 4) + number(0, 2);
  }

  /// With a zip64 end record that says what it is told.
  std::string finish64(std::uint64_t entries, std::uint64_t size, std::uint64_t offset) const {
    const std::uint64_t at = m_file.size() + m_central.size();
    return m_file + m_central + number(0x06064b50, 4) + number(44, 8) + number(45, 2) + number(45, 2) + number(0, 8) +
           number(entries, 8) + number(entries, 8) + number(size, 8) + number(offset, 8) + number(0x07064b50, 4) +
           number(0, 4) + number(at, 8) + number(1, 4) + number(0x06054b50, 4) + number(0, 4) + number(0xffff, 2) +
           number(0xffff, 2) + number(0xffffffff, 4) + number(0xffffffff, 4) + number(0, 2);
  }

 private:
  ZipBuilder& addEntry(const ZipPart& part, int method, std::uint64_t crc, std::uint64_t stored, std::uint64_t bytes,
                       const std::string& data) {
    const std::string common = number(20, 2) + number(part.flags, 2) + number(static_cast<std::uint64_t>(method), 2) +
                               number(0, 4) + number(crc & 0xffffffff, 4) + number(stored, 4) + number(bytes, 4);
    const std::string& local = part.localName.empty() ? part.name : part.localName;
    m_central += number(0x02014b50, 4) + number(3 << 8 | 20, 2) + common + number(part.name.size(), 2) + number(0, 2) +
                 number(0, 2) + number(0, 2) + number(0, 2) + number(std::uint64_t{part.mode} << 16, 4) +
                 number(m_file.size(), 4) + part.name;
    m_file += number(0x04034b50, 4) + common + number(local.size(), 2) + number(0, 2) + local + data;
    ++m_entries;
    return *this;
  }

  std::string m_file;
  std::string m_central;
  std::uint64_t m_entries = 0;
};

} // namespace tandem::testing
