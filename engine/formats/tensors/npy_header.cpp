// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tensors/detail/npy_header.hpp"

#include "engine/tensor/shape.hpp"

#include <charconv>

namespace tandem::detail {
namespace {

/// What is left of the header; every function takes what it recognises off the front, with the blanks after it.
class Reader {
 public:
  explicit Reader(std::string_view text) : m_rest(text) { skipBlanks(); }

  bool atEnd() const { return m_rest.empty(); }
  bool startsWith(char c) const { return m_rest.starts_with(c); }

  bool take(std::string_view token) {
    if (!m_rest.starts_with(token)) return false;
    m_rest.remove_prefix(token.size());
    skipBlanks();
    return true;
  }

  /// 'text' or "text" without escapes.
  bool takeString(std::string& value) {
    if (m_rest.empty() || (m_rest[0] != '\'' && m_rest[0] != '"')) return false;
    const std::size_t end = m_rest.find(m_rest[0], 1);
    if (end == std::string_view::npos) return false;
    value = std::string(m_rest.substr(1, end - 1));
    if (value.find('\\') != std::string::npos) return false;
    m_rest.remove_prefix(end + 1);
    skipBlanks();
    return true;
  }

  /// Python 2 wrote long integers with an L.
  bool takeNumber(std::int64_t& value) {
    auto [next, status] = std::from_chars(m_rest.data(), m_rest.data() + m_rest.size(), value);
    if (status != std::errc()) return false;
    m_rest.remove_prefix(static_cast<std::size_t>(next - m_rest.data()));
    if (m_rest.starts_with('L')) m_rest.remove_prefix(1);
    skipBlanks();
    return true;
  }

 private:
  void skipBlanks() {
    const std::size_t start = m_rest.find_first_not_of(" \t\n");
    m_rest.remove_prefix(start == std::string_view::npos ? m_rest.size() : start);
  }
  std::string_view m_rest;
};

std::string readShape(Reader& reader, NpyHeader& header) {
  if (!reader.take("(")) return "the shape in the header cannot be read";
  bool separated = true;
  while (!reader.take(")")) {
    std::int64_t dim = 0;
    if (!separated || !reader.takeNumber(dim)) return "the shape in the header cannot be read";
    if (dim < 0) return "the shape in the header has a negative dimension";
    if (header.shape.size() == kMaxRank) return "the shape has more than " + std::to_string(kMaxRank) + " dimensions";
    header.shape.push_back(dim);
    separated = reader.take(",");
  }
  // "(3)" is a number in Python, not a tuple.
  if (header.shape.size() == 1 && !separated) return "the shape in the header cannot be read";
  return {};
}

std::string readValue(Reader& reader, const std::string& key, NpyHeader& header) {
  if (key == "shape") return readShape(reader, header);
  if (key == "descr") {
    header.structured = reader.startsWith('[');
    if (header.structured) return "arrays of records have no single element type";
    return reader.takeString(header.descr) ? "" : "the element type in the header cannot be read";
  }
  header.fortranOrder = reader.take("True");
  return header.fortranOrder || reader.take("False") ? "" : "the order in the header cannot be read";
}

} // namespace

std::string parseNpyHeader(std::string_view text, NpyHeader& header) {
  const char* const damaged = "the header is not the dictionary that numpy writes";
  constexpr std::string_view kKeys[] = {"descr", "fortran_order", "shape"};
  bool seen[3] = {};
  Reader reader(text);
  if (!reader.take("{")) return damaged;
  bool separated = true;
  while (!reader.take("}")) {
    std::string key;
    if (!separated || !reader.takeString(key) || !reader.take(":")) return damaged;
    bool known = false;
    for (std::size_t i = 0; i < 3; ++i) {
      if (key != kKeys[i]) continue;
      if (seen[i]) return "the header says '" + key + "' twice";
      known = seen[i] = true;
    }
    if (!known) return damaged;
    if (std::string problem = readValue(reader, key, header); !problem.empty()) return problem;
    separated = reader.take(",");
  }
  if (!reader.atEnd()) return damaged;
  for (std::size_t i = 0; i < 3; ++i)
    if (!seen[i]) return "the header lacks '" + std::string(kKeys[i]) + "'";
  return {};
}

} // namespace tandem::detail
