// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device.hpp"

#include <span>
#include <string_view>

namespace tandem {

/// The figures of a device that is not here. Peaks are the vendor's; what kernels reach is peak times efficiency.
struct SimulatedPreset {
  std::string_view id; ///< "rtx3080"; the device is SIM:rtx3080
  std::string_view name;
  std::string_view vendor;
  int computeUnits = 0;
  std::int64_t memoryBytes = 0;
  bool unifiedMemory = false;
  ProbeResult peaks;
  double computeEfficiency = 1; ///< of peaks.gflops that dense kernels reach
  double memoryEfficiency = 1;  ///< of peaks.memoryGbPerS
  std::string_view source;      ///< where the figures come from, for people

  /// Peaks times efficiency: the form of a measurement, but modelled.
  ProbeResult achievable() const;
};

std::span<const SimulatedPreset> simulatedPresets();
const SimulatedPreset* findSimulatedPreset(std::string_view id); ///< with or without "SIM:"; nullptr where unknown

} // namespace tandem
