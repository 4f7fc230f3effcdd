// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/metrics/latency_histogram.hpp"
#include "engine/serving/request.hpp"

#include <mutex>

namespace tandem {

/// What is kept of every completion: 32 bytes, so that a long run of a tiny model stays small.
struct Sample {
  std::int64_t endNs = 0;
  std::int64_t latencyNs = 0; ///< end minus scheduled arrival
  std::int64_t queueNs = 0;   ///< start minus scheduled arrival
  std::int32_t items = 1;
  bool failed = false;
};

/// Sums over a stretch of time.
struct SampleWindow {
  std::uint64_t completed = 0, failed = 0, items = 0;
  LatencySummary latency; ///< of those that did not fail
  double queueMs = 0;     ///< mean
};

/// All completions of a run or of one replica, in the order they came. Thread-safe.
class SampleLog {
 public:
  void add(const Completion& completion);
  /// Completions whose end lies in [fromNs, toNs).
  SampleWindow window(std::int64_t fromNs, std::int64_t toNs) const;
  std::uint64_t completed() const;
  std::uint64_t failed() const;
  /// Means over the profiled completions; -1 where there were none.
  double meanTransferMs() const;
  double meanComputeMs() const;
  void clear();

 private:
  mutable std::mutex m_mutex;
  std::vector<Sample> m_samples;
  std::uint64_t m_failed = 0, m_profiled = 0;
  double m_transferNs = 0, m_computeNs = 0;
};

} // namespace tandem
