// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/metrics/latency_histogram.hpp"
#include "engine/serving/request.hpp"

#include <array>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <memory>
#include <vector>

namespace tandem {

/// Sums over a stretch of time.
struct SampleWindow {
  std::uint64_t completed = 0, failed = 0, cancelled = 0, rejected = 0, items = 0;
  LatencySummary latency;                        ///< of those that were done
  double queueMs = 0;                            ///< mean, of those that were done
  std::array<LatencySummary, 2> byPriority = {}; ///< latency, by class
  std::array<double, 2> longestQueueMs = {};     ///< by class
  /// False: there were more than the log keeps one by one, and percentiles are off by up to 0.8 %.
  bool isExact = true;
};

/// One of several equal stretches of what was measured, for how sure a figure is.
struct SampleSlice {
  std::uint64_t completed = 0, items = 0;
  double p50Ms = 0, p99Ms = 0; ///< 0 where nothing completed
};

/// Completions of a run or of one replica, in bounded memory: the last kKept one by one, and counts of all. add() is
/// lock-free and allocates nothing; any number of threads.
class SampleLog {
 public:
  static constexpr std::size_t kKept = std::size_t{1} << 18;

  SampleLog();
  void add(const Completion& completion);
  /// Completions whose end lies in [fromNs, toNs), as far as they are kept: for windows of the last seconds.
  SampleWindow window(std::int64_t fromNs, std::int64_t toNs) const;

  /// What is measured begins and ends here; measured() refers to it, however much it is. Begins again only while
  /// nothing is being added.
  void beginMeasuring(std::int64_t fromNs);
  void endMeasuring(std::int64_t toNs);
  /// All completions with an end in the measured stretch.
  SampleWindow measured() const;

  std::uint64_t completed() const { return m_completed.load(std::memory_order_relaxed); } ///< done
  std::uint64_t failed() const { return m_failed.load(std::memory_order_relaxed); }
  std::uint64_t cancelled() const { return m_cancelled.load(std::memory_order_relaxed); }
  std::uint64_t rejected() const { return m_rejected.load(std::memory_order_relaxed); }
  /// Means over the profiled completions; -1 where there were none.
  double meanTransferMs() const;
  double meanComputeMs() const;
  /// Latencies (ms) of those done in the measured stretch as `points` quantiles, ascending, for a distribution's curve.
  std::vector<double> quantilesMs(int points) const;
  /// The measured stretch, or the part of it that is kept one by one, in at most `most` equal parts in order of time;
  /// fewer where they would hold too few completions, none where even five would. `seconds` is set to the length of
  /// one.
  std::vector<SampleSlice> slices(int most, double& seconds) const;

 private:
  /// Written by one thread and read by others at any time, through std::atomic_ref; `endNs` is 0 while the rest
  /// changes.
  struct Sample {
    std::int64_t endNs;
    std::int64_t latencyNs; ///< end minus scheduled arrival
    std::int64_t queueNs;   ///< start minus the moment when it had arrived and its inputs were there
    std::uint64_t rest;     ///< items << 16 | priority << 8 | status
  };
  struct Free {
    void operator()(Sample* samples) const { std::free(samples); }
  };
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
  struct Totals {
    std::atomic<std::uint64_t> completed{0}, failed{0}, cancelled{0}, rejected{0}, items{0};
    std::atomic<std::int64_t> queueNs{0};
    std::array<LatencyHistogram, 2> latency; ///< by class
    std::array<std::atomic<std::int64_t>, 2> longestQueueNs{};
  };
  struct Read {
    std::int64_t latencyNs = 0, queueNs = 0;
    int items = 0;
    Status status = Status::Done;
    Priority priority = Priority::Latency;
  };
  template <class Visit> void forEach(std::int64_t fromNs, std::int64_t toNs, const Visit& visit) const;
  SampleWindow counted() const;
  bool keepsAllMeasured() const;

  const std::unique_ptr<Sample[], Free> m_samples; ///< a ring; the system gives pages of zeros as they are touched
  std::atomic<std::uint64_t> m_next{0};
  std::atomic<std::uint64_t> m_completed{0}, m_failed{0}, m_cancelled{0}, m_rejected{0};
  std::atomic<std::uint64_t> m_profiled{0};
  std::atomic<std::int64_t> m_transferNs{0}, m_computeNs{0};
  const std::unique_ptr<Totals> m_totals;
  std::atomic<std::int64_t> m_fromNs{kNever}, m_toNs{kNever};
  std::atomic<std::uint64_t> m_firstMeasured{0};
};

} // namespace tandem
