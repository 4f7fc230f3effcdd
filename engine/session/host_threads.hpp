// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device_registry.hpp"
#include "engine/runtime/executable.hpp"

namespace tandem::session {

/// Reads the value of --host-cores: processors like "1" or "0,4-5", "none", or nothing. `divided`: core sets were
/// given, so that without a choice the processors beside them serve. Fails with Usage.
Result<HostCores> readHostCores(const std::string& text, bool divided);

/// Where threads that feed the accelerators among `used` (without repeats or with) belong: on the chosen processors,
/// else, with core sets, on available ones that no device in use computes on, if possible on cores of which none of
/// them uses a thread. Empty: where the system puts them.
CpuSet hostCoresFor(const DeviceRegistry& registry, const std::vector<Device*>& used);

/// Where the thread is that feeds an accelerator.
struct HostThread {
  std::string device; ///< "GPU:0"
  CpuSet cores;       ///< empty: where the system puts it
  std::string note;   ///< "host thread of GPU:0 on processor 1"; empty where there is nothing to say
};
/// One per accelerator and place, in order of first use. `executables`: one of every replica.
std::vector<HostThread> hostThreads(const std::vector<std::shared_ptr<const Executable>>& executables,
                                    const DeviceRegistry& registry);

} // namespace tandem::session
