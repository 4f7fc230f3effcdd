// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/archive/zip_archive.hpp"

#include "engine/base/checked.hpp"
#include "engine/formats/archive/detail/zip_directory.hpp"

#include <algorithm>
#include <limits>
#include <zlib.h>

namespace tandem {
namespace {

constexpr const char* kHint = "write the archive again with the program it came from";

/// `text` with control characters and broken UTF-8 made harmless, for messages about names we refuse.
std::string shown(const std::string& text) {
  std::string result;
  for (char c : text.substr(0, 100)) result += c >= 0x20 && c < 0x7f ? c : '?';
  return result;
}

std::string inArchive(const std::string& where, const std::string& name) {
  return name.empty() ? where : where + ": " + shown(name);
}

/// What the limits say against `bytes` out of `stored`; empty where they allow it.
bool expandsTooFar(std::int64_t bytes, std::int64_t stored, std::int64_t ratio, std::int64_t free) {
  const auto backed = checkedMul(stored, ratio);
  const auto allowed = backed ? checkedAdd(*backed, free) : std::nullopt;
  return allowed && bytes > *allowed;
}

/// Raw deflate (RFC 1951) of `from` into all of `to`; false where the stream is damaged or of another length.
bool inflateAll(std::span<const std::byte> from, std::span<std::byte> to) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false;
  constexpr std::size_t kStep = std::numeric_limits<uInt>::max();
  // zlib's interface is not const-correct: it only reads next_in.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(from.data()));
  std::size_t inLeft = from.size();
  std::size_t outLeft = to.size();
  Bytef nothing = 0; // an empty entry still has an end mark to read
  stream.next_out = to.empty() ? &nothing : reinterpret_cast<Bytef*>(to.data());
  int status = Z_OK;
  while (status == Z_OK) {
    if (stream.avail_in == 0) {
      stream.avail_in = static_cast<uInt>(std::min(inLeft, kStep));
      inLeft -= stream.avail_in;
    }
    if (stream.avail_out == 0) {
      stream.avail_out = static_cast<uInt>(std::min(outLeft, kStep));
      outLeft -= stream.avail_out;
    }
    status = inflate(&stream, Z_NO_FLUSH); // Z_BUF_ERROR, which ends the loop, where it needs more than there is
  }
  const bool complete =
      status == Z_STREAM_END && stream.avail_in == 0 && inLeft == 0 && stream.avail_out == 0 && outLeft == 0;
  inflateEnd(&stream);
  return complete;
}

std::uint32_t crcOf(std::span<const std::byte> bytes) {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

} // namespace

Result<ZipArchive> ZipArchive::open(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                                    std::string where, ErrorCode code, const ZipLimits& limits) {
  const std::string_view file(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  detail::ZipDirectory directory = detail::readZipDirectory(file, static_cast<std::uint64_t>(limits.entries));
  if (!directory.problem.empty()) return makeError(code, directory.problem, inArchive(where, directory.entry), kHint);
  ZipArchive archive;
  std::int64_t total = 0;
  for (detail::ZipRecord& record : directory.records) {
    const auto size = static_cast<std::int64_t>(record.bytes);
    const auto stored = static_cast<std::int64_t>(record.storedBytes);
    const auto sum = checkedAdd(total, size);
    if (!sum || expandsTooFar(size, stored, limits.ratio, limits.freeEntryBytes) ||
        expandsTooFar(*sum, static_cast<std::int64_t>(bytes.size()), limits.ratio, limits.freeTotalBytes))
      return makeError(code, "the archive is small but claims to expand to " + std::to_string(size) + " bytes and more",
                       inArchive(where, record.name), "if it is genuine, store it uncompressed (numpy.savez)");
    total = *sum;
    if (record.folder) continue;
    archive.m_entries.push_back({std::move(record.name), stored, size});
    archive.m_locations.push_back({static_cast<std::size_t>(record.data), record.deflated, record.crc});
  }
  archive.m_bytes = bytes;
  archive.m_owner = std::move(owner);
  archive.m_where = std::move(where);
  archive.m_code = code;
  return archive;
}

std::optional<std::size_t> ZipArchive::find(std::string_view name) const {
  const auto it = std::find_if(m_entries.begin(), m_entries.end(), [&](const ZipEntry& e) { return e.name == name; });
  if (it == m_entries.end()) return std::nullopt;
  return static_cast<std::size_t>(it - m_entries.begin());
}

Result<ZipContent> ZipArchive::read(std::size_t index) const {
  TANDEM_ASSERT(index < m_entries.size());
  const ZipEntry& entry = m_entries[index];
  const Location& location = m_locations[index];
  ZipContent content{m_bytes.subspan(location.offset, static_cast<std::size_t>(entry.storedBytes)), m_owner};
  if (location.deflated) {
    auto bytes = std::make_shared<std::vector<std::byte>>(static_cast<std::size_t>(entry.bytes));
    if (!inflateAll(content.bytes, *bytes))
      return makeError(m_code, "the compressed bytes are damaged", inArchive(m_where, entry.name), kHint);
    content = {*bytes, bytes};
  }
  if (crcOf(content.bytes) != location.crc)
    return makeError(m_code, "the bytes do not match their checksum", inArchive(m_where, entry.name), kHint);
  return content;
}

} // namespace tandem
