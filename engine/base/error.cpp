// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/error.hpp"

#include "engine/base/printable.hpp"

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
