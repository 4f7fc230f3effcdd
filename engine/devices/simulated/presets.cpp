// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/simulated/presets.hpp"

#include <array>

namespace tandem {
namespace {

constexpr std::int64_t kGiB = std::int64_t{1} << 30;

// Dense kernels: well-tuned vendor libraries reach about 0.70 of the peak, hand-written OpenCL 0.30 to 0.50; half is
// assumed. Memory: medians of measured over nominal bandwidth per vendor in FluidX3D's published device table
// (NVIDIA 0.79, Intel 0.67). Launch and round trip where no log was found: 5 / 15 us, typical of NVIDIA's OpenCL.
constexpr double kCompute = 0.50;
constexpr double kNvidiaMemory = 0.79;
constexpr double kIntelMemory = 0.67;

// ProbeResult: GFLOP/s, GB/s, GB/s to device, GB/s to host, launch us, round trip us.
constexpr std::array kPresets{
    SimulatedPreset{"rtx3080", "GeForce RTX 3080 10GB", "NVIDIA", 68, 10 * kGiB, false,
                    ProbeResult{29770, 760, 13, 13, 5, 15}, kCompute, kNvidiaMemory,
                    "vendor: 29.77 TFLOP/s, 760 GB/s; PCIe 4 x16 with pageable memory about 13 GB/s (derived)"},
    SimulatedPreset{"rtx4090", "GeForce RTX 4090", "NVIDIA", 128, 24 * kGiB, false,
                    ProbeResult{82580, 1008, 13, 13, 5, 15}, kCompute, kNvidiaMemory,
                    "vendor: 82.58 TFLOP/s, 1008 GB/s; PCIe 4 x16 with pageable memory about 13 GB/s (derived)"},
    SimulatedPreset{"a100-40gb", "A100 SXM4 40GB", "NVIDIA", 108, 40 * kGiB, false,
                    ProbeResult{19490, 1555, 14.5, 13.0, 5.7, 15}, kCompute, kNvidiaMemory,
                    "vendor: 19.49 TFLOP/s, 1555 GB/s; link and launch from a published clpeak log"},
    SimulatedPreset{"uhd770", "UHD Graphics 770", "Intel", 32, 16 * kGiB, true, ProbeResult{820, 76.8, 20, 20, 30, 60},
                    kCompute, kIntelMemory,
                    "vendor: 32 EU x 16 FLOP x 1.6 GHz, DDR5-4800 x2; launch as published for Intel's integrated GPUs"},
};

} // namespace

ProbeResult SimulatedPreset::achievable() const {
  ProbeResult result = peaks;
  result.gflops *= computeEfficiency;
  result.memoryGbPerS *= memoryEfficiency;
  return result;
}

std::span<const SimulatedPreset> simulatedPresets() { return kPresets; }

const SimulatedPreset* findSimulatedPreset(std::string_view id) {
  if (id.starts_with("SIM:")) id.remove_prefix(4);
  for (const SimulatedPreset& preset : kPresets)
    if (preset.id == id) return &preset;
  return nullptr;
}

} // namespace tandem
