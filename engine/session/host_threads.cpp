// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/host_threads.hpp"

#include "engine/devices/cpu/topology.hpp"
#include "engine/runtime/execution_slot.hpp"

#include <algorithm>

namespace tandem::session {
namespace {

bool isAccelerator(const Device& device) { return device.info().cores.empty(); }

std::string processors(const CpuSet& cores) {
  return (cores.count() == 1 ? "processor " : "processors ") + cores.toString();
}

/// ", where CPU:0 computes, too" for devices on the same cores.
std::string neighbours(const CpuSet& cores, const std::vector<std::shared_ptr<const Executable>>& executables,
                       const CpuTopology& topology) {
  std::string names;
  std::vector<const Device*> seen;
  for (const auto& executable : executables)
    for (const Device* device : executable->devices()) {
      if (std::find(seen.begin(), seen.end(), device) != seen.end()) continue;
      seen.push_back(device);
      const SharedCores shared = sharedCores(cores, device->info().cores, topology);
      if (!shared.empty()) names += "; it shares " + shared.text() + " with " + device->id();
    }
  return names;
}

} // namespace

Result<HostCores> readHostCores(const std::string& text, bool divided) {
  HostCores host;
  if (text == "none") return host;
  const CpuSet available = CpuSet::available();
  if (text.empty()) {
    if (divided) host.processors = available;
    return host;
  }
  auto chosen = CpuSet::parse(text);
  if (!chosen)
    return makeError(ErrorCode::Usage, "cannot read the processors '" + text + "'", "--host-cores",
                     "write them like \"1\" or \"0,4-5\", or none; available are " + available.toString());
  if (!available.contains(*chosen))
    return makeError(ErrorCode::Usage, "'" + text + "' names processors this machine lacks", "--host-cores",
                     "available are " + available.toString());
  host.chosen = std::move(*chosen);
  return host;
}

CpuSet hostCoresFor(const DeviceRegistry& registry, const std::vector<Device*>& used) {
  const HostCores& host = registry.hostCores();
  const bool any =
      std::any_of(used.begin(), used.end(), [](const Device* each) { return each && isAccelerator(*each); });
  if (!any || !host.chosen.empty()) return any ? host.chosen : CpuSet();
  if (host.processors.empty()) return {};
  std::vector<int> busy;
  for (const Device* device : used)
    if (device) busy.insert(busy.end(), device->info().cores.cpus().begin(), device->info().cores.cpus().end());
  const CpuSet computing(std::move(busy));
  const CpuTopology topology = machineTopology();
  std::vector<int> spare, apart;
  for (int cpu : host.processors.cpus()) {
    const SharedCores shared = sharedCores(CpuSet({cpu}), computing, topology);
    if (shared.processors.empty()) spare.push_back(cpu);
    if (shared.empty()) apart.push_back(cpu);
  }
  return CpuSet(apart.empty() ? std::move(spare) : std::move(apart));
}

std::vector<HostThread> hostThreads(const std::vector<std::shared_ptr<const Executable>>& executables,
                                    const DeviceRegistry& registry) {
  std::vector<HostThread> threads;
  const CpuTopology topology = machineTopology();
  for (const auto& executable : executables) {
    const Device* owner = threadDevice(*executable);
    for (const Device* device : executable->devices()) {
      if (!isAccelerator(*device)) continue;
      HostThread thread{device->id(), {}, {}};
      const std::string subject = "host thread of " + device->id();
      if (owner && !isAccelerator(*owner)) {
        thread.cores = owner->info().cores;
        thread.note = subject + " on " + processors(thread.cores) + " with " + owner->id() +
                      ", whose layers it computes in the same replica";
      } else if (thread.cores = executable->options().hostCores; !thread.cores.empty()) {
        thread.note = subject + " on " + processors(thread.cores) + neighbours(thread.cores, executables, topology);
      } else if (!registry.hostCores().processors.empty()) {
        thread.note = subject + " where the system puts it, as every processor belongs to a core set in use; leave one "
                                "out of --cores or name one with --host-cores";
      }
      const bool known = std::any_of(threads.begin(), threads.end(), [&](const HostThread& each) {
        return each.device == thread.device && each.note == thread.note;
      });
      if (!known) threads.push_back(std::move(thread));
    }
  }
  return threads;
}

} // namespace tandem::session
