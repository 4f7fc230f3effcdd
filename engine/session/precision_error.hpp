// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/deployment.hpp"
#include "engine/session/session.hpp"

namespace tandem::session {

/// What a replica computes in, and what that does to its results.
struct ReplicaPrecision {
  Precision precision = Precision::Model;
  bool measured = false;
  double maxAbs = 0;                ///< largest |a - b| of any output
  double maxRel = 0;                ///< the same over |a| or the output's root mean square, the larger; may be infinite
  std::string output;               ///< the one that differs most for its size
  std::string problem;              ///< why it was not measured
  std::vector<std::string> exactOn; ///< devices of the replica that compute in the model's precision all the same
  bool anyHalves = false;           ///< a kernel reads weights in halves
};

/// By replica of a prepared deployment. Those in float16 run `request` once, and once more compiled in the model's
/// precision, which goes with its memory before the next. Takes as long as those compilations; on threads of its own,
/// because a run binds its thread to cores. Fails only where cancelled; what else goes wrong is a `problem`.
Result<std::vector<ReplicaPrecision>> measurePrecision(const Deployment& deployment, const RequestData& request,
                                                       const CancelToken& cancel);

/// `precision`, and `precision_error` where there is one, of a replica in a report.
void addPrecision(Json& replica, const ReplicaPrecision& precision);
/// The same for people.
std::vector<std::string> precisionNotes(const std::string& replica, const ReplicaPrecision& precision);

} // namespace tandem::session
