// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <QByteArray>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

class QIODevice;

namespace tandem::ui {

/// Reads JSON (RFC 8259) piece by piece from a device, without ever holding more than a buffer of it: a trace of a
/// million events is hundreds of megabytes. The first problem stops it; every call after that does nothing and answers
/// false. No recursion.
class JsonScanner {
 public:
  explicit JsonScanner(QIODevice& device);

  [[nodiscard]] bool failed() const { return !m_problem.empty(); }
  [[nodiscard]] const std::string& problem() const { return m_problem; }
  /// Bytes read so far.
  [[nodiscard]] std::int64_t position() const { return m_before + static_cast<std::int64_t>(m_at); }

  /// The next character that is no white space, not consumed; 0 at the end.
  char peek();
  bool expect(char wanted);
  /// Consumes `wanted` if it is next.
  bool accept(char wanted);
  /// Whether another member of the object or array that was begun follows; consumes the comma or `close`.
  bool more(char close, bool& first);
  /// A string; only its first kMostText bytes are kept, whole characters of UTF-8.
  bool string(std::string& text);
  bool key(std::string& text) { return string(text) && expect(':'); }
  /// A string or a number as it is written, or "true", "false", "null".
  bool scalar(std::string& text, bool& isString);
  /// Whatever comes next, nested as it may be.
  bool skip();
  /// Only white space is left.
  bool atEnd();
  bool fail(std::string_view what);

  static constexpr std::size_t kMostText = 4096;
  static constexpr std::size_t kMostDepth = 1000;

 private:
  bool fill();
  int next(); ///< -1 at the end
  bool escape(std::string& text);
  bool hex4(unsigned& code);
  bool word(std::string& text);

  QIODevice& m_device;
  QByteArray m_buffer;
  std::size_t m_at = 0, m_size = 0;
  std::int64_t m_before = 0;
  std::string m_problem, m_scratch;
};

} // namespace tandem::ui
