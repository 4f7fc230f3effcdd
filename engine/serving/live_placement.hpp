// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/deployment.hpp"
#include "engine/serving/live_watch.hpp"

namespace tandem {

class ChangeQueue;

/// Moves layers of replicas while a run goes on, where a better placement is predicted with margin: it watches profiled
/// executions, and asks for a replacement through the run's queue of changes, so that compiling and draining happen as
/// for any other change. Every decision is noted with its reason. watch() and setName() before the run; tick() on one
/// thread; what replicas report comes on any.
class LivePlacement {
 public:
  explicit LivePlacement(const LiveOptions& options = {}) : m_options(options) {}

  /// The replica with its units where `deviceOf` says; called on a thread of the run's.
  using Planner = std::function<Result<ReplicaPlan>(const std::vector<int>& deviceOf)>;
  /// Watches the replica that will be made of `plan`, which from now on reports what its executions take.
  void watch(LiveSubject subject, Planner planner, ReplicaPlan& plan);
  /// The names that a deployment gave its replicas, in the order of watch().
  void setName(std::size_t index, const std::string& name);

  /// At `elapsedS` of the run; looks once every LiveOptions::tickS.
  void tick(double elapsedS, ChangeQueue& changes, const std::function<void(std::string)>& note);

  const LiveOptions& options() const { return m_options; }
  std::size_t watched() const { return m_watched.size(); }
  int moves() const; ///< made so far, those that were taken back later included
  int back() const;  ///< of them, taken back

 private:
  struct Report {
    int items = 0;
    std::vector<TraceEvent> events;
  };
  /// Shared with the replicas, which report to it.
  struct Watched {
    Watched(LiveSubject subject, const LiveOptions& options) : watch(std::move(subject), options) {}
    std::mutex mutex; ///< guards what follows; held for moments only, since replicas wait for it
    std::vector<Report> reports;
    int generation = 0;       ///< of the replica: what an old one still reports is of another placement
    std::optional<bool> made; ///< the step under way is made, or could not be
    int moves = 0, back = 0;
    // The thread of tick() alone:
    LiveWatch watch;
    Planner planner;
    std::string name;
    std::optional<LiveWatch::Step> step; ///< under way
  };
  static void attach(const std::shared_ptr<Watched>& watched, ReplicaPlan& plan, int generation);
  void tick(const std::shared_ptr<Watched>& watched, ChangeQueue& changes,
            const std::function<void(std::string)>& note);

  LiveOptions m_options;
  std::vector<std::shared_ptr<Watched>> m_watched;
  double m_nextS = -1e300;
};

} // namespace tandem
