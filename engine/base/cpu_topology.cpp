// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/cpu_topology.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace tandem {
namespace {

std::string counted(std::size_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

/// Caches are sold in binary megabytes and called MB.
std::string cacheSize(std::int64_t bytes) {
  constexpr std::int64_t kMega = std::int64_t{1} << 20;
  if (bytes < kMega) return std::to_string(bytes >> 10) + " KB";
  return std::to_string((bytes + kMega / 2) / kMega) + " MB";
}

/// "8 performance cores, 2 threads each", or the total where cores of one kind differ.
std::string coresText(const std::map<int, std::size_t>& threadsOf, const std::string& kind) {
  std::size_t most = 0, least = SIZE_MAX, total = 0;
  for (const auto& [core, threads] : threadsOf) {
    most = std::max(most, threads);
    least = std::min(least, threads);
    total += threads;
  }
  const std::string prefix = kind.empty() ? "" : kind + " ";
  const std::string cores = counted(threadsOf.size(), prefix + "core", prefix + "cores");
  if (most != least) return cores + " with " + std::to_string(total) + " threads";
  return cores + ", " + counted(most, "thread", "threads") + " each";
}

std::string l3Text(const std::map<int, CpuSet>& caches, std::int64_t bytes) {
  if (caches.empty()) return {};
  const std::string size = bytes > 0 ? " of " + cacheSize(bytes) : "";
  if (caches.size() > 1) return ", " + std::to_string(caches.size()) + " L3 caches" + size;
  return ", L3 " + (bytes > 0 ? cacheSize(bytes) + " " : "") + "shared by " + caches.begin()->second.toString();
}

} // namespace

std::string_view toString(CoreKind kind) {
  switch (kind) {
  case CoreKind::Performance: return "performance";
  case CoreKind::Efficiency: return "efficiency";
  case CoreKind::Uniform: break;
  }
  return "";
}

CoreKind coreKindFrom(std::string_view text) {
  for (CoreKind kind : {CoreKind::Performance, CoreKind::Efficiency})
    if (text == toString(kind)) return kind;
  return CoreKind::Uniform;
}

const Processor* CpuTopology::find(int osIndex) const {
  const auto found = std::lower_bound(processors.begin(), processors.end(), osIndex,
                                      [](const Processor& each, int wanted) { return each.osIndex < wanted; });
  return found != processors.end() && found->osIndex == osIndex ? &*found : nullptr;
}

CpuSet CpuTopology::available() const {
  std::vector<int> cpus;
  for (const Processor& processor : processors)
    if (processor.available) cpus.push_back(processor.osIndex);
  return CpuSet(std::move(cpus));
}

CpuTopology CpuTopology::restrictedTo(const CpuSet& cpus) const {
  CpuTopology part = *this;
  for (Processor& processor : part.processors) processor.available &= cpus.contains(CpuSet({processor.osIndex}));
  return part;
}

std::string CpuTopology::summary() const {
  std::map<CoreKind, std::map<int, std::size_t>> threadsOf;
  std::set<int> packages, nodes;
  std::map<int, std::vector<int>> l3;
  for (const Processor& processor : processors) {
    ++threadsOf[processor.kind][processor.core];
    packages.insert(processor.package);
    nodes.insert(processor.numaNode);
    if (processor.l3 >= 0) l3[processor.l3].push_back(processor.osIndex);
  }
  std::map<int, CpuSet> caches;
  for (auto& [cache, cpus] : l3) caches[cache] = CpuSet(std::move(cpus));
  std::string text;
  for (const auto& [kind, cores] : threadsOf)
    text += (text.empty() ? "" : ", ") + coresText(cores, std::string(toString(kind)));
  if (text.empty()) return "unknown";
  text += ", " + counted(packages.size(), "package", "packages");
  text += ", " + counted(nodes.size(), "NUMA node", "NUMA nodes");
  text += l3Text(caches, l3Bytes);
  const CpuSet usable = available();
  if (static_cast<std::size_t>(usable.count()) < processors.size())
    text += "; " + std::to_string(usable.count()) + " of " + std::to_string(processors.size()) +
            " processors may be used (" + usable.toString() + ")";
  return text;
}

SharedCores sharedCores(const CpuSet& first, const CpuSet& second, const CpuTopology& topology) {
  SharedCores shared;
  std::vector<int> both;
  std::set_intersection(first.cpus().begin(), first.cpus().end(), second.cpus().begin(), second.cpus().end(),
                        std::back_inserter(both));
  shared.processors = CpuSet(std::move(both));
  std::map<int, std::pair<std::vector<int>, std::vector<int>>> byCore;
  const auto collect = [&](const CpuSet& set, auto member) {
    for (int cpu : set.cpus())
      if (const Processor* processor = topology.find(cpu)) (byCore[processor->core].*member).push_back(cpu);
  };
  using Sides = std::pair<std::vector<int>, std::vector<int>>;
  collect(first, &Sides::first);
  collect(second, &Sides::second);
  for (auto& [core, sides] : byCore) {
    const CpuSet a(std::move(sides.first)), b(std::move(sides.second));
    if (!a.empty() && !b.empty() && !a.overlaps(b)) shared.split.push_back({core, a, b});
  }
  return shared;
}

std::string SharedCores::text() const {
  std::string result;
  if (!processors.empty()) result = (processors.count() == 1 ? "core " : "cores ") + processors.toString();
  if (split.empty()) return result;
  std::vector<int> cores;
  std::string siblings;
  constexpr std::size_t kShown = 4;
  for (std::size_t i = 0; i < split.size(); ++i) {
    cores.push_back(split[i].core);
    if (i < kShown)
      siblings += (i > 0 ? ", " : "") + split[i].first.toString() + " and " + split[i].second.toString();
    else if (i == kShown)
      siblings += ", ...";
  }
  const bool one = cores.size() == 1;
  return result + (result.empty() ? "" : " and ") + (one ? "core " : "cores ") + CpuSet(std::move(cores)).toString() +
         " (SMT siblings " + siblings + ")";
}

} // namespace tandem
