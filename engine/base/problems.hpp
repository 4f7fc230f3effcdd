// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"

#include <span>
#include <vector>

namespace tandem {

/// Collects what is wrong with one thing (a file, a graph), so that all of it is reported at once. One thread.
class ProblemList {
 public:
  /// Further problems are counted, not kept: a hostile file must not fill the memory with its defects.
  static constexpr std::size_t kMaxKept = 50;

  void add(const Error& problem);
  /// All that `error` stands for, each problem on its own.
  void addAll(const Error& error, const std::string& where = {});
  bool empty() const { return m_count == 0; }
  std::size_t count() const { return m_count; }
  std::span<const Error> kept() const { return m_kept; }

  /// The one problem as it is; several as one Error with the code and hint of the first and a message of several lines:
  /// "the model has 3 problems", then each problem on a line that starts with "- ". `subject` is "the model".
  Error toError(const std::string& subject, const std::string& where) const;

 private:
  std::size_t m_count = 0;
  std::vector<Error> m_kept;
};

/// The first line of the message: what to show where there is place for one line only.
std::string summaryOf(const Error& error);
/// The problems that an Error of a ProblemList stands for, each one line for people; empty for every other Error.
std::vector<std::string> problemsOf(const Error& error);
/// The message that summaryOf and problemsOf take apart.
std::string messageOf(const std::string& summary, std::span<const std::string> problems);

} // namespace tandem
