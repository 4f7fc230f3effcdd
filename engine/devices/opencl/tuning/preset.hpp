// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>
#include <string_view>

namespace tandem::opencl {

/// What the first guess between kernels, and the lists of those worth measuring, depend on.
struct KernelPreset {
  std::string_view name = "gpu"; ///< "avx512", "avx2", "x86", "cpu"; "nvidia", "amd", "intel", "arm", "gpu"
  // CPUs
  int vectorRegisters = 16;
  int lanes = 4;                    ///< floats of one register
  std::int64_t cacheBytes = 262144; ///< of one core, which others do not use
  // GPUs
  std::int64_t tileRows = 64, tileColumns = 64; ///< results of a work-group where there are enough of them
  int resultsPerItem = 4;                       ///< in each direction
  int depth = 16;                               ///< steps of k in local memory

  /// Registers that a float16 of OpenCL C takes.
  int registersPerBlock() const { return 16 / lanes; }
};

/// By the features of the processor that the program runs on.
KernelPreset cpuPreset();
/// By the device's vendor, as it calls itself.
KernelPreset gpuPreset(std::string_view vendor);

} // namespace tandem::opencl
