// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/metrics/latency_histogram.hpp"

#include "engine/metrics/process_memory.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>
#include <random>

namespace tandem {
namespace {

std::vector<std::int64_t> logUniform(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> exponent(0, 45);
  std::vector<std::int64_t> values(count);
  for (std::int64_t& value : values) value = static_cast<std::int64_t>(std::exp2(exponent(random)));
  return values;
}

TEST(LatencyHistogram, QuantilesAreWithinABucketOfExact) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    auto values = logUniform(5000, seed);
    LatencyHistogram histogram;
    for (std::int64_t value : values) histogram.record(value);
    std::sort(values.begin(), values.end());
    for (double p : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      const auto index = std::min(static_cast<std::size_t>(std::floor(5000 * p)), values.size() - 1);
      const auto exact = static_cast<double>(values[index]);
      const auto found = static_cast<double>(histogram.quantileNs(p));
      EXPECT_GE(found, exact);
      EXPECT_LE(found, exact * 1.008 + 1);
    }
    EXPECT_EQ(histogram.count(), 5000u);
    EXPECT_NEAR(histogram.meanNs(), std::accumulate(values.begin(), values.end(), 0.0) / 5000, 1);
  }
}

TEST(LatencyHistogram, TakesExtremeValues) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.quantileNs(0.5), 0);
  histogram.record(-5);
  EXPECT_EQ(histogram.quantileNs(1), 0);
  EXPECT_EQ(histogram.meanNs(), 0.0);
  histogram.record(INT64_MAX);
  EXPECT_EQ(histogram.quantileNs(1), (std::int64_t{1} << 48) - 1);
  histogram.clear();
  EXPECT_EQ(histogram.count(), 0u);
}

TEST(LatencyHistogram, MergeIsRecordingBoth) {
  LatencyHistogram a, b, both;
  for (std::int64_t value : logUniform(300, 8)) a.record(value), both.record(value);
  for (std::int64_t value : logUniform(200, 9)) b.record(value), both.record(value);
  a.merge(b);
  EXPECT_EQ(a.count(), 500u);
  EXPECT_EQ(a.meanNs(), both.meanNs());
  for (double p : {0.1, 0.5, 0.99}) EXPECT_EQ(a.quantileNs(p), both.quantileNs(p));
}

TEST(Summarize, TakesSortedFloorOfNTimesP) {
  std::vector<std::int64_t> samples(1000);
  std::iota(samples.begin(), samples.end(), 0);
  for (std::int64_t& sample : samples) sample *= 1'000'000;
  std::shuffle(samples.begin(), samples.end(), std::mt19937(4));
  const LatencySummary summary = summarize(samples);
  EXPECT_EQ(summary.count, 1000u);
  EXPECT_DOUBLE_EQ(summary.p50Ms, 500);
  EXPECT_DOUBLE_EQ(summary.p90Ms, 900);
  EXPECT_DOUBLE_EQ(summary.p95Ms, 950);
  EXPECT_DOUBLE_EQ(summary.p99Ms, 990);
  EXPECT_DOUBLE_EQ(summary.p999Ms, 999);
  EXPECT_DOUBLE_EQ(summary.minMs, 0);
  EXPECT_DOUBLE_EQ(summary.maxMs, 999);
  EXPECT_NEAR(summary.meanMs, 499.5, 1e-9);
  EXPECT_EQ(summarize({}).count, 0u);
}

TEST(ProcessMemory, IsMeasured) {
  EXPECT_GT(processRssBytes(), 0);
  EXPECT_GT(processCpuNs(), 0);
  EXPECT_GT(threadCpuNs(), 0);
}

} // namespace
} // namespace tandem
