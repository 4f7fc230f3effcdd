// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/cpu_set.hpp"

#include <cstdint>

namespace tandem {

enum class CoreKind { Uniform, Performance, Efficiency };
std::string_view toString(CoreKind kind); ///< "", "performance", "efficiency"
/// The reverse; Uniform for any other text.
CoreKind coreKindFrom(std::string_view text);

/// One logical processor: what the system schedules a thread on, and --cores numbers.
struct Processor {
  int osIndex = 0;      ///< the system's number of it
  int core = 0;         ///< physical core, from 0 across the machine; SMT siblings have the same
  int smtRank = 0;      ///< 0 for the first thread of a core, 1 for its sibling, ...
  int package = 0;      ///< socket
  int numaNode = 0;     ///< nearest memory
  int l2 = -1, l3 = -1; ///< cache, from 0 across the machine; -1 where there is none or nobody knows
  CoreKind kind = CoreKind::Uniform;
  int efficiency = -1;   ///< rank of the kind of core, higher is faster; -1 where all are the same
  bool available = true; ///< this process may run there (affinity mask, container)
  friend bool operator==(const Processor&, const Processor&) = default;
};

/// The processors of a machine and what they share. A plain value; engine/devices/cpu/topology.hpp reads it.
struct CpuTopology {
  std::vector<Processor> processors; ///< ascending by osIndex
  std::int64_t l3Bytes = 0;          ///< of the largest L3 cache; 0 where unknown

  bool empty() const { return processors.empty(); }
  const Processor* find(int osIndex) const; ///< nullptr for a processor that the machine lacks
  CpuSet available() const;
  /// The same machine, on which only `cpus` of the available processors may be used.
  CpuTopology restrictedTo(const CpuSet& cpus) const;
  /// "8 cores, 2 threads each, 1 package, 2 NUMA nodes, 2 L3 caches of 32 MB; 4 of 16 processors may be used (0-3)".
  std::string summary() const;
};

/// What two sets of processors have in common, so that threads on one slow threads on the other.
struct SharedCores {
  CpuSet processors; ///< in both sets
  struct Core {
    int core = 0;
    CpuSet first, second; ///< its SMT siblings in the one and in the other set
  };
  std::vector<Core> split; ///< cores whose siblings are in different sets, apart from `processors`

  bool empty() const { return processors.empty() && split.empty(); }
  /// "cores 0-1", "core 3 (SMT siblings 3 and 7)"; empty where nothing is shared.
  std::string text() const;
};
/// An empty topology knows no siblings.
SharedCores sharedCores(const CpuSet& first, const CpuSet& second, const CpuTopology& topology);

} // namespace tandem
