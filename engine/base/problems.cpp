// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/problems.hpp"

namespace tandem {
void ProblemList::add(const Error& problem) {
  ++m_count;
  if (m_kept.size() < kMaxKept) m_kept.push_back(problem);
}

void ProblemList::addAll(const Error& error, const std::string& where) {
  if (error.problems.empty()) {
    Error single = error;
    if (single.where.empty()) single.where = where;
    add(single);
  }
  for (const std::string& each : error.problems) add(makeError(error.code, each, {}, error.hint));
}

Error ProblemList::toError(const std::string& subject, const std::string& where) const {
  TANDEM_ASSERT(!empty());
  if (m_count == 1) {
    Error single = m_kept.front();
    if (single.where.empty())
      single.where = where;
    else if (single.where != where)
      single.where = where + ", " + single.where;
    return single;
  }
  Error all = makeError(m_kept.front().code, subject + " has " + std::to_string(m_count) + " problems", where,
                        m_kept.front().hint);
  for (const Error& each : m_kept)
    all.problems.push_back(makeError(each.code, each.message, each.where == where ? std::string() : each.where).line());
  if (m_count > m_kept.size()) all.problems.push_back("and " + std::to_string(m_count - m_kept.size()) + " more");
  return all;
}

} // namespace tandem
