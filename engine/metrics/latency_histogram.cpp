// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/metrics/latency_histogram.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <numeric>

namespace tandem {
namespace {

template <class T> void add(T& number, T more) {
  std::atomic_ref<T>(number).fetch_add(more, std::memory_order_relaxed);
}

template <class T> void put(T& number, T value) { std::atomic_ref<T>(number).store(value, std::memory_order_relaxed); }

template <class T> T read(const T& number) {
  return std::atomic_ref<T>(const_cast<T&>(number)).load(std::memory_order_relaxed); // C++20 has none of const
}

} // namespace

int LatencyHistogram::bucketOf(std::int64_t ns) {
  const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 0));
  if (value < kSubBuckets) return static_cast<int>(value);
  const int exponent = std::bit_width(value) - 8; // value >> exponent lies in [128, 256)
  const int bucket = (exponent + 1) * kSubBuckets + static_cast<int>((value >> exponent) - kSubBuckets);
  return std::min(bucket, kBuckets - 1);
}

std::int64_t LatencyHistogram::upperEdge(int bucket) {
  if (bucket < kSubBuckets) return bucket;
  const int exponent = bucket / kSubBuckets - 1;
  return ((std::int64_t{bucket % kSubBuckets} + kSubBuckets + 1) << exponent) - 1;
}

void LatencyHistogram::record(std::int64_t ns) {
  add(m_buckets[static_cast<std::size_t>(bucketOf(ns))], std::uint32_t{1});
  add(m_count, std::uint64_t{1});
  add(m_sum, std::max<std::int64_t>(ns, 0));
}

void LatencyHistogram::merge(const LatencyHistogram& other) {
  for (std::size_t i = 0; i < m_buckets.size(); ++i) add(m_buckets[i], read(other.m_buckets[i]));
  add(m_count, read(other.m_count));
  add(m_sum, read(other.m_sum));
}

std::uint64_t LatencyHistogram::count() const { return read(m_count); }

double LatencyHistogram::meanNs() const {
  const std::uint64_t count = read(m_count);
  return count ? static_cast<double>(read(m_sum)) / static_cast<double>(count) : 0.0;
}

void LatencyHistogram::clear() {
  for (std::uint32_t& bucket : m_buckets) put(bucket, std::uint32_t{0});
  put(m_count, std::uint64_t{0});
  put(m_sum, std::int64_t{0});
}

std::int64_t LatencyHistogram::quantileNs(double p) const {
  const std::uint64_t all = count();
  if (all == 0) return 0;
  const auto wanted =
      std::min<std::uint64_t>(static_cast<std::uint64_t>(std::floor(static_cast<double>(all) * p)), all - 1);
  std::uint64_t seen = 0;
  for (int bucket = 0; bucket < kBuckets; ++bucket) {
    seen += read(m_buckets[static_cast<std::size_t>(bucket)]);
    if (seen > wanted) return upperEdge(bucket);
  }
  return upperEdge(kBuckets - 1);
}

LatencySummary summarize(std::span<std::int64_t> samplesNs) {
  LatencySummary summary;
  summary.count = samplesNs.size();
  if (samplesNs.empty()) return summary;
  std::sort(samplesNs.begin(), samplesNs.end());
  auto at = [&](double p) {
    const auto index = static_cast<std::size_t>(std::floor(static_cast<double>(samplesNs.size()) * p));
    return static_cast<double>(samplesNs[std::min(index, samplesNs.size() - 1)]) * 1e-6;
  };
  const double sum = std::accumulate(samplesNs.begin(), samplesNs.end(), 0.0);
  summary.meanMs = sum / static_cast<double>(samplesNs.size()) * 1e-6;
  summary.p50Ms = at(0.50);
  summary.p90Ms = at(0.90);
  summary.p95Ms = at(0.95);
  summary.p99Ms = at(0.99);
  summary.p999Ms = at(0.999);
  summary.minMs = static_cast<double>(samplesNs.front()) * 1e-6;
  summary.maxMs = static_cast<double>(samplesNs.back()) * 1e-6;
  return summary;
}

} // namespace tandem
