// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/active_run.hpp"

#include <nlohmann/json.hpp>

namespace tandem::session {

Result<TimedChange> changeOf(const Json& json, std::function<Result<ReplicaPlan>(const Json&)> plan) {
  TimedChange change;
  change.atS = json.value("at_s", 0.0);
  if (!(change.atS >= 0) || change.atS > 86400)
    return makeError(ErrorCode::Usage, "a change cannot be made at that time", "deployment",
                     "give seconds, at most 86400");
  const std::string action = json.value("action", std::string());
  change.name = json.value("name", std::string());
  if (action == "remove") {
    change.kind = TimedChange::Kind::Remove;
  } else if (action == "route") {
    change.kind = TimedChange::Kind::Route;
    change.route = TANDEM_TRY(Route::parse(json.at("route").get<std::string>()));
  } else if (action == "add" || action == "replace") {
    change.kind = action == "add" ? TimedChange::Kind::Add : TimedChange::Kind::Replace;
    change.plan = [spec = json.at("replica"), plan = std::move(plan)] { return plan(spec); };
  } else {
    return makeError(ErrorCode::Usage, "unknown change '" + action + "'", "deployment",
                     "one of add, remove, replace, route");
  }
  if ((action == "remove" || action == "replace") && change.name.empty())
    return makeError(ErrorCode::Usage, "which replica is to go?", "deployment", "give its name");
  return change;
}

} // namespace tandem::session
