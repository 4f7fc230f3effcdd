// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/run.hpp"
#include "engine/session/session.hpp"

namespace tandem::session {

/// The run that goes on, as `deploy` requests reach it. Thread-safe.
struct ActiveRun {
  ChangeQueue changes;
  /// A replica as a request describes it.
  std::function<Result<ReplicaPlan>(const Json&)> plan;
};

/// A change as `deploy` and the `changes` of a run describe it; `plan` makes its replica when it is due.
Result<TimedChange> changeOf(const Json& json, std::function<Result<ReplicaPlan>(const Json&)> plan);

} // namespace tandem::session
