// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/active_run.hpp"
#include "engine/session/service.hpp"

#include <nlohmann/json.hpp>

namespace tandem::session {

/// Only hands the change over: compiling takes long, and this runs beside other quick requests.
Result<Json> deploy(const Job& job) {
  const auto nothingRuns = [] {
    return makeError(ErrorCode::Usage, "no run goes on that could be changed", "deployment", "start a run first");
  };
  const std::shared_ptr<ActiveRun> run = job.state.activeRun();
  if (!run) return nothingRuns();
  TimedChange change = TANDEM_TRY(changeOf(job.params, run->plan));
  change.atS = 0;
  if (!run->changes.push(std::move(change))) return nothingRuns();
  return Json{{"accepted", true}};
}

} // namespace tandem::session
