// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/topology.hpp"

#include <algorithm>
#include <cstring>
#include <hwloc.h>
#include <map>
#include <memory>

namespace tandem {
namespace {

struct Destroy {
  void operator()(hwloc_topology* topology) const { hwloc_topology_destroy(topology); }
};
using Topology = std::unique_ptr<hwloc_topology, Destroy>;

struct Free {
  void operator()(hwloc_bitmap_s* bitmap) const { hwloc_bitmap_free(bitmap); }
};
using Bitmap = std::unique_ptr<hwloc_bitmap_s, Free>;

Topology create() {
  hwloc_topology_t raw = nullptr;
  return Topology(hwloc_topology_init(&raw) == 0 ? raw : nullptr);
}

/// Processors of other containers belong to the machine, too. Distances between memories take long and serve nobody.
bool load(hwloc_topology* topology) {
  constexpr unsigned long kFlags =
      HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED | HWLOC_TOPOLOGY_FLAG_NO_DISTANCES | HWLOC_TOPOLOGY_FLAG_NO_MEMATTRS;
  return hwloc_topology_set_flags(topology, kFlags) == 0 && hwloc_topology_load(topology) == 0;
}

int number(hwloc_obj_t object, bool ofSystem) {
  if (!object) return -1;
  const unsigned index = ofSystem && object->os_index != HWLOC_UNKNOWN_INDEX ? object->os_index : object->logical_index;
  return static_cast<int>(index);
}

/// Kinds of cores, by processor. Intel names them; elsewhere the slowest kind is the efficient one.
void readKinds(hwloc_topology* topology, std::vector<Processor>& processors) {
  const int kinds = hwloc_cpukinds_get_nr(topology, 0);
  if (kinds < 2) return;
  for (int kind = 0; kind < kinds; ++kind) {
    const Bitmap cpus(hwloc_bitmap_alloc());
    int efficiency = -1;
    unsigned infos = 0;
    hwloc_info_s* info = nullptr;
    if (!cpus ||
        hwloc_cpukinds_get_info(topology, static_cast<unsigned>(kind), cpus.get(), &efficiency, &infos, &info, 0) != 0)
      return;
    std::string name;
    for (unsigned i = 0; i < infos; ++i)
      if (std::strcmp(info[i].name, "CoreType") == 0) name = info[i].value;
    CoreKind found = CoreKind::Uniform;
    if (name == "IntelAtom")
      found = CoreKind::Efficiency;
    else if (name == "IntelCore")
      found = CoreKind::Performance;
    else if (efficiency >= 0) // -1: hwloc cannot rank them
      found = efficiency == 0 ? CoreKind::Efficiency : CoreKind::Performance;
    for (Processor& processor : processors)
      if (hwloc_bitmap_isset(cpus.get(), static_cast<unsigned>(processor.osIndex))) {
        processor.kind = found;
        processor.efficiency = efficiency;
      }
  }
}

/// The first node whose memory a processor is near to: fast memory in a package comes after the usual one.
void readNodes(hwloc_topology* topology, std::vector<Processor>& processors) {
  for (Processor& processor : processors) processor.numaNode = -1;
  for (hwloc_obj_t node = nullptr; (node = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, node));)
    for (Processor& processor : processors)
      if (processor.numaNode < 0 && hwloc_bitmap_isset(node->cpuset, static_cast<unsigned>(processor.osIndex)))
        processor.numaNode = number(node, true);
  for (Processor& processor : processors) processor.numaNode = std::max(processor.numaNode, 0);
}

void sortAndRank(std::vector<Processor>& processors) {
  std::sort(processors.begin(), processors.end(),
            [](const Processor& a, const Processor& b) { return a.osIndex < b.osIndex; });
  std::map<int, int> threads;
  for (Processor& processor : processors) processor.smtRank = threads[processor.core]++;
}

CpuTopology read(hwloc_topology* topology) {
  CpuTopology result;
  int nextCore = std::max(hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE), 0);
  for (hwloc_obj_t pu = nullptr; (pu = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, pu));) {
    const auto above = [&](hwloc_obj_type_t type) { return hwloc_get_ancestor_obj_by_type(topology, type, pu); };
    Processor processor;
    processor.osIndex = static_cast<int>(pu->os_index);
    const hwloc_obj_t core = above(HWLOC_OBJ_CORE);
    processor.core = core ? number(core, false) : nextCore++; // the system does not say: as if alone
    processor.package = std::max(number(above(HWLOC_OBJ_PACKAGE), true), 0);
    processor.l2 = number(above(HWLOC_OBJ_L2CACHE), false);
    const hwloc_obj_t l3 = above(HWLOC_OBJ_L3CACHE);
    processor.l3 = number(l3, false);
    if (l3) result.l3Bytes = std::max(result.l3Bytes, static_cast<std::int64_t>(l3->attr->cache.size));
    result.processors.push_back(processor);
  }
  readNodes(topology, result.processors);
  readKinds(topology, result.processors);
  sortAndRank(result.processors);
  return result;
}

CpuTopology hardware() {
  const Topology topology = create();
  return topology && load(topology.get()) ? read(topology.get()) : CpuTopology();
}

/// What the process may use beyond what hwloc saw is there all the same.
void addUnseen(CpuTopology& topology, const CpuSet& available) {
  int nextCore = 0;
  for (const Processor& processor : topology.processors) nextCore = std::max(nextCore, processor.core + 1);
  std::vector<Processor> unseen;
  for (int cpu : available.cpus()) {
    if (topology.find(cpu)) continue;
    Processor processor;
    processor.osIndex = cpu;
    processor.core = nextCore++;
    unseen.push_back(processor);
  }
  if (unseen.empty()) return;
  topology.processors.insert(topology.processors.end(), unseen.begin(), unseen.end());
  sortAndRank(topology.processors);
}

CpuTopology limited(CpuTopology topology, const CpuSet& available) {
  return available.empty() ? topology : topology.restrictedTo(available);
}

} // namespace

CpuTopology machineTopology() {
  static const CpuTopology machine = hardware();
  const CpuSet available = CpuSet::available();
  CpuTopology topology = machine;
  addUnseen(topology, available);
  return topology.restrictedTo(available);
}

Result<CpuTopology> syntheticTopology(const std::string& description, const CpuSet& available) {
  const Topology topology = create();
  if (!topology || hwloc_topology_set_synthetic(topology.get(), description.c_str()) != 0 || !load(topology.get()))
    return makeError(ErrorCode::Usage, "hwloc cannot read the machine '" + description + "'", "topology",
                     "write it like \"pack:2 numa:1 core:4 pu:2\"");
  return limited(read(topology.get()), available);
}

Result<CpuTopology> topologyFromXml(const std::filesystem::path& file, const CpuSet& available) {
  const Topology topology = create();
  if (!topology || hwloc_topology_set_xml(topology.get(), file.c_str()) != 0 || !load(topology.get()))
    return makeError(ErrorCode::InputRejected, "hwloc cannot read this description of a machine", file.string(),
                     "write one with lstopo");
  return limited(read(topology.get()), available);
}

} // namespace tandem
