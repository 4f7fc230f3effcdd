// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/cpu_set.hpp"

#include <algorithm>
#include <charconv>
#include <pthread.h>
#include <sched.h>

namespace tandem {
namespace {

constexpr int kMaxCpus = CPU_SETSIZE;

std::optional<int> parseNumber(std::string_view text) {
  int number = 0;
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (status != std::errc() || end != text.data() + text.size() || number < 0 || number >= kMaxCpus)
    return std::nullopt;
  return number;
}

template <class Visit> void forEachPart(std::string_view text, char separator, Visit visit) {
  for (;;) {
    std::size_t end = text.find(separator);
    visit(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

Error badCores(std::string_view text) {
  return makeError(ErrorCode::Usage, "cannot read the core set '" + std::string(text) + "'", "--cores",
                   "write sets like \"0;1\" or \"0-1;2-3\"");
}

} // namespace

CpuSet::CpuSet(std::vector<int> cpus) : m_cpus(std::move(cpus)) {
  std::sort(m_cpus.begin(), m_cpus.end());
  m_cpus.erase(std::unique(m_cpus.begin(), m_cpus.end()), m_cpus.end());
}

CpuSet CpuSet::available() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof mask, &mask) == 0)
    for (int cpu = 0; cpu < kMaxCpus; ++cpu)
      if (CPU_ISSET(static_cast<std::size_t>(cpu), &mask)) cpus.push_back(cpu);
  if (cpus.empty()) cpus.push_back(0);
  return CpuSet(std::move(cpus));
}

Result<CpuSet> CpuSet::parse(std::string_view text) {
  std::vector<int> cpus;
  bool good = true;
  forEachPart(text, ',', [&](std::string_view part) {
    std::size_t dash = part.find('-');
    auto first = parseNumber(part.substr(0, dash));
    auto last = dash == std::string_view::npos ? first : parseNumber(part.substr(dash + 1));
    if (!first || !last || *last < *first) {
      good = false;
      return;
    }
    for (int cpu = *first; cpu <= *last; ++cpu) cpus.push_back(cpu);
  });
  if (!good) return badCores(text);
  return CpuSet(std::move(cpus));
}

bool CpuSet::overlaps(const CpuSet& other) const {
  return std::any_of(m_cpus.begin(), m_cpus.end(),
                     [&](int cpu) { return std::binary_search(other.m_cpus.begin(), other.m_cpus.end(), cpu); });
}

bool CpuSet::contains(const CpuSet& other) const {
  return std::includes(m_cpus.begin(), m_cpus.end(), other.m_cpus.begin(), other.m_cpus.end());
}

std::string CpuSet::toString() const {
  std::string text;
  for (std::size_t i = 0; i < m_cpus.size();) {
    std::size_t last = i;
    while (last + 1 < m_cpus.size() && m_cpus[last + 1] == m_cpus[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text += std::to_string(m_cpus[i]);
    if (last > i) text += '-' + std::to_string(m_cpus[last]);
    i = last + 1;
  }
  return text;
}

Result<std::vector<CpuSet>> parseCoreSets(std::string_view text, const CpuSet& available) {
  std::vector<CpuSet> sets;
  std::optional<Error> problem;
  forEachPart(text, ';', [&](std::string_view part) {
    if (problem) return;
    auto set = CpuSet::parse(part);
    if (!set) {
      problem = set.error();
      return;
    }
    if (!available.contains(*set)) {
      problem = makeError(ErrorCode::Usage, "core set '" + std::string(part) + "' names processors this machine lacks",
                          "--cores", "available are " + available.toString());
      return;
    }
    for (const CpuSet& earlier : sets)
      if (earlier.overlaps(*set))
        problem = makeError(ErrorCode::Usage,
                            "core sets '" + earlier.toString() + "' and '" + set->toString() + "' share processors",
                            "--cores", "give every processor to one set");
    sets.push_back(std::move(*set));
  });
  if (problem) return *problem;
  return sets;
}

bool pinCurrentThread(const CpuSet& cpus) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  for (int cpu : cpus.cpus())
    if (cpu >= 0 && cpu < kMaxCpus) CPU_SET(static_cast<std::size_t>(cpu), &mask);
  return !cpus.empty() && pthread_setaffinity_np(pthread_self(), sizeof mask, &mask) == 0;
}

void nameCurrentThread(std::string_view name) {
  pthread_setname_np(pthread_self(), std::string(name.substr(0, 15)).c_str());
}

} // namespace tandem
