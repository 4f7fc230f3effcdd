// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/live_placement.hpp"
#include "engine/serving/phase.hpp"
#include "engine/serving/ramp.hpp"
#include "engine/serving/starvation.hpp"
#include "engine/serving/verdict.hpp"

namespace tandem {

/// A change of the deployment while a run goes on.
struct TimedChange {
  double atS = 0; ///< after the measured part began
  enum class Kind { Add, Remove, Replace, Route } kind = Kind::Add;
  std::string name = {}; ///< Remove, Replace
  /// Add, Replace. Called on a thread of the run's: it may open, place and compile.
  std::function<Result<ReplicaPlan>()> plan = {};
  tandem::Route route = {};
  /// Told when it is done, on that thread; may be empty.
  std::function<void(Result<void>)> done = {};
};

/// Changes that come from outside while a run goes on. Thread-safe.
class ChangeQueue {
 public:
  /// False once the run no longer takes changes; `done` of the change is not called then.
  bool push(TimedChange change);
  std::vector<TimedChange> takeDue(double elapsedS);
  /// No more are taken; those that are left are told that the run is over.
  void close();

 private:
  std::mutex m_mutex;
  bool m_closed = false;
  std::vector<TimedChange> m_changes;
};

struct RunSettings {
  Scenario scenario;
  std::vector<RequestData> data; ///< one per request size
  double durationS = 10;         ///< of the measured part; of each step of a ramp
  double warmupS = 1;
  /// Where there are several replicas, each is measured alone for as long first, under as much load as it takes, so
  /// that the verdict can compare; likewise one request in flight where a replica's layers are split. 0: not.
  double aloneS = 0;
  double bulkShare = 0; ///< of the requests that are of the bulk class
  std::uint64_t seed = 1;
  InputPipeline* pipeline = nullptr; ///< where set, requests are preprocessed while the run goes on
  TraceRecorder* trace = nullptr;
  /// Bytes that all replicas together may take, by device; a plan that needs more is refused before anything runs.
  std::map<std::string, std::int64_t> memoryLimits;
  CancelToken cancel;                               ///< ends the run early; what was measured so far is reported
  std::function<Result<void>()> whenWarm = {};      ///< once, before the load; a failure ends the run
  std::function<void(const RunSnapshot&)> snapshot; ///< ten times a second, on the calling thread
  ChangeQueue* changes = nullptr;                   ///< may be null; must outlive the run
  LivePlacement* live = nullptr; ///< where set, with `changes`: layers move while the measured part goes on
};

/// What a run measured. Counts and latencies cover completions inside the measured part.
struct RunOutcome {
  Route route; ///< at the end
  double measuredS = 0;
  SampleWindow all;
  double throughputPerS = 0, itemsPerS = 0;
  double transferMs = -1, computeMs = -1; ///< means over profiled executions; -1 where none was
  double compileMs = 0, warmupMs = 0;
  std::vector<double> quantilesMs; ///< latency at 0, 1, ..., 100 %
  std::vector<SampleSlice> slices; ///< equal stretches of what was measured, for how sure a figure is
  double sliceS = 0;               ///< length of one
  struct ReplicaOutcome {
    std::string name, devices, summary;
    SampleWindow window;
    double itemsPerS = 0;
    double serviceMs = 0;         ///< mean of its executions
    std::uint64_t executions = 0; ///< joined batches count once
    std::uint64_t paddedItems = 0;
    std::optional<Error> lastError;
    ReplicaState state = ReplicaState::Serving;
    bool lost = false; ///< its device failed for good
    ReplicaCost cost;
    std::vector<DeviceUse> copy; ///< what it adds to the replicas before it
  };
  std::vector<ReplicaOutcome> replicas;
  std::vector<DeviceUse> devices;
  std::int64_t rssBytes = 0, rssPeakBytes = 0;
  std::uint64_t unfinished = 0; ///< still under way when draining was given up
  bool stopped = false;         ///< ended by the cancel token
  struct Event {
    double atS = 0; ///< after the measured part began; negative before
    std::string text;
  };
  std::vector<Event> events;
  std::optional<PipelineStatistics> pipeline; ///< where inputs were prepared meanwhile
  StarvationVerdict starvation;               ///< of that pipeline
  std::optional<Verdict> verdict;             ///< where several replicas were measured alone, too
  std::vector<PipelineGain> pipelines;
  std::optional<RampOutcome> ramp;
};

/// Compiles, warms up, measures and drains. Blocks; fails where a replica cannot be set up.
Result<RunOutcome> runDeployment(Deployment& deployment, const RunSettings& settings);

} // namespace tandem
