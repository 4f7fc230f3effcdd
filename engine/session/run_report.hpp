// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/run.hpp"
#include "engine/session/engine_state.hpp"
#include "engine/session/precision_error.hpp"
#include "engine/session/session.hpp"

namespace tandem::session {

/// What a report says beside the figures.
struct ReportContext {
  const OpenDocument* document = nullptr;
  const DeviceRegistry* registry = nullptr;
  const Deployment* deployment = nullptr;
  std::vector<ReplicaPrecision> precisions; ///< by replica
  Scenario scenario;
  std::string route, mode, traceFile;
  std::vector<int> batches;
  std::vector<std::string> inputs; ///< what was sent: files, or made-up data with its distribution and seed
  double bulkShare = 0;
  bool areLayersWatched = false; ///< live placement, which profiles more executions
  double preprocessMs = 0;       ///< per item, measured before the run; 0 for synthetic data
};

Json encodeSnapshot(const RunSnapshot& snapshot);
/// DESIGN.md section 8, `run`.
Json encodeReport(const RunOutcome& outcome, const ReportContext& context);
/// Processor, cores, system and program version.
/// The machine, and the devices that were used.
Json encodeEnvironment(const DeviceRegistry& registry, const std::vector<DeviceUse>& used);

} // namespace tandem::session
