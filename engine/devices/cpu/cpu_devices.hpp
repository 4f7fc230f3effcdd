// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device.hpp"

#include <filesystem>

namespace tandem {

/// The native CPU as one device per core set: set i is "CPU:i" and computes on these processors only. An empty list
/// gives one device with every processor this process may use. Kernels are oneDNN's where it has fast ones, loops of
/// our own otherwise, and the operators' reference loops last, so that every operator of findOp() runs. What programs
/// measure to choose among kernels is kept in `timingFolder`; an empty path keeps it in the process.
std::vector<std::unique_ptr<Device>> makeCpuDevices(const std::vector<CpuSet>& coreSets,
                                                    const std::filesystem::path& timingFolder = {});

/// Device::probe() of a native CPU with as many threads as kernels would use; 0 = all cores of the device. Threads mean
/// nothing to other devices.
Result<ProbeResult> probeWithThreads(Device& device, int threads, const CancelToken& cancel);

} // namespace tandem
