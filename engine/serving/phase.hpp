// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/device_use.hpp"
#include "engine/serving/input_pipeline.hpp"
#include "engine/serving/load_generator.hpp"

namespace tandem {

/// A run at one moment; figures cover the last second.
struct RunSnapshot {
  std::string phase;   ///< "compile", "warmup", "alone CPU:0", "measure", "drain", ...
  double elapsedS = 0; ///< of the measured part; negative before it
  std::uint64_t completed = 0, failed = 0, rejected = 0;
  double throughputPerS = 0, itemsPerS = 0;
  struct ReplicaState {
    std::string name, devices, state;
    std::uint64_t completed = 0;
    double throughputPerS = 0, itemsPerS = 0;
    LatencySummary latency;
    int queued = 0, inFlight = 0;
    int batchLimit = 0; ///< items joined at most now; 0: none are
  };
  std::vector<ReplicaState> replicas;
  std::vector<DeviceUse> devices;
  std::vector<ServingEvent> events; ///< all so far
  std::int64_t rssBytes = 0;
  double cpuFraction = 0;
};

/// One stretch of load on a deployment that is set up and started.
struct PhaseSettings {
  std::string name = "measure";
  Scenario scenario;
  LoadSettings load;
  double warmupS = 0;
  double durationS = 10; ///< of the measured part; finite scenarios end by themselves
};

struct PhaseOutcome {
  double measuredS = 0;
  std::int64_t startNs = 0, endNs = 0; ///< of the measured part
  double warmupMs = 0;
  SampleWindow all;
  double throughputPerS = 0, itemsPerS = 0;
  double transferMs = -1, computeMs = -1; ///< means over profiled executions; -1 where none was
  struct ReplicaPart {
    const Replica* replica = nullptr;
    SampleWindow window;
    double itemsPerS = 0;
    double serviceMs = 0; ///< mean of its executions; 0 where none ran
    std::uint64_t executions = 0;
  };
  std::vector<ReplicaPart> replicas;
  std::vector<DeviceUse> devices;             ///< busy in the measured part
  std::vector<double> quantilesMs;            ///< latency at 0, 1, ..., 100 %
  std::vector<SampleSlice> slices;            ///< equal stretches; none where too little was done
  double sliceS = 0;                          ///< length of one
  std::optional<PipelineStatistics> pipeline; ///< where requests came from one
  std::optional<Error> failure;               ///< why it ended before its time
  std::uint64_t unfinished = 0;               ///< still under way when draining was given up
  std::int64_t rssPeakBytes = 0;
};

/// Puts loads on a deployment, one after another, and measures them. One thread.
class PhaseRunner {
 public:
  /// `snapshot` may be empty; it is called ten times a second, on the calling thread.
  PhaseRunner(Deployment& deployment, CancelToken cancel, std::function<void(const RunSnapshot&)> snapshot);

  /// Blocks. Ends early, with what was measured so far, once the token is cancelled or every replica is lost.
  PhaseOutcome run(const PhaseSettings& settings);
  /// Tells the listener where set-up is.
  void report(const std::string& phase);
  bool cancelled() const { return m_cancel.cancelled(); }
  std::int64_t rssPeakBytes() const { return m_rssPeakBytes; }
  /// Called between two ticks of every phase: changes that are due, for example.
  void setOnTick(std::function<void(double elapsedS)> onTick) { m_onTick = std::move(onTick); }

 private:
  struct Moment {
    std::int64_t loadStartNs = 0, measureStartNs = 0;
  };
  void tickUntil(const std::string& phase, std::int64_t endNs, LoadGenerator& generator, bool finite);
  void drain(LoadGenerator& generator, PhaseOutcome& outcome);
  bool allLost() const;
  void rememberBusy();
  std::vector<DeviceUse> busySince(std::int64_t fromNs, std::int64_t toNs);
  void tell(const std::string& phase, LoadGenerator* generator);

  Deployment& m_deployment;
  CancelToken m_cancel;
  std::function<void(const RunSnapshot&)> m_snapshot;
  std::function<void(double)> m_onTick;
  Moment m_moment;
  std::int64_t m_lastTickNs = 0, m_lastCpuNs = 0, m_rssPeakBytes = 0;
  std::map<std::string, std::int64_t> m_busyBefore, m_lastBusy;
};

} // namespace tandem
