// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/live_placement.hpp"
#include "engine/session/plan_run.hpp"

namespace tandem::session {

/// `live_placement` of a run: the margin by which a move must be better (0.1: a tenth), 0 where none is wanted.
Result<double> liveMarginOf(const Json& params);

/// The replicas of a run whose layers may move, measured before the load starts.
class LiveRun {
 public:
  explicit LiveRun(double margin) : m_live({.margin = margin}) {}

  /// Measures the layers of `spec` on each device that they may go to: its `candidates`, else those that its layers are
  /// on. Where there is but one, nothing is measured and nothing moves. `batches`: sizes of requests; the largest one,
  /// or the largest joined batch, is measured. Takes as long as a profile.
  Result<void> watch(const Job& job, const RunContext& context, const Json& spec, const std::vector<int>& batches,
                     ReplicaPlan& plan);
  /// Replicas have their names now: says in its events what is watched.
  void begin(Deployment& deployment);

  LivePlacement& placement() { return m_live; }
  double measuringMs() const { return m_measuringMs; } ///< of all layers, before the load
  Json encode() const;                                 ///< for the report

 private:
  struct Entry {
    std::string devices; ///< "CPU:0 and GPU:0"; empty: not watched
    double ms = 0;
  };
  LivePlacement m_live;
  std::vector<Entry> m_replicas; ///< by replica
  double m_measuringMs = 0;
};

} // namespace tandem::session
