// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/problems.hpp"

#include <algorithm>

namespace tandem {
namespace {

// Names with line breaks cannot forge it: every problem is made one line first.
constexpr std::string_view kSeparator = "\n- ";

std::string oneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

} // namespace

void ProblemList::add(const Error& problem) {
  ++m_count;
  if (m_kept.size() < kMaxKept) m_kept.push_back(problem);
}

void ProblemList::addAll(const Error& error, const std::string& where) {
  const std::vector<std::string> problems = problemsOf(error);
  if (problems.empty()) {
    Error single = error;
    if (single.where.empty()) single.where = where;
    add(single);
  }
  for (const std::string& each : problems) add(makeError(error.code, each, {}, error.hint));
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
  std::vector<std::string> lines;
  for (const Error& each : m_kept)
    lines.push_back(
        makeError(each.code, oneLine(each.message), each.where == where ? std::string() : each.where).line());
  if (m_count > m_kept.size()) lines.push_back("and " + std::to_string(m_count - m_kept.size()) + " more");
  return makeError(m_kept.front().code, messageOf(subject + " has " + std::to_string(m_count) + " problems", lines),
                   where, m_kept.front().hint);
}

std::string summaryOf(const Error& error) { return error.message.substr(0, error.message.find(kSeparator)); }

std::vector<std::string> problemsOf(const Error& error) {
  std::vector<std::string> problems;
  std::string_view rest = error.message;
  for (std::size_t at; (at = rest.find(kSeparator)) != std::string_view::npos;) {
    rest.remove_prefix(at + kSeparator.size());
    problems.emplace_back(rest.substr(0, rest.find(kSeparator)));
  }
  return problems;
}

std::string messageOf(const std::string& summary, std::span<const std::string> problems) {
  std::string message = summary;
  for (const std::string& each : problems) message.append(kSeparator).append(each);
  return message;
}

} // namespace tandem
