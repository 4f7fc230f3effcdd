// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/phase.hpp"
#include "engine/serving/verdict.hpp"

namespace tandem {

/// How the replicas of a deployment are used in one cell of a study.
struct Arrangement {
  enum class Kind {
    One,      ///< one request at a time on one replica
    Alone,    ///< one replica under load
    Together, ///< all, requests routed by predicted finish
    Split,    ///< all, every request divided over them
  } kind = Kind::Alone;
  std::string name; ///< "alone CPU:0", "together", "split", "one at a time on CPU:0"
  Route route;
  int replica = -1; ///< One, Alone: index
};

/// One arrangement with one batch and one number of streams. Medians over the rounds; the spread is that of items/s.
struct StudyCell {
  Arrangement arrangement;
  int batch = 1, streams = 1;
  std::vector<double> roundsPerS; ///< items/s, by round
  double itemsPerS = 0, lowestPerS = 0, highestPerS = 0;
  double p50Ms = 0, p99Ms = 0;
  std::uint64_t requests = 0; ///< in all rounds
  std::uint64_t failed = 0;
  std::vector<double> serviceMs; ///< by replica: mean of its executions; 0 where none ran
  std::vector<double> busy;      ///< by replica: its busiest device
};

struct StudySettings {
  std::vector<RequestData> data; ///< one per batch
  std::vector<int> streams = {1};
  int rounds = 3;
  double durationS = 2; ///< of each cell in each round
  std::uint64_t seed = 1;
  std::map<std::string, std::int64_t> memoryLimits; ///< as RunSettings
  CancelToken cancel;
  std::function<void(const RunSnapshot&)> snapshot;
  /// Called before each cell: how many are done, of how many, and which one is next.
  std::function<void(int done, int total, const std::string& cell)> progress;
};

struct StudyOutcome {
  std::vector<StudyCell> cells;
  /// By batch and number of streams, where there are several replicas.
  struct Judgement {
    int batch = 1, streams = 1;
    Verdict together;
    double splitGain = 0; ///< against the best alone; 0: not measured
  };
  std::vector<Judgement> judgements;
  struct Copy {
    std::string name, devices;
    ReplicaCost cost;
    std::vector<DeviceUse> uses; ///< what it adds to the replicas before it
  };
  std::vector<Copy> copies;
  std::vector<std::string> answers; ///< in words: what pays, what one prediction takes, what a copy costs
  std::int64_t rssBytes = 0;
  int roundsDone = 0;
  bool stopped = false;
};

/// What is measured for a deployment of `replicas` with these batches and streams; every round runs all of it, in an
/// order that rotates.
std::vector<StudyCell> studyPlan(const std::vector<std::string>& replicas, const std::vector<int>& batches,
                                 const std::vector<int>& streams);

/// Sets the deployment up, with its own routing put aside, and measures. Blocks. The replicas' streams must be the
/// largest number of `streams`.
Result<StudyOutcome> runStudy(Deployment& deployment, const StudySettings& settings);

/// The sentences of a study, from its numbers.
std::vector<std::string> studyAnswers(const StudyOutcome& outcome);

} // namespace tandem
