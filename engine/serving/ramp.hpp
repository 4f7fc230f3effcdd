// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/phase.hpp"

namespace tandem {

/// One rate that was tried.
struct RampStep {
  double ratePerS = 0;
  double p99Ms = 0;
  std::uint64_t requests = 0, refused = 0;
  bool passed = false;
  bool enoughSamples = false; ///< for a p99 (LatencySummary::kMinimumForP99)
};

struct RampOutcome {
  double boundMs = 0;
  double bestPerS = 0;         ///< highest rate that passed; 0: none did
  double capacityPerS = 0;     ///< what closed loops reached
  std::vector<RampStep> steps; ///< in the order they were tried
};

/// What is tried next, given what was tried: bisection between the highest rate that passed and the lowest that failed,
/// from `capacityPerS` down; nothing once they are within 5 %, or after kRampSteps.
inline constexpr int kRampSteps = 9;
std::optional<double> nextRate(const RampOutcome& ramp);

/// Finds the highest Poisson rate that keeps the p99 latency below the bound of `settings.scenario` with nothing
/// refused or failed, `settings.durationS` per rate. Returns the phase of the best rate (the last one where none
/// passed).
PhaseOutcome runRamp(PhaseRunner& runner, const PhaseSettings& settings, RampOutcome& ramp);

} // namespace tandem
