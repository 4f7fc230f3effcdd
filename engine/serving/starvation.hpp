// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/pipeline_statistics.hpp"

#include <span>

namespace tandem {

/// How long a device was busy during the measured part: 0 to 1.
struct DeviceLoad {
  std::string id;
  double busyFraction = 0;
};

/// Below this share of the time nobody needs to know.
inline constexpr double kStarvationWorthSaying = 0.05;

/// Whether preprocessing held the devices up. Pure numbers and a sentence made of them.
struct StarvationVerdict {
  struct Device {
    std::string id;
    double fraction = 0; ///< share of the measured time in which a request was wanted, none was ready and it was idle
  };
  std::vector<Device> devices;   ///< those that were watched and have a load, longest wait first
  double fraction = 0;           ///< of the first; 0 where there is none
  double deliveredItemsPerS = 0; ///< what the pipeline made in the measured time
  /// What the devices could take at least: the rate at which the busiest of them would be busy all the time. 0 where
  /// none was busy.
  double wantedItemsPerS = 0;
  /// Threads that would make that, at the speed of those that ran; 0 where unknown.
  int threadsNeeded = 0;
  /// "OPENCL-CPU:0 waited 62 % of the time for preprocessing: 2 threads deliver 41 items/s, the devices could take
  /// 110/s; use 6 threads or smaller pictures". Empty where no device waited for kStarvationWorthSaying of the time.
  std::string sentence;
};

/// `statistics` from a pipeline that watched the devices (PipelineOptions::devices) over the `measuredS` seconds that
/// `loads` are of, too. Devices that were not watched, or that the run did not use (no load), are left out: their waits
/// are not measured, and none is guessed.
StarvationVerdict judgeStarvation(const PipelineStatistics& statistics, double measuredS,
                                  std::span<const DeviceLoad> loads);

} // namespace tandem
