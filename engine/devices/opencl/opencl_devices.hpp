// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/cpu_set.hpp"
#include "engine/devices/device.hpp"
#include "engine/devices/device_registry.hpp"

#include <filesystem>

namespace tandem {

/// Which family of kernels a device gets. Auto decides by device type: register tiles over wide vectors on CPUs,
/// many work-items and local memory on GPUs. The others exist to test one family on the other kind of device.
enum class OpenClKernels { Auto, Cpu, Gpu };

/// Where a device's memory lies, which decides how data gets there. Auto finds out: CPUs that see the host's memory as
/// it is (Shared), other devices with unified memory (Mapped: the host and the device take turns), and memory of the
/// device's own (Discrete: transfers on a queue of their own, from pinned memory). The others exist for tests.
enum class OpenClMemory { Auto, Mapped, Discrete };

struct OpenClOptions {
  /// Where not empty, every OpenCL CPU device is split into one sub-device per set.
  std::vector<CpuSet> coreSets;
  /// Where built kernels are kept; empty: $XDG_CACHE_HOME/tandem/opencl, else ~/.cache/tandem/opencl.
  std::filesystem::path cacheDir;
  OpenClKernels kernels = OpenClKernels::Auto;
  OpenClMemory memory = OpenClMemory::Auto;
  /// Programs compiled side by side; 0: one on PoCL, which gains nothing by more, else one per processor, up to 8.
  std::size_t buildsAtOnce = 0;
};

struct OpenClEnumeration {
  std::vector<std::unique_ptr<Device>> devices; ///< GPU:0.., OPENCL-CPU:0.., ACCELERATOR:0.., in this order
  std::vector<DeviceProblem> problems;          ///< platforms, drivers and core sets that could not be used
};

/// Finds every OpenCL device of the machine. Never fails as a whole: what does not work is listed under problems.
/// Sets POCL_AFFINITY=1 where the environment says nothing (PoCL then keeps worker i on processor i), so the first
/// call belongs before other threads start.
OpenClEnumeration enumerateOpenCl(const OpenClOptions& options);

/// Programs built from source and read from the disk cache by `device` so far; zeros for other kinds of device.
struct OpenClBuildCounts {
  int built = 0;
  int loaded = 0;
};
OpenClBuildCounts openClBuildCounts(const Device& device);

} // namespace tandem
