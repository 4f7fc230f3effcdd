// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/sample_log.hpp"
#include "engine/serving/scenario.hpp"

#include <string>
#include <vector>

namespace tandem {

/// What the rules of MLPerf Inference say about a run of one of its scenarios (MLCommons, "inference_rules.adoc",
/// sections 3 and 5: scenarios, durations, samples, early stopping).
struct MlperfCheck {
  std::string scenario; ///< "SingleStream", "MultiStream", "Server", "Offline"; empty: it has no such scenario
  std::vector<std::string> missing; ///< what the run lacks, for people
  bool valid() const { return !scenario.empty() && missing.empty(); }
};

MlperfCheck checkMlperf(const Scenario& scenario, const SampleWindow& measured, double durationS);

} // namespace tandem
