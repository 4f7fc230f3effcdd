// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/assert.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tandem {

/// What kind of expected failure this is; decides the exit code of the command line (DESIGN.md section 8).
enum class ErrorCode {
  Usage,         ///< the request itself is wrong: unknown option, device, strategy (exit 2)
  ModelRejected, ///< the model file cannot be read or is not valid (exit 3)
  InputRejected, ///< an input tensor, picture, placement or label file cannot be used (exit 3)
  Unsupported,   ///< valid, but no kernel here can do it (exit 3)
  DeviceFailed,  ///< a device or its driver failed, or memory ran out on it (exit 4)
  OutputFailed,  ///< a file could not be written (exit 1)
  Cancelled,     ///< the user asked to stop (exit 5)
  WorkerLost,    ///< the worker process died or stopped answering (exit 4)
  Mismatch,      ///< it ran, but a result differs from the expectation (exit 1)
  Internal,      ///< a third-party library failed in a way we did not foresee (exit 1)
};

std::string_view toString(ErrorCode code);                     ///< "model-rejected", as used in JSON
std::optional<ErrorCode> errorCodeFrom(std::string_view name); ///< inverse of toString
int exitCode(ErrorCode code);

/// One failure, for people: what happened, where (file, tensor, node or device), what to do about it.
struct Error {
  ErrorCode code = ErrorCode::Internal;
  std::string message;
  std::string where;
  std::string hint;
  /// Where this stands for several problems of one thing (see ProblemList): each in one line for people; else empty.
  std::vector<std::string> problems = {};

  /// "message (where): hint", one line, control characters removed.
  std::string line() const;
};

inline Error makeError(ErrorCode code, std::string message, std::string where = {}, std::string hint = {}) {
  return Error{code, std::move(message), std::move(where), std::move(hint), {}};
}

/// A value or the Error that prevented it. `Result<void>` carries only the error.
template <class T> class [[nodiscard]] Result {
 public:
  Result(T value) : m_state(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : m_state(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return m_state.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() & { return check(), std::get<0>(m_state); }
  const T& value() const& { return check(), std::get<0>(m_state); }
  T&& value() && { return check(), std::get<0>(std::move(m_state)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const& { return TANDEM_ASSERT(!ok()), std::get<1>(m_state); }
  Error&& error() && { return TANDEM_ASSERT(!ok()), std::get<1>(std::move(m_state)); }

 private:
  void check() const { TANDEM_ASSERT(ok()); }
  std::variant<T, Error> m_state;
};

template <> class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : m_error(std::move(error)) {}

  bool ok() const { return !m_error; }
  explicit operator bool() const { return ok(); }
  void value() const { TANDEM_ASSERT(ok()); }
  const Error& error() const& { return TANDEM_ASSERT(!ok()), *m_error; }
  Error&& error() && { return TANDEM_ASSERT(!ok()), std::move(*m_error); }

 private:
  std::optional<Error> m_error;
};

} // namespace tandem

/// Unwraps a Result or returns its error from the enclosing function (which returns some Result):
/// `Graph graph = TANDEM_TRY(readOnnx(path));`
#define TANDEM_TRY(expression)                                                                                         \
  __extension__({                                                                                                      \
    auto tandemTryResult = (expression);                                                                               \
    if (!tandemTryResult.ok()) return std::move(tandemTryResult).error();                                              \
    std::move(tandemTryResult).value();                                                                                \
  })
