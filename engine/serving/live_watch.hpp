// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/metrics/trace.hpp"
#include "engine/placement/replan.hpp"
#include "engine/serving/hysteresis.hpp"

#include <deque>

namespace tandem {

struct LiveOptions {
  double margin = 0.1; ///< a move must be predicted to gain at least this part of what is measured
  double tickS = 1;    ///< how often it is looked
  int inARow = 3;      ///< ticks
};

/// A replica whose layers may move.
struct LiveSubject {
  std::string name;                 ///< of the replica
  std::vector<std::string> devices; ///< ids, as the problem counts them
  ReplanProblem problem;            ///< with times measured alone, before the load
  std::vector<int> unitOf;          ///< by node of the opened graph; -1: in none
  std::vector<int> deviceOf;        ///< of units, as it is
  ReplanGoal goal = ReplanGoal::Latency;
  int items = 1; ///< of the executions that times hold for
};

/// Follows what one replica's layers take and says when some should move. What is measured of the kernels on a device,
/// against what they took alone, says how much slower the device is now; its other layers are taken to have changed as
/// much, likewise copies. No threads, no clock: not thread-safe.
class LiveWatch {
 public:
  LiveWatch(LiveSubject subject, const LiveOptions& options);

  /// What a profiled execution with `items` items recorded.
  void learn(int items, const std::vector<TraceEvent>& events);

  struct Step {
    enum class Kind { Nothing, Move, Back } kind = Kind::Nothing;
    std::vector<int> deviceOf; ///< to be, where it is not Nothing
    std::string text;          ///< what to say once it is done
    std::string note;          ///< what to say now; mostly empty
  };
  /// One tick. After a step that is not Nothing: done() or failed() before the next.
  Step tick();
  void done(const Step& step);
  void failed();

  void setName(const std::string& name) { m_subject.name = name; }
  const LiveSubject& subject() const { return m_subject; }
  /// How many times as long as alone a device takes now; 1 while nothing is known.
  double factor(std::size_t device) const { return m_factors[device]; }

 private:
  struct Sample {
    std::vector<double> kernelMs; ///< by device
    double transferMs = 0;
  };
  void follow();
  ReplanProblem scaled() const;
  std::string movedText(const std::vector<int>& deviceOf) const;
  std::string reason() const;

  LiveSubject m_subject;
  Hysteresis m_hysteresis;
  std::deque<Sample> m_samples; ///< the latest under this placement
  int m_fresh = 0;              ///< of them, since the last tick
  std::vector<double> m_factors;
  std::vector<int> m_unseen; ///< ticks that a device has had nothing to do, by device
  double m_transferFactor = 1;
  std::vector<int> m_previous; ///< placement before the last move
  int m_silent = 0;            ///< ticks without a sample
  bool m_saidTooLittle = false, m_saidSilent = false;
};

} // namespace tandem
