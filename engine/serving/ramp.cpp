// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/ramp.hpp"

#include <algorithm>
#include <cstdio>

namespace tandem {
namespace {

constexpr double kCloseEnough = 1.05;
constexpr double kFirst = 0.5; // of what closed loops reach

} // namespace

std::optional<double> nextRate(const RampOutcome& ramp) {
  if (ramp.steps.size() >= static_cast<std::size_t>(kRampSteps) || ramp.capacityPerS <= 0) return std::nullopt;
  double passed = 0, failed = 0;
  for (const RampStep& step : ramp.steps) {
    if (step.passed) passed = std::max(passed, step.ratePerS);
    if (!step.passed && (failed == 0 || step.ratePerS < failed)) failed = step.ratePerS;
  }
  if (passed == 0 && failed == 0) return ramp.capacityPerS * kFirst;
  if (passed == 0) return failed / 2;
  if (failed == 0) {
    // Above what closed loops reach nothing can last; a rate that passed there ends the search.
    if (passed >= ramp.capacityPerS) return std::nullopt;
    return std::min(ramp.capacityPerS, passed * 1.5);
  }
  if (failed <= passed * kCloseEnough) return std::nullopt;
  return (passed + failed) / 2;
}

PhaseOutcome runRamp(PhaseRunner& runner, const PhaseSettings& settings, RampOutcome& ramp) {
  ramp.boundMs = settings.scenario.boundMs;
  PhaseSettings closed = settings;
  closed.scenario = {};
  closed.scenario.kind = Scenario::Kind::Closed;
  closed.scenario.count = 16;
  closed.name = "ramp: capacity";
  PhaseOutcome best = runner.run(closed);
  ramp.capacityPerS = best.throughputPerS;
  while (const auto rate = nextRate(ramp)) {
    if (runner.cancelled()) break;
    PhaseSettings step = settings;
    step.scenario = {};
    step.scenario.kind = Scenario::Kind::Poisson;
    step.scenario.ratePerS = *rate;
    char name[64];
    std::snprintf(name, sizeof name, "ramp: %.4g/s", *rate);
    step.name = name;
    PhaseOutcome outcome = runner.run(step);
    if (runner.cancelled()) break;
    RampStep result;
    result.ratePerS = *rate;
    result.p99Ms = outcome.all.latency.p99Ms;
    result.requests = outcome.all.completed;
    result.refused = outcome.all.rejected + outcome.all.failed + outcome.unfinished;
    result.enoughSamples = outcome.all.latency.count >= LatencySummary::kMinimumForP99;
    result.passed = result.refused == 0 && result.requests > 0 && result.p99Ms <= ramp.boundMs;
    if (result.passed && *rate > ramp.bestPerS) ramp.bestPerS = *rate;
    const bool isBest = result.passed && ramp.bestPerS == *rate;
    ramp.steps.push_back(result);
    if (isBest || ramp.bestPerS == 0) best = std::move(outcome);
  }
  return best;
}

} // namespace tandem
