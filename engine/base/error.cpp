// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/error.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace tandem {
namespace {

struct CodeFacts {
  ErrorCode code;
  std::string_view name;
  int exitCode;
};

constexpr std::array kCodes{
    CodeFacts{ErrorCode::Usage, "usage", 2},
    CodeFacts{ErrorCode::ModelRejected, "model-rejected", 3},
    CodeFacts{ErrorCode::InputRejected, "input-rejected", 3},
    CodeFacts{ErrorCode::Unsupported, "unsupported", 3},
    CodeFacts{ErrorCode::DeviceFailed, "device-failed", 4},
    CodeFacts{ErrorCode::OutputFailed, "output-failed", 1},
    CodeFacts{ErrorCode::Cancelled, "cancelled", 5},
    CodeFacts{ErrorCode::WorkerLost, "worker-lost", 4},
    CodeFacts{ErrorCode::Mismatch, "mismatch", 1},
    CodeFacts{ErrorCode::Internal, "internal", 1},
};

const CodeFacts& facts(ErrorCode code) {
  for (const CodeFacts& entry : kCodes)
    if (entry.code == code) return entry;
  assertionFailed("known error code", __FILE__, __LINE__);
}

/// Whether the bytes at `at` are a character that turns the direction of text round, so that a name could pretend to be
/// another one: U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069 in UTF-8.
bool turnsText(std::string_view text, std::size_t at) {
  if (at + 2 >= text.size() || text[at] != '\xe2') return false;
  const auto second = static_cast<unsigned char>(text[at + 1]), third = static_cast<unsigned char>(text[at + 2]);
  if (second == 0x80) return third == 0x8e || third == 0x8f || (third >= 0xaa && third <= 0xae);
  return second == 0x81 && third >= 0xa6 && third <= 0xa9;
}

/// What could move the cursor or colour a terminal becomes spaces: names come from files.
std::string printable(std::string text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x20 || byte == 0x7f) text[at] = ' ';
    // C1 control characters, U+0080 to U+009F
    const bool control = byte == 0xc2 && at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) < 0xa0;
    if (control) text.replace(at, 2, 2, ' ');
    if (turnsText(text, at)) text.replace(at, 3, 3, ' ');
  }
  return text;
}

} // namespace

void assertionFailed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "tandem: internal error: %s does not hold (%s:%d)\n", expression, file, line);
  std::abort();
}

std::string_view toString(ErrorCode code) { return facts(code).name; }

std::optional<ErrorCode> errorCodeFrom(std::string_view name) {
  for (const CodeFacts& entry : kCodes)
    if (entry.name == name) return entry.code;
  return std::nullopt;
}

int exitCode(ErrorCode code) { return facts(code).exitCode; }

std::string Error::line() const {
  std::string text = message;
  if (!where.empty()) text += " (" + where + ")";
  if (!hint.empty()) text += ": " + hint;
  return printable(std::move(text));
}

} // namespace tandem
