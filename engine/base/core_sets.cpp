// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/core_sets.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <tuple>

namespace tandem {
namespace {

constexpr std::string_view kNoSiblings = "nosmt";

/// A physical core with its available processors.
struct Core {
  const Processor* first = nullptr;
  std::vector<int> cpus;
};

/// In the order in which neighbours share most.
std::vector<Core> availableCores(const CpuTopology& topology) {
  std::map<int, Core> byNumber;
  for (const Processor& processor : topology.processors) {
    if (!processor.available) continue;
    Core& core = byNumber[processor.core];
    if (!core.first) core.first = &processor;
    core.cpus.push_back(processor.osIndex);
  }
  std::vector<Core> cores;
  for (auto& [number, core] : byNumber) cores.push_back(std::move(core));
  const auto place = [](const Core& core) {
    const Processor& p = *core.first;
    return std::tuple(p.package, p.numaNode, p.l3, p.l2, p.core);
  };
  std::stable_sort(cores.begin(), cores.end(), [&](const Core& a, const Core& b) { return place(a) < place(b); });
  return cores;
}

/// Available processors grouped by one of their numbers, in its order; those where it is negative are left out.
std::vector<CpuSet> groupedBy(const CpuTopology& topology, int Processor::*number) {
  std::map<int, std::vector<int>> groups;
  for (const Processor& processor : topology.processors)
    if (processor.available && processor.*number >= 0) groups[processor.*number].push_back(processor.osIndex);
  std::vector<CpuSet> sets;
  for (auto& [index, cpus] : groups) sets.emplace_back(std::move(cpus));
  return sets;
}

CpuSet ofKind(const CpuTopology& topology, CoreKind kind) {
  std::vector<int> cpus;
  for (const Processor& processor : topology.processors)
    if (processor.available && processor.kind == kind) cpus.push_back(processor.osIndex);
  return CpuSet(std::move(cpus));
}

/// Which of `sizes` add up to `wanted`, with the first ones where several do; nothing where none do.
std::optional<std::vector<bool>> subsetOf(const std::vector<std::size_t>& sizes, std::size_t wanted) {
  // reachable[i][sum]: some of sizes[i..] add up to sum.
  std::vector<std::vector<bool>> reachable(sizes.size() + 1, std::vector<bool>(wanted + 1, false));
  reachable[sizes.size()][0] = true;
  for (std::size_t i = sizes.size(); i-- > 0;)
    for (std::size_t sum = 0; sum <= wanted; ++sum)
      reachable[i][sum] = reachable[i + 1][sum] || (sum >= sizes[i] && reachable[i + 1][sum - sizes[i]]);
  if (!reachable[0][wanted]) return std::nullopt;
  std::vector<bool> taken(sizes.size(), false);
  for (std::size_t i = 0, left = wanted; i < sizes.size(); ++i)
    if (left >= sizes[i] && reachable[i + 1][left - sizes[i]]) {
      taken[i] = true;
      left -= sizes[i];
    }
  return taken;
}

/// Moves whole groups of cores that make up one half to the front, for the largest thing that divides so.
void sortForHalving(std::vector<Core>& cores) {
  for (int Processor::*level : {&Processor::package, &Processor::numaNode, &Processor::l3, &Processor::l2}) {
    std::vector<int> groups;
    std::vector<std::size_t> sizes;
    for (const Core& core : cores) {
      const int number = core.first->*level;
      const auto known = std::find(groups.begin(), groups.end(), number);
      if (known != groups.end())
        ++sizes[static_cast<std::size_t>(known - groups.begin())];
      else
        groups.push_back(number), sizes.push_back(1);
    }
    const auto taken = subsetOf(sizes, cores.size() / 2);
    if (!taken) continue;
    std::stable_partition(cores.begin(), cores.end(), [&](const Core& core) {
      const auto group = std::find(groups.begin(), groups.end(), core.first->*level) - groups.begin();
      return (*taken)[static_cast<std::size_t>(group)];
    });
    return;
  }
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

Error unknownName(const std::string& name, const std::vector<NamedCoreSets>& known) {
  static constexpr std::string_view kElsewhere[] = {"p", "e", "l3", "halves"};
  const bool elsewhere = std::find(std::begin(kElsewhere), std::end(kElsewhere), name) != std::end(kElsewhere);
  std::string hint = "this machine has ";
  for (const NamedCoreSets& each : known) {
    std::string sets = toText(each.sets);
    constexpr std::size_t kShown = 24;
    if (sets.size() > kShown) sets = std::to_string(each.sets.size()) + " sets";
    hint += each.name + " (" + sets + "), ";
  }
  return makeError(ErrorCode::Usage,
                   elsewhere ? "this machine has no core sets '" + name + "'"
                             : "cannot read the core set '" + name + "'",
                   "--cores", hint + "or write sets like \"0;1\" or \"0-1;2-3\"; a set may end in ,nosmt");
}

} // namespace

std::string toText(const std::vector<CpuSet>& sets) {
  std::string text;
  for (const CpuSet& set : sets) text += (text.empty() ? "" : ";") + set.toString();
  return text;
}

CpuSet withoutSiblings(const CpuSet& set, const CpuTopology& topology) {
  std::map<int, const Processor*> firsts;
  std::vector<int> cpus;
  for (int cpu : set.cpus()) {
    const Processor* processor = topology.find(cpu);
    if (!processor) {
      cpus.push_back(cpu); // whoever checks the numbers says that it does not exist
      continue;
    }
    const Processor*& first = firsts[processor->core];
    if (!first || processor->smtRank < first->smtRank) first = processor;
  }
  for (const auto& [core, processor] : firsts) cpus.push_back(processor->osIndex);
  return CpuSet(std::move(cpus));
}

std::vector<CpuSet> equalSets(const CpuTopology& topology, int count) {
  if (count < 1) return {};
  const auto parts = static_cast<std::size_t>(count);
  // Cores that differ in kind or in threads are divided apart, so that the sets are alike.
  std::map<std::tuple<CoreKind, std::size_t>, std::vector<Core>> alike;
  for (Core& core : availableCores(topology)) alike[{core.first->kind, core.cpus.size()}].push_back(std::move(core));
  std::vector<std::vector<int>> sets(parts);
  for (auto& [kind, cores] : alike) {
    if (parts == 2) sortForHalving(cores);
    const std::size_t each = cores.size() / parts;
    for (std::size_t i = 0; i < parts * each; ++i) {
      std::vector<int>& target = sets[i / each];
      target.insert(target.end(), cores[i].cpus.begin(), cores[i].cpus.end());
    }
  }
  if (sets.front().empty()) return {};
  std::vector<CpuSet> result;
  for (std::vector<int>& cpus : sets) result.emplace_back(std::move(cpus));
  std::sort(result.begin(), result.end(), [](const CpuSet& a, const CpuSet& b) { return a.cpus() < b.cpus(); });
  return result;
}

std::vector<CpuSet> halvesOf(const CpuTopology& topology) { return equalSets(topology, 2); }

std::vector<NamedCoreSets> namedCoreSets(const CpuTopology& topology) {
  std::vector<NamedCoreSets> result;
  const auto add = [&](const char* name, const char* meaning, std::vector<CpuSet> sets) {
    if (!sets.empty() && !sets.front().empty()) result.push_back({name, meaning, std::move(sets)});
  };
  add("all", "one set of all processors", {topology.available()});
  std::vector<CpuSet> cores;
  for (Core& core : availableCores(topology)) cores.emplace_back(std::move(core.cpus));
  add("cores", "one set per physical core", std::move(cores));
  add("halves", "two equal sets that share no core and, where possible, no cache", halvesOf(topology));
  const CpuSet fast = ofKind(topology, CoreKind::Performance), frugal = ofKind(topology, CoreKind::Efficiency);
  if (!fast.empty() && !frugal.empty()) {
    add("p", "the performance cores", {fast});
    add("e", "the efficiency cores", {frugal});
  }
  add("numa", "one set per NUMA node", groupedBy(topology, &Processor::numaNode));
  add("packages", "one set per package (socket)", groupedBy(topology, &Processor::package));
  add("l3", "one set per L3 cache", groupedBy(topology, &Processor::l3));
  return result;
}

bool namesCoreSets(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return std::isalpha(c) != 0; });
}

Result<std::string> expandCoreSets(std::string_view text, const CpuTopology& topology) {
  if (!namesCoreSets(text)) return std::string(text);
  const std::vector<NamedCoreSets> known = namedCoreSets(topology);
  std::string expanded;
  for (const std::string& part : split(lower(text), ';')) {
    std::vector<std::string> items = split(part, ',');
    const bool single = items.back() == kNoSiblings; // the one option that a part has
    if (single) items.pop_back();
    if (items.empty()) items.emplace_back("all"); // "nosmt" alone
    std::vector<CpuSet> sets;
    if (namesCoreSets(items.front())) {
      const auto found = std::find_if(known.begin(), known.end(),
                                      [&](const NamedCoreSets& each) { return each.name == items.front(); });
      if (found == known.end()) return unknownName(items.front(), known);
      if (items.size() > 1) return unknownName(items[1], known);
      sets = found->sets;
    } else {
      std::string numbers;
      for (const std::string& item : items) {
        if (namesCoreSets(item)) return unknownName(item, known);
        numbers += (numbers.empty() ? "" : ",") + item;
      }
      sets.push_back(TANDEM_TRY(CpuSet::parse(numbers)));
    }
    if (single)
      for (CpuSet& set : sets) set = withoutSiblings(set, topology);
    expanded += (expanded.empty() ? "" : ";") + toText(sets);
  }
  return expanded;
}

Result<std::vector<CpuSet>> readCoreSets(std::string_view text, const CpuTopology& topology) {
  return parseCoreSets(TANDEM_TRY(expandCoreSets(text, topology)), topology.available());
}

} // namespace tandem
