// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/cpu_topology.hpp"

#include <filesystem>

namespace tandem {

/// The processors of this machine, from hwloc. The hardware is read once in the process, which takes milliseconds;
/// which processors are available is what the calling thread may use now. Never fails: where the system tells nothing,
/// every available processor is a core of its own. Any thread.
///
/// HWLOC_XMLFILE and HWLOC_SYNTHETIC in the environment show another machine, as for every program with hwloc (PoCL is
/// one, and does not survive all of them); what is available stays true.
CpuTopology machineTopology();

/// A machine that hwloc describes in its synthetic syntax, "pack:2 numa:1 core:4 pu:2", of which `available` may be
/// used (none given: all). For tests. Fails with Usage where hwloc cannot read it.
Result<CpuTopology> syntheticTopology(const std::string& description, const CpuSet& available = {});
/// The same from a file that `lstopo machine.xml` wrote. Fails with InputRejected where hwloc cannot read it.
Result<CpuTopology> topologyFromXml(const std::filesystem::path& file, const CpuSet& available = {});

} // namespace tandem
