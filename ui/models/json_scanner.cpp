// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/json_scanner.hpp"

#include <QIODevice>

namespace tandem::ui {
namespace {

constexpr qsizetype kBuffer = 1 << 18;

bool isSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

bool isWordPart(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '+' || c == '.';
}

void appendUtf8(std::string& text, unsigned code) {
  const auto put = [&](unsigned byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | (code >> 6));
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3f));
    put(0x80 | ((code >> 6) & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

/// To the kept length, without the character that the cut may go through.
bool shorten(std::string& text) {
  if (text.size() <= JsonScanner::kMostText) return false;
  text.resize(JsonScanner::kMostText);
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80) text.pop_back();
  if (!text.empty()) text.pop_back();
  return true;
}

} // namespace

JsonScanner::JsonScanner(QIODevice& device) : m_device(device), m_buffer(kBuffer, Qt::Uninitialized) {}

bool JsonScanner::fail(std::string_view what) {
  if (m_problem.empty()) m_problem = std::string(what) + " (byte " + std::to_string(position()) + ")";
  return false;
}

bool JsonScanner::fill() {
  m_before += static_cast<std::int64_t>(m_size);
  m_at = m_size = 0;
  const qint64 got = m_device.read(m_buffer.data(), m_buffer.size());
  if (got < 0) return fail("cannot be read: " + m_device.errorString().toStdString());
  m_size = static_cast<std::size_t>(got);
  return m_size > 0;
}

int JsonScanner::next() {
  if (m_at >= m_size && !fill()) return -1;
  return static_cast<unsigned char>(m_buffer.constData()[m_at++]);
}

char JsonScanner::peek() {
  while (!failed()) {
    if (m_at >= m_size && !fill()) return 0;
    const char c = m_buffer.constData()[m_at];
    if (!isSpace(c)) return c;
    ++m_at;
  }
  return 0;
}

bool JsonScanner::accept(char wanted) {
  if (peek() != wanted || failed()) return false;
  ++m_at;
  return true;
}

bool JsonScanner::expect(char wanted) {
  if (failed()) return false;
  if (accept(wanted)) return true;
  return fail(peek() == 0 ? std::string("ends in the middle")
                          : std::string("is not valid JSON: '") + wanted + "' is missing");
}

bool JsonScanner::more(char close, bool& first) {
  if (failed()) return false;
  if (accept(close)) return false;
  if (first) {
    first = false;
    if (peek() == 0) return fail("ends in the middle");
    return true;
  }
  return expect(',');
}

bool JsonScanner::hex4(unsigned& code) {
  code = 0;
  for (int i = 0; i < 4; ++i) {
    const int c = next();
    if (c < 0) return fail("ends in the middle");
    unsigned digit;
    if (c >= '0' && c <= '9')
      digit = static_cast<unsigned>(c - '0');
    else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
      digit = static_cast<unsigned>((c | 0x20) - 'a' + 10);
    else
      return fail("is not valid JSON: a wrong escape in a text");
    code = code * 16 + digit;
  }
  return true;
}

bool JsonScanner::escape(std::string& text) {
  const int c = next();
  switch (c) {
  case 'n': text += '\n'; return true;
  case 't': text += '\t'; return true;
  case 'r': text += '\r'; return true;
  case 'b': text += '\b'; return true;
  case 'f': text += '\f'; return true;
  case '"':
  case '\\':
  case '/': text += static_cast<char>(c); return true;
  case 'u': break;
  case -1: return fail("ends in the middle");
  default: return fail("is not valid JSON: a wrong escape in a text");
  }
  unsigned code = 0;
  if (!hex4(code)) return false;
  constexpr unsigned kReplacement = 0xfffd;
  if (code >= 0xd800 && code < 0xdc00) {
    // The other half must follow; without it the character is unknown, which is no reason to give up the file.
    unsigned low = 0;
    if (m_at >= m_size && !fill()) return fail("ends in the middle");
    if (m_buffer.constData()[m_at] != '\\') {
      code = kReplacement;
    } else {
      ++m_at;
      const int kind = next();
      if (kind != 'u') return fail("is not valid JSON: half a character in a text");
      if (!hex4(low)) return false;
      code = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) : kReplacement;
    }
  } else if (code >= 0xdc00 && code < 0xe000) {
    code = kReplacement;
  }
  appendUtf8(text, code);
  return true;
}

bool JsonScanner::string(std::string& text) {
  text.clear();
  if (!expect('"')) return false;
  bool full = false;
  while (!failed()) {
    if (m_at >= m_size && !fill()) return fail("ends in the middle");
    // All up to the next special character at once.
    const char* const data = m_buffer.constData();
    const std::size_t from = m_at;
    while (m_at < m_size && data[m_at] != '"' && data[m_at] != '\\' && static_cast<unsigned char>(data[m_at]) >= 0x20)
      ++m_at;
    if (!full) text.append(data + from, m_at - from);
    if (m_at < m_size) {
      const char c = data[m_at++];
      if (c == '"') break;
      if (c != '\\') return fail("is not valid JSON: a control character in a text");
      if (full) m_scratch.clear();
      if (!escape(full ? m_scratch : text)) return false;
    }
    full = full || shorten(text);
  }
  shorten(text);
  return !failed();
}

bool JsonScanner::word(std::string& text) {
  text.clear();
  while (!failed()) {
    if (m_at >= m_size && !fill()) break;
    const char c = m_buffer.constData()[m_at];
    if (!isWordPart(c)) break;
    if (text.size() >= kMostText) return fail("is not valid JSON: a number without end");
    text += c;
    ++m_at;
  }
  if (failed()) return false;
  if (text.empty()) return fail(peek() == 0 ? "ends in the middle" : "is not valid JSON: a value is missing");
  const bool number = text[0] == '-' || (text[0] >= '0' && text[0] <= '9');
  return number || text == "true" || text == "false" || text == "null" ? true
                                                                       : fail("is not valid JSON: an unknown word");
}

bool JsonScanner::scalar(std::string& text, bool& isString) {
  isString = peek() == '"';
  return isString ? string(text) : word(text);
}

bool JsonScanner::skip() {
  std::vector<char> open; // closing brackets that are awaited
  std::string text;
  bool first = true; // nothing has been read of the innermost one
  do {
    const char c = peek();
    if (!open.empty()) {
      bool begun = first;
      if (!more(open.back(), begun)) {
        if (failed()) return false;
        open.pop_back();
        first = false;
        continue;
      }
      if (open.back() == '}' && !key(text)) return false;
    }
    const char value = open.empty() ? c : peek();
    if (value == '{' || value == '[') {
      if (open.size() >= kMostDepth) return fail("is nested too deeply");
      ++m_at;
      open.push_back(value == '{' ? '}' : ']');
      first = true;
      continue;
    }
    bool isString = false;
    if (!scalar(text, isString)) return false;
    first = false;
  } while (!open.empty());
  return !failed();
}

bool JsonScanner::atEnd() { return !failed() && peek() == 0 && !failed(); }

} // namespace tandem::ui
