// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/sample_log.hpp"

#include <algorithm>
#include <new>

namespace tandem {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

template <class T> void put(T& place, T value) { std::atomic_ref<T>(place).store(value, kRelaxed); }

void raise(std::atomic<std::int64_t>& most, std::int64_t value) {
  std::int64_t seen = most.load(kRelaxed);
  while (value > seen && !most.compare_exchange_weak(seen, value, kRelaxed)) {}
}

/// Percentiles of a histogram, in the form of exact ones.
LatencySummary summaryOf(const LatencyHistogram& histogram) {
  LatencySummary summary;
  summary.count = histogram.count();
  if (summary.count == 0) return summary;
  const auto at = [&](double p) { return static_cast<double>(histogram.quantileNs(p)) * 1e-6; };
  summary.meanMs = histogram.meanNs() * 1e-6;
  summary.p50Ms = at(0.50);
  summary.p90Ms = at(0.90);
  summary.p95Ms = at(0.95);
  summary.p99Ms = at(0.99);
  summary.p999Ms = at(0.999);
  summary.minMs = at(0);
  summary.maxMs = at(1);
  return summary;
}

} // namespace

SampleLog::SampleLog()
    : m_samples(static_cast<Sample*>(std::calloc(kKept, sizeof(Sample)))),
      m_totals(std::make_unique<Totals>()) {
  if (!m_samples) throw std::bad_alloc();
}

void SampleLog::add(const Completion& completion) {
  const std::int64_t latency = completion.endNs - completion.scheduledNs;
  // Waiting for inputs is not waiting for a replica.
  const std::int64_t queue = completion.startNs - std::max(completion.scheduledNs, completion.readyNs);
  Sample& sample = m_samples[m_next.fetch_add(1, kRelaxed) % kKept];
  put(sample.endNs, std::int64_t{0});
  std::atomic_ref(sample.latencyNs).store(latency, std::memory_order_release); // not before the zero
  put(sample.queueNs, queue);
  put(sample.rest, static_cast<std::uint64_t>(completion.items) << 16 |
                       static_cast<std::uint64_t>(completion.priority) << 8 |
                       static_cast<std::uint64_t>(completion.status));
  std::atomic_ref(sample.endNs).store(completion.endNs, std::memory_order_release);

  const bool isMeasured = completion.endNs >= m_fromNs.load(kRelaxed) && completion.endNs < m_toNs.load(kRelaxed);
  switch (completion.status) {
  case Status::Done: m_completed.fetch_add(1, kRelaxed); break;
  case Status::Failed: m_failed.fetch_add(1, kRelaxed); break;
  case Status::Cancelled: m_cancelled.fetch_add(1, kRelaxed); break;
  case Status::Rejected: m_rejected.fetch_add(1, kRelaxed); break;
  }
  if (isMeasured) {
    Totals& totals = *m_totals;
    switch (completion.status) {
    case Status::Done: {
      const auto kind = static_cast<std::size_t>(completion.priority);
      totals.completed.fetch_add(1, kRelaxed);
      totals.items.fetch_add(static_cast<std::uint64_t>(completion.items), kRelaxed);
      totals.queueNs.fetch_add(queue, kRelaxed);
      totals.latency[kind].record(latency);
      raise(totals.longestQueueNs[kind], queue);
      break;
    }
    case Status::Failed: totals.failed.fetch_add(1, kRelaxed); break;
    case Status::Cancelled: totals.cancelled.fetch_add(1, kRelaxed); break;
    case Status::Rejected: totals.rejected.fetch_add(1, kRelaxed); break;
    }
  }
  if (completion.computeNs >= 0) {
    m_transferNs.fetch_add(completion.transferNs, kRelaxed);
    m_computeNs.fetch_add(completion.computeNs, kRelaxed);
    m_profiled.fetch_add(1, kRelaxed);
  }
}

template <class Visit> void SampleLog::forEach(std::int64_t fromNs, std::int64_t toNs, const Visit& visit) const {
  // Threads finish nearly in order; what a late one adds after this margin no longer changes a live figure.
  constexpr std::int64_t kDisorderNs = 100'000'000;
  const std::uint64_t next = m_next.load(std::memory_order_acquire);
  const std::uint64_t oldest = next > kKept ? next - kKept : 0;
  for (std::uint64_t i = next; i > oldest; --i) {
    Sample& sample = m_samples[(i - 1) % kKept];
    const std::int64_t end = std::atomic_ref(sample.endNs).load(std::memory_order_acquire);
    if (end == 0) continue;
    if (end < fromNs - kDisorderNs) break;
    if (end < fromNs || end >= toNs) continue;
    const std::uint64_t rest = std::atomic_ref(sample.rest).load(std::memory_order_acquire);
    const std::int64_t queue = std::atomic_ref(sample.queueNs).load(std::memory_order_acquire);
    const std::int64_t latency = std::atomic_ref(sample.latencyNs).load(std::memory_order_acquire);
    // Else it was overwritten meanwhile.
    if (std::atomic_ref(sample.endNs).load(kRelaxed) == end)
      visit(end, Read{latency, queue, static_cast<int>(rest >> 16), static_cast<Status>(rest & 0xff),
                      static_cast<Priority>((rest >> 8) & 0xff)});
  }
}

SampleWindow SampleLog::window(std::int64_t fromNs, std::int64_t toNs) const {
  SampleWindow window;
  std::array<std::vector<std::int64_t>, 2> latencies;
  double queueNs = 0;
  forEach(fromNs, toNs, [&](std::int64_t, const Read& read) {
    switch (read.status) {
    case Status::Failed: ++window.failed; return;
    case Status::Cancelled: ++window.cancelled; return;
    case Status::Rejected: ++window.rejected; return;
    case Status::Done: break;
    }
    const auto kind = static_cast<std::size_t>(read.priority);
    ++window.completed;
    window.items += static_cast<std::uint64_t>(read.items);
    latencies[kind].push_back(read.latencyNs);
    queueNs += static_cast<double>(read.queueNs);
    window.longestQueueMs[kind] = std::max(window.longestQueueMs[kind], static_cast<double>(read.queueNs) * 1e-6);
  });
  for (std::size_t kind = 0; kind < 2; ++kind) window.byPriority[kind] = summarize(latencies[kind]);
  latencies[0].insert(latencies[0].end(), latencies[1].begin(), latencies[1].end());
  window.latency = summarize(latencies[0]);
  if (window.completed > 0) window.queueMs = queueNs * 1e-6 / static_cast<double>(window.completed);
  return window;
}

void SampleLog::beginMeasuring(std::int64_t fromNs) {
  m_fromNs.store(kNever, kRelaxed);
  m_toNs.store(kNever, kRelaxed);
  Totals& totals = *m_totals;
  for (auto* count : {&totals.completed, &totals.failed, &totals.cancelled, &totals.rejected, &totals.items})
    count->store(0, kRelaxed);
  totals.queueNs.store(0, kRelaxed);
  for (std::size_t kind = 0; kind < 2; ++kind) {
    totals.latency[kind].clear();
    totals.longestQueueNs[kind].store(0, kRelaxed);
  }
  m_firstMeasured.store(m_next.load(kRelaxed), kRelaxed);
  m_fromNs.store(fromNs, kRelaxed);
}

void SampleLog::endMeasuring(std::int64_t toNs) { m_toNs.store(toNs, kRelaxed); }

bool SampleLog::keepsAllMeasured() const { return m_next.load(kRelaxed) - m_firstMeasured.load(kRelaxed) <= kKept; }

SampleWindow SampleLog::measured() const {
  if (keepsAllMeasured()) return window(m_fromNs.load(kRelaxed), m_toNs.load(kRelaxed));
  return counted();
}

SampleWindow SampleLog::counted() const {
  const Totals& totals = *m_totals;
  SampleWindow window;
  window.isExact = false;
  window.completed = totals.completed.load(kRelaxed);
  window.failed = totals.failed.load(kRelaxed);
  window.cancelled = totals.cancelled.load(kRelaxed);
  window.rejected = totals.rejected.load(kRelaxed);
  window.items = totals.items.load(kRelaxed);
  LatencyHistogram both;
  for (std::size_t kind = 0; kind < 2; ++kind) {
    window.byPriority[kind] = summaryOf(totals.latency[kind]);
    window.longestQueueMs[kind] = static_cast<double>(totals.longestQueueNs[kind].load(kRelaxed)) * 1e-6;
    both.merge(totals.latency[kind]);
  }
  window.latency = summaryOf(both);
  if (window.completed > 0)
    window.queueMs = static_cast<double>(totals.queueNs.load(kRelaxed)) * 1e-6 / static_cast<double>(window.completed);
  return window;
}

std::vector<double> SampleLog::quantilesMs(int points) const {
  std::vector<double> quantiles;
  if (keepsAllMeasured()) {
    std::vector<std::int64_t> all;
    forEach(m_fromNs.load(kRelaxed), m_toNs.load(kRelaxed), [&](std::int64_t, const Read& read) {
      if (read.status == Status::Done) all.push_back(read.latencyNs);
    });
    std::sort(all.begin(), all.end());
    for (int i = 0; i < points && !all.empty(); ++i) {
      const auto at = static_cast<std::size_t>(static_cast<double>(all.size() - 1) * i / std::max(points - 1, 1));
      quantiles.push_back(static_cast<double>(all[at]) * 1e-6);
    }
    return quantiles;
  }
  LatencyHistogram both;
  for (const LatencyHistogram& each : m_totals->latency) both.merge(each);
  for (int i = 0; i < points && both.count() > 0; ++i)
    quantiles.push_back(static_cast<double>(both.quantileNs(static_cast<double>(i) / std::max(points - 1, 1))) * 1e-6);
  return quantiles;
}

std::vector<SampleSlice> SampleLog::slices(int most, double& seconds) const {
  // A stretch with fewer completions would mostly show where its borders fall.
  constexpr std::int64_t kPerSlice = 10;
  constexpr std::int64_t kFewest = 5;
  seconds = 0;
  std::int64_t from = m_fromNs.load(kRelaxed);
  const std::int64_t to = m_toNs.load(kRelaxed);
  std::vector<std::pair<std::int64_t, Read>> done;
  forEach(from, to, [&](std::int64_t endNs, const Read& read) {
    if (read.status == Status::Done) done.emplace_back(endNs, read);
  });
  if (done.empty()) return {};
  if (!keepsAllMeasured())
    from = std::min_element(done.begin(), done.end(), [](const auto& a, const auto& b) {
             return a.first < b.first;
           })->first;
  const std::int64_t count = std::min<std::int64_t>(most, static_cast<std::int64_t>(done.size()) / kPerSlice);
  const std::int64_t lengthNs = count >= kFewest ? (to - from) / count : 0;
  if (lengthNs <= 0) return {};
  std::vector<std::vector<std::int64_t>> latencies(static_cast<std::size_t>(count));
  std::vector<SampleSlice> slices(latencies.size());
  for (const auto& [endNs, read] : done) {
    const auto at = static_cast<std::size_t>(std::min((endNs - from) / lengthNs, count - 1));
    ++slices[at].completed;
    slices[at].items += static_cast<std::uint64_t>(read.items);
    latencies[at].push_back(read.latencyNs);
  }
  for (std::size_t i = 0; i < slices.size(); ++i) {
    const LatencySummary summary = summarize(latencies[i]);
    slices[i].p50Ms = summary.p50Ms;
    slices[i].p99Ms = summary.p99Ms;
  }
  seconds = static_cast<double>(lengthNs) * 1e-9;
  return slices;
}

double SampleLog::meanTransferMs() const {
  const auto count = m_profiled.load(kRelaxed);
  return count ? static_cast<double>(m_transferNs.load(kRelaxed)) * 1e-6 / static_cast<double>(count) : -1;
}

double SampleLog::meanComputeMs() const {
  const auto count = m_profiled.load(kRelaxed);
  return count ? static_cast<double>(m_computeNs.load(kRelaxed)) * 1e-6 / static_cast<double>(count) : -1;
}

} // namespace tandem
