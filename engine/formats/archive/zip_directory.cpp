// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/archive/detail/zip_directory.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_set>

// Numbers of sections refer to PKWARE's .ZIP File Format Specification (APPNOTE.TXT) 6.3.3.

namespace tandem::detail {
namespace {

constexpr std::uint64_t kLocalHeader = 30; // sizes of the fixed parts, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16
constexpr std::uint64_t kCentralHeader = 46;
constexpr std::uint64_t kEnd = 22;
constexpr std::uint64_t kEnd64 = 56;
constexpr std::uint64_t kLocator64 = 20;
constexpr std::uint32_t kFull16 = 0xffff; // "look in the zip64 field"
constexpr std::uint32_t kFull32 = 0xffffffff;
constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();

/// Little-endian numbers out of a piece of the file whose length the caller has checked.
std::uint64_t number(std::string_view bytes, std::uint64_t at, int size) {
  std::uint64_t value = 0;
  for (int i = 0; i < size; ++i)
    value |= std::uint64_t{static_cast<std::uint8_t>(bytes[at + static_cast<std::uint64_t>(i)])} << (8 * i);
  return value;
}
std::uint32_t u16(std::string_view bytes, std::uint64_t at) { return static_cast<std::uint32_t>(number(bytes, at, 2)); }
std::uint32_t u32(std::string_view bytes, std::uint64_t at) { return static_cast<std::uint32_t>(number(bytes, at, 4)); }
std::uint64_t u64(std::string_view bytes, std::uint64_t at) { return number(bytes, at, 8); }

/// Where the central directory is and how many entries it has.
struct Span {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t entries = 0;
};

/// The end record is the last one whose comment ends exactly where the file ends.
std::optional<std::uint64_t> findEnd(std::string_view file) {
  if (file.size() < kEnd) return std::nullopt;
  const std::uint64_t last = file.size() - kEnd;
  for (std::uint64_t back = 0; back <= std::min<std::uint64_t>(last, 0xffff); ++back) {
    const std::uint64_t at = last - back;
    if (u32(file, at) == 0x06054b50 && u16(file, at + 20) == back) return at;
  }
  return std::nullopt;
}

/// Replaces saturated fields by those of the zip64 end record; false where the two do not fit together.
bool readEnd64(std::string_view file, std::uint64_t end, Span& span, std::uint64_t& directoryEnd) {
  const std::uint64_t locator = end - kLocator64;
  const std::uint64_t at = u64(file, locator + 8);
  if (u32(file, locator + 4) != 0 || u32(file, locator + 16) != 1) return false; // one disk
  if (at > locator || locator - at < kEnd64 || u32(file, at) != 0x06064b50) return false;
  if (u64(file, at + 4) != locator - at - 12) return false; // it reaches to the locator
  if (u32(file, at + 16) != 0 || u32(file, at + 20) != 0 || u64(file, at + 24) != u64(file, at + 32)) return false;
  const Span full{u64(file, at + 48), u64(file, at + 40), u64(file, at + 32)};
  if (span.entries != kFull16 && span.entries != full.entries) return false;
  if (span.size != kFull32 && span.size != full.size) return false;
  if (span.offset != kFull32 && span.offset != full.offset) return false;
  span = full;
  directoryEnd = at;
  return true;
}

std::string readSpan(std::string_view file, Span& span) {
  const auto end = findEnd(file);
  if (!end) return "this is not a zip file, or its end is cut off";
  span = {u32(file, *end + 16), u32(file, *end + 12), u16(file, *end + 10)};
  if (u16(file, *end + 4) != 0 || u16(file, *end + 6) != 0 || u16(file, *end + 8) != span.entries)
    return "the archive is split over several files";
  std::uint64_t directoryEnd = *end;
  const bool has64 = *end >= kLocator64 && u32(file, *end - kLocator64) == 0x07064b50;
  if (has64 && !readEnd64(file, *end, span, directoryEnd)) return "the zip64 directory contradicts the archive";
  if (!has64 && (span.entries == kFull16 || span.size == kFull32 || span.offset == kFull32))
    return "the zip64 directory is missing";
  if (span.offset > directoryEnd || span.size != directoryEnd - span.offset)
    return "the directory is not where the archive says";
  return {};
}

bool isUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<std::uint8_t>(text[i]);
    const std::size_t more = lead < 0x80 ? 0 : lead >> 5 == 6 ? 1 : lead >> 4 == 14 ? 2 : lead >> 3 == 30 ? 3 : 4;
    if (more == 4 || lead == 0xc0 || lead == 0xc1 || more > text.size() - i - 1) return false;
    for (std::size_t k = 1; k <= more; ++k)
      if ((static_cast<std::uint8_t>(text[i + k]) & 0xc0) != 0x80) return false;
    i += more + 1;
  }
  return true;
}

/// A name that means the same place everywhere: relative, without `..`, drive letter, back slash or control character.
std::string nameProblem(std::string_view name) {
  if (name.empty()) return "an entry has no name";
  if (std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }) ||
      !isUtf8(name))
    return "an entry's name is not plain UTF-8 text";
  const bool drive = name.size() > 2 && name[1] == ':' && name[2] == '/';
  if (name.front() == '/' || drive || name.find('\\') != name.npos) return "an entry's name is not a relative path";
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    if (part == ".." || part == "." || (part.empty() && end != name.size()))
      return "an entry's name leads out of the archive";
    begin = end + 1;
  }
  return {};
}

/// The zip64 extra field (4.5.3) gives, in this order, those of the values that are saturated. False where it lacks
/// one.
bool readExtra64(std::string_view extra, std::initializer_list<std::uint64_t*> values) {
  const bool wanted = std::any_of(values.begin(), values.end(), [](auto* value) { return *value == kFull32; });
  for (std::uint64_t at = 0; wanted && at + 4 <= extra.size();) {
    const std::uint64_t size = u16(extra, at + 2);
    if (size > extra.size() - at - 4) return false;
    if (u16(extra, at) != 1) {
      at += 4 + size;
      continue;
    }
    std::string_view field = extra.substr(at + 4, size);
    for (std::uint64_t* value : values) {
      if (*value != kFull32) continue;
      if (field.size() < 8) return false;
      *value = u64(field, 0);
      field.remove_prefix(8);
    }
    return true;
  }
  return !wanted;
}

/// Compares the local header with what the directory says and finds where the bytes start.
std::string readLocal(std::string_view file, std::uint64_t limit, std::uint32_t flags, std::uint32_t method,
                      ZipRecord& record) {
  const std::string differs = "the entry's own header contradicts the directory";
  if (record.begin > limit || limit - record.begin < kLocalHeader || u32(file, record.begin) != 0x04034b50)
    return differs;
  const std::string_view header = file.substr(record.begin, kLocalHeader);
  const std::uint64_t nameSize = u16(header, 26);
  const std::uint64_t extraSize = u16(header, 28);
  if (limit - record.begin - kLocalHeader < nameSize + extraSize) return differs;
  record.data = record.begin + kLocalHeader + nameSize + extraSize;
  if (u16(header, 6) != flags || u16(header, 8) != method ||
      file.substr(record.begin + kLocalHeader, nameSize) != record.name)
    return differs;
  std::uint64_t stored = u32(header, 18);
  std::uint64_t bytes = u32(header, 22);
  const std::uint32_t crc = u32(header, 14);
  // 4.4.4: with bit 3 set the sizes come after the bytes and are zero here.
  const bool later = (flags & 8) != 0 && stored == 0 && bytes == 0 && crc == 0;
  if (!later) {
    const std::string_view extra = file.substr(record.begin + kLocalHeader + nameSize, extraSize);
    if (!readExtra64(extra, {&bytes, &stored})) return "the entry's zip64 field is damaged";
    const bool open = (flags & 8) != 0 && stored == 0 && bytes == 0;
    if (!open && (stored != record.storedBytes || bytes != record.bytes)) return differs;
    if (crc != record.crc && (flags & 8) == 0) return differs;
  }
  if (record.storedBytes > limit - record.data) return "the entry's bytes reach beyond the archive";
  return {};
}

/// Reads one entry of the directory, which begins at `at` and moves on; everything ends before `end`.
std::string readRecord(std::string_view file, std::uint64_t directory, std::uint64_t end, std::uint64_t& at,
                       ZipRecord& record) {
  if (end - at < kCentralHeader || u32(file, at) != 0x02014b50) return "the directory is damaged";
  const std::string_view header = file.substr(at, kCentralHeader);
  const std::uint64_t nameSize = u16(header, 28);
  const std::uint64_t extraSize = u16(header, 30);
  const std::uint64_t rest = nameSize + extraSize + u16(header, 32);
  if (end - at - kCentralHeader < rest) return "the directory is damaged";
  record.name = std::string(file.substr(at + kCentralHeader, nameSize));
  const std::string_view extra = file.substr(at + kCentralHeader + nameSize, extraSize);
  at += kCentralHeader + rest;

  if (std::string problem = nameProblem(record.name); !problem.empty()) return problem;
  const std::uint32_t flags = u16(header, 8);
  const std::uint32_t method = u16(header, 10);
  if ((flags & (1U | 1U << 5 | 1U << 6 | 1U << 13)) != 0) return "an entry is encrypted or a patch";
  if (method != 0 && method != 8) return "an entry is compressed by a method other than deflate";
  const std::uint32_t kind = u32(header, 38) >> 28; // the file type of a Unix mode
  if (kind != 0 && kind != 4 && kind != 8) return "an entry is a link or a special file";
  record.folder = record.name.back() == '/';
  record.deflated = method == 8;
  record.crc = u32(header, 16);
  record.storedBytes = u32(header, 20);
  record.bytes = u32(header, 24);
  record.begin = u32(header, 42);
  if (!readExtra64(extra, {&record.bytes, &record.storedBytes, &record.begin}) || u16(header, 34) != 0 ||
      record.bytes > kLargest || record.storedBytes > kLargest)
    return "an entry's sizes in the directory are damaged";
  if (record.folder && record.bytes != 0) return "a folder holds bytes";
  if (!record.deflated && record.bytes != record.storedBytes) return "a stored entry has two sizes";
  return readLocal(file, directory, flags, method, record);
}

/// Two entries that share bytes are how small archives expand without end (Fifield, A better zip bomb, 2019).
const ZipRecord* findOverlap(const std::vector<ZipRecord>& records) {
  std::vector<const ZipRecord*> sorted;
  sorted.reserve(records.size());
  for (const ZipRecord& record : records) sorted.push_back(&record);
  std::sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return a->begin < b->begin; });
  for (std::size_t i = 1; i < sorted.size(); ++i)
    if (sorted[i]->begin < sorted[i - 1]->data + sorted[i - 1]->storedBytes) return sorted[i];
  return nullptr;
}

} // namespace

ZipDirectory readZipDirectory(std::string_view file, std::uint64_t maxEntries) {
  ZipDirectory result;
  Span span;
  result.problem = readSpan(file, span);
  if (!result.problem.empty()) return result;
  if (span.entries > maxEntries) {
    result.problem = "the archive has " + std::to_string(span.entries) + " entries, more than the " +
                     std::to_string(maxEntries) + " allowed";
    return result;
  }
  if (span.entries > span.size / kCentralHeader) {
    result.problem = "the directory is too short for its entries";
    return result;
  }
  std::uint64_t at = span.offset;
  const std::uint64_t end = span.offset + span.size;
  std::unordered_set<std::string> names;
  for (std::uint64_t i = 0; i < span.entries; ++i) {
    ZipRecord record;
    result.problem = readRecord(file, span.offset, end, at, record);
    if (result.problem.empty() && !names.insert(record.name).second) result.problem = "two entries have the same name";
    if (!result.problem.empty()) {
      result.entry = record.name;
      return result;
    }
    result.records.push_back(std::move(record));
  }
  if (at != end) {
    result.problem = "the directory has more bytes than entries";
  } else if (const ZipRecord* record = findOverlap(result.records)) {
    result.problem = "two entries share bytes of the archive";
    result.entry = record->name;
  }
  return result;
}

} // namespace tandem::detail
