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

  /// The one problem as it is; several as one Error with the code and hint of the first, the message "the model has 3
  /// problems" and the list in Error::problems. `subject` is "the model".
  Error toError(const std::string& subject, const std::string& where) const;

 private:
  std::size_t m_count = 0;
  std::vector<Error> m_kept;
};

} // namespace tandem
