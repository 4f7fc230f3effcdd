// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace tandem {

/// Counts durations in logarithmic buckets: 128 per power of two, so a quantile is off by at most 0.8 %, over 1 ns to
/// about 78 hours (longer ones count as that). Fixed size, mergeable. Any number of threads record at once, without
/// locks; what is read meanwhile may miss what is being recorded.
class LatencyHistogram {
 public:
  void record(std::int64_t ns);
  void merge(const LatencyHistogram& other);
  void clear();
  std::uint64_t count() const;
  /// Upper edge of the bucket that holds sorted[floor(n*p)], in ns; 0 while empty. 0 <= p <= 1.
  std::int64_t quantileNs(double p) const;
  double meanNs() const;

 private:
  static constexpr int kSubBuckets = 128;
  static constexpr int kBuckets = 42 * kSubBuckets;
  static int bucketOf(std::int64_t ns);
  static std::int64_t upperEdge(int bucket);

  std::array<std::uint32_t, kBuckets> m_buckets{};
  std::uint64_t m_count = 0;
  std::int64_t m_sum = 0;
};

/// Exact percentiles of a finished run.
struct LatencySummary {
  std::uint64_t count = 0;
  double meanMs = 0, p50Ms = 0, p90Ms = 0, p95Ms = 0, p99Ms = 0, p999Ms = 0, minMs = 0, maxMs = 0;
  /// Samples needed before p99 and p99.9 mean something (MLPerf inference early stopping, confidence 0.99).
  static constexpr std::uint64_t kMinimumForP99 = 662;
  static constexpr std::uint64_t kMinimumForP999 = 6636;
};

/// Percentile = sorted[floor(n*p)] (MLPerf LoadGen, results.cc). Sorts `samplesNs` in place.
LatencySummary summarize(std::span<std::int64_t> samplesNs);

} // namespace tandem
