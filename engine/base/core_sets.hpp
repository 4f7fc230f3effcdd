// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/cpu_topology.hpp"

namespace tandem {

/// A division of the available processors that --cores knows by name.
struct NamedCoreSets {
  std::string name;    ///< "halves"
  std::string meaning; ///< "two equal sets that share no core"
  std::vector<CpuSet> sets;
};

/// Every division this machine has: all, cores, halves (two cores at least), p and e (with cores of two kinds), numa,
/// packages, l3 (where its caches are known). Processors that are not available are in none.
std::vector<NamedCoreSets> namedCoreSets(const CpuTopology& topology);

/// Two sets with as many cores each, of every kind and with as many threads, which share no core and, where that
/// divides evenly, no package, NUMA node or cache. What does not divide by two stays out of both. Empty for a single
/// core.
std::vector<CpuSet> halvesOf(const CpuTopology& topology);

/// `count` sets with as many cores each; the halves for two, neighbouring cores for more. What does not divide stays
/// out. Empty where the machine has fewer cores than that.
std::vector<CpuSet> equalSets(const CpuTopology& topology, int count);

/// `set` with one processor of every core, the first.
CpuSet withoutSiblings(const CpuSet& set, const CpuTopology& topology);

/// Core sets as parseCoreSets() reads them, "0-1;2-3".
std::string toText(const std::vector<CpuSet>& sets);

/// True where `text` names core sets or an option, so that expandCoreSets() needs the topology.
bool namesCoreSets(std::string_view text);

/// Numbers for the names in the value of --cores: "halves" gives "0-3;4-7". Every part between ';' is a set of numbers
/// or a name, and may end in ",nosmt", which leaves all but one thread of each core idle: "p,nosmt;e", "0-7,nosmt".
/// Letters of both cases. Fails with Usage for names that this machine does not have; the hint lists those it has.
/// Numbers pass unchecked.
Result<std::string> expandCoreSets(std::string_view text, const CpuTopology& topology);

/// Both steps: names, then numbers, checked against the available processors of `topology`.
Result<std::vector<CpuSet>> readCoreSets(std::string_view text, const CpuTopology& topology);

} // namespace tandem
