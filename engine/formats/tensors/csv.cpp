// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tensors/csv.hpp"

#include "engine/formats/tensors/mapped_file.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

namespace tandem {
namespace {

constexpr std::size_t kMaxColumns = 1 << 20;

Error rejected(const std::string& what, const std::string& where, std::size_t line, std::size_t column) {
  return makeError(ErrorCode::InputRejected, what,
                   where + " line " + std::to_string(line) + " column " + std::to_string(column),
                   "rows of numbers are expected, as many in every row");
}

struct Field {
  std::string text;
  std::size_t line = 1;
};

/// Takes the file apart into rows of fields.
class Reader {
 public:
  explicit Reader(std::string_view text) : m_rest(text), m_separator(separatorOf(text)) {}

  char separator() const { return m_separator; }
  std::size_t line() const { return m_line; }

  /// The next row that is not blank; empty at the end. False where a quoted field does not end.
  bool next(std::vector<Field>& row) {
    row.clear();
    while (row.empty() && !m_rest.empty()) {
      bool more = true;
      while (more && row.size() <= kMaxColumns) {
        row.emplace_back();
        row.back().line = m_line;
        if (!takeField(row.back().text)) return false;
        more = m_rest.starts_with(m_separator);
        if (more) m_rest.remove_prefix(1);
      }
      endLine();
      if (row.size() == 1 && row[0].text.empty()) row.clear();
    }
    return true;
  }

 private:
  static char separatorOf(std::string_view text) {
    bool quoted = false;
    std::size_t commas = 0, semicolons = 0, tabs = 0;
    for (char c : text) {
      if (c == '"') quoted = !quoted;
      if (quoted) continue;
      if (c == '\n') break;
      commas += c == ',', semicolons += c == ';', tabs += c == '\t';
    }
    if (semicolons > 0) return ';'; // commas beside them are decimal points
    return tabs > 0 ? '\t' : ',';
  }

  bool takeField(std::string& text) {
    const std::size_t start = m_rest.find_first_not_of(m_separator == '\t' ? " " : " \t");
    if (start == std::string_view::npos || m_rest[start] != '"') {
      const std::size_t end = std::min(m_rest.find_first_of(std::string{m_separator, '\n'}), m_rest.size());
      text = trimmed(m_rest.substr(0, end));
      m_rest.remove_prefix(end);
      return true;
    }
    m_rest.remove_prefix(start + 1);
    while (true) {
      const std::size_t end = m_rest.find('"');
      if (end == std::string_view::npos) return false;
      text += m_rest.substr(0, end);
      m_line +=
          static_cast<std::size_t>(std::count(m_rest.begin(), m_rest.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
      m_rest.remove_prefix(end + 1);
      if (!m_rest.starts_with('"')) break;
      text += '"';
      m_rest.remove_prefix(1);
    }
    // Anything between the closing quote and the separator belongs to the field, so that it is seen and refused.
    const std::size_t end = std::min(m_rest.find_first_of(std::string{m_separator, '\n'}), m_rest.size());
    text += trimmed(m_rest.substr(0, end));
    m_rest.remove_prefix(end);
    return true;
  }

  void endLine() {
    if (!m_rest.starts_with('\n')) return;
    m_rest.remove_prefix(1);
    ++m_line;
  }

  static std::string trimmed(std::string_view text) {
    const std::size_t start = text.find_first_not_of(" \t\r");
    if (start == std::string_view::npos) return {};
    return std::string(text.substr(start, text.find_last_not_of(" \t\r") - start + 1));
  }

  std::string_view m_rest;
  char m_separator;
  std::size_t m_line = 1;
};

std::optional<double> numberOf(std::string text, bool decimalComma) {
  if (decimalComma && std::count(text.begin(), text.end(), ',') == 1 && text.find('.') == std::string::npos)
    text[text.find(',')] = '.';
  std::string_view digits = text;
  if (digits.starts_with('+') && !digits.starts_with("+-")) digits.remove_prefix(1);
  double value = 0;
  auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || end != digits.data() + digits.size()) return std::nullopt;
  if (status == std::errc::result_out_of_range) return std::nullopt;
  return status == std::errc() ? std::optional(value) : std::nullopt;
}

std::string shown(const std::string& text) { return text.size() <= 40 ? text : text.substr(0, 40) + "..."; }

Result<void> addRow(const std::vector<Field>& row, bool decimalComma, const std::string& where, CsvTable& table) {
  if (static_cast<std::int64_t>(row.size()) != table.columns)
    return rejected("the row has " + std::to_string(row.size()) + " fields, the first one has " +
                        std::to_string(table.columns),
                    where, row.front().line, row.size());
  for (std::size_t i = 0; i < row.size(); ++i) {
    const auto value = numberOf(row[i].text, decimalComma);
    if (!value)
      return rejected(row[i].text.empty() ? "the field is empty" : "'" + shown(row[i].text) + "' is not a number",
                      where, row[i].line, i + 1);
    table.values.push_back(*value);
  }
  ++table.rows;
  return {};
}

} // namespace

Result<CsvTable> readCsv(std::span<const std::byte> bytes, const std::string& where) {
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (text.find('\0') != std::string_view::npos) return rejected("this is not a text in UTF-8", where, 1, 1);
  Reader reader(text);
  CsvTable table;
  std::vector<Field> row;
  while (true) {
    const std::size_t line = reader.line();
    if (!reader.next(row)) return rejected("a quoted field does not end", where, line, row.size());
    if (row.empty()) break;
    if (row.size() > kMaxColumns) return rejected("the row has too many fields", where, line, row.size());
    const bool decimalComma = reader.separator() != ',';
    if (table.columns == 0) {
      table.columns = static_cast<std::int64_t>(row.size());
      const bool header =
          std::any_of(row.begin(), row.end(), [&](const Field& f) { return !numberOf(f.text, decimalComma); });
      if (header) {
        for (Field& field : row) table.header.push_back(std::move(field.text));
        continue;
      }
    }
    TANDEM_TRY(addRow(row, decimalComma, where, table));
  }
  if (table.rows == 0) return rejected("the file has no row of numbers", where, reader.line(), 1);
  return table;
}

Result<CsvTable> readCsv(const std::filesystem::path& path) {
  auto file = TANDEM_TRY(MappedFile::open(path, ErrorCode::InputRejected, std::int64_t{4} << 30));
  return readCsv(file->bytes(), path.string());
}

} // namespace tandem
