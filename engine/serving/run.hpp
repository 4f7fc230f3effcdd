// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/deployment.hpp"
#include "engine/serving/load_generator.hpp"

namespace tandem {

/// Memory of all replicas together on one device.
struct DeviceUse {
  std::string id;
  std::int64_t weightsBytes = 0, activationsBytes = 0, stagingBytes = 0;
  std::int64_t sharedWeightsBytes = 0; ///< what replicas and sizes read that others hold; not in weightsBytes
  double busyFraction = 0;
};

/// A run at one moment; figures cover the last second.
struct RunSnapshot {
  std::string phase;   ///< "compile", "warmup", "measure", "drain"
  double elapsedS = 0; ///< of the measured part; negative before it
  std::uint64_t completed = 0, failed = 0;
  double throughputPerS = 0, itemsPerS = 0;
  struct ReplicaState {
    std::string name, devices;
    std::uint64_t completed = 0;
    double throughputPerS = 0, itemsPerS = 0;
    LatencySummary latency;
    int queued = 0, inFlight = 0;
  };
  std::vector<ReplicaState> replicas;
  std::vector<DeviceUse> devices;
  std::int64_t rssBytes = 0;
  double cpuFraction = 0;
};

struct RunSettings {
  Scenario scenario;
  std::vector<RequestData> data; ///< one per request size
  double durationS = 10;
  double warmupS = 1;
  std::uint64_t seed = 1;
  TraceRecorder* trace = nullptr;
  /// Bytes that all replicas together may take, by device; a plan that needs more is refused before anything runs.
  std::map<std::string, std::int64_t> memoryLimits;
  CancelToken cancel;                               ///< ends the run early; what was measured so far is reported
  std::function<Result<void>()> whenWarm = {};      ///< once, before the load; a failure ends the run
  std::function<void(const RunSnapshot&)> snapshot; ///< ten times a second, on the calling thread
};

/// What a run measured. Counts and latencies cover completions inside the measured part.
struct RunOutcome {
  double measuredS = 0;
  SampleWindow all;
  double throughputPerS = 0, itemsPerS = 0;
  double transferMs = -1, computeMs = -1; ///< means over profiled executions; -1 where none was
  double compileMs = 0, warmupMs = 0;
  struct ReplicaOutcome {
    std::string name, devices, summary;
    SampleWindow window;
    double itemsPerS = 0;
    std::uint64_t paddedItems = 0;
    std::optional<Error> lastError;
    bool lost = false; ///< its device failed for good
  };
  std::vector<ReplicaOutcome> replicas;
  std::vector<DeviceUse> devices;
  std::int64_t rssBytes = 0, rssPeakBytes = 0;
  std::uint64_t unfinished = 0; ///< still under way when draining was given up
  bool stopped = false;         ///< ended by the cancel token
};

/// Compiles, warms up, measures and drains. Blocks; fails where a replica cannot be set up.
Result<RunOutcome> runDeployment(Deployment& deployment, const RunSettings& settings);

/// Memory and ids of every device that the deployment uses.
std::vector<DeviceUse> deviceUse(const Deployment& deployment);

} // namespace tandem
