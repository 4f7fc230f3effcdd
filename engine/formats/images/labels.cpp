// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/images/labels.hpp"

#include "engine/formats/tensors/mapped_file.hpp"

#include <charconv>
#include <optional>
#include <string_view>

namespace tandem {
namespace {

std::string_view trimmed(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t start = line.find_first_not_of(kBlanks);
  if (start == std::string_view::npos) return {};
  return line.substr(start, line.find_last_not_of(kBlanks) - start + 1);
}

/// What follows "<number>," or "<number>:" or "<number> "; nullopt where the line does not start like that.
std::optional<std::string_view> afterNumber(std::string_view line, std::size_t number) {
  std::size_t value = 0;
  auto [end, status] = std::from_chars(line.data(), line.data() + line.size(), value);
  if (status != std::errc() || value != number || end == line.data() + line.size()) return std::nullopt;
  if (*end != ',' && *end != ':' && *end != ' ' && *end != '\t') return std::nullopt;
  return trimmed(line.substr(static_cast<std::size_t>(end - line.data()) + 1));
}

} // namespace

Result<std::vector<std::string>> parseLines(std::string_view text, const std::string& where) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (text.find('\0') != std::string_view::npos)
    return makeError(ErrorCode::InputRejected, "this is not a text", where, "give a plain text file, line by line");
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(trimmed(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

Result<std::vector<std::string>> readLines(const std::filesystem::path& path) {
  constexpr std::int64_t kMaxBytes = 16 << 20;
  auto file = TANDEM_TRY(MappedFile::open(path, ErrorCode::InputRejected, kMaxBytes));
  return parseLines({reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size()}, path.string());
}

Result<std::vector<std::string>> readLabels(const std::filesystem::path& path) {
  constexpr std::int64_t kMaxBytes = 16 << 20;
  auto file = TANDEM_TRY(MappedFile::open(path, ErrorCode::InputRejected, kMaxBytes));
  return parseLabels({reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size()}, path.string());
}

Result<std::vector<std::string>> parseLabels(std::string_view text, const std::string& where) {
  std::vector<std::string> lines = TANDEM_TRY(parseLines(text, where));
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  if (lines.empty())
    return makeError(ErrorCode::InputRejected, "the file has no labels", where, "one class name per line is expected");
  bool numbered = true;
  for (std::size_t i = 0; i < lines.size() && numbered; ++i) numbered = afterNumber(lines[i], i).has_value();
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < lines.size(); ++i) labels.emplace_back(numbered ? *afterNumber(lines[i], i) : lines[i]);
  return labels;
}

} // namespace tandem
