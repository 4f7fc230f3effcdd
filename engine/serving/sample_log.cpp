// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/sample_log.hpp"

namespace tandem {

void SampleLog::add(const Completion& completion) {
  const Sample sample{completion.endNs, completion.endNs - completion.scheduledNs,
                      completion.startNs - completion.scheduledNs, completion.items, completion.failed};
  std::lock_guard lock(m_mutex);
  m_samples.push_back(sample);
  m_failed += completion.failed;
  if (completion.computeNs >= 0) {
    ++m_profiled;
    m_transferNs += static_cast<double>(completion.transferNs);
    m_computeNs += static_cast<double>(completion.computeNs);
  }
}

SampleWindow SampleLog::window(std::int64_t fromNs, std::int64_t toNs) const {
  // Threads finish nearly in order; what a late one adds after this margin no longer changes a live figure.
  constexpr std::int64_t kDisorderNs = 1'000'000'000;
  SampleWindow window;
  std::vector<std::int64_t> latencies;
  double queueNs = 0;
  {
    std::lock_guard lock(m_mutex);
    for (auto it = m_samples.rbegin(); it != m_samples.rend() && it->endNs >= fromNs - kDisorderNs; ++it) {
      if (it->endNs < fromNs || it->endNs >= toNs) continue;
      if (it->failed) {
        ++window.failed;
        continue;
      }
      ++window.completed;
      window.items += static_cast<std::uint64_t>(it->items);
      latencies.push_back(it->latencyNs);
      queueNs += static_cast<double>(it->queueNs);
    }
  }
  window.latency = summarize(latencies);
  if (window.completed > 0) window.queueMs = queueNs * 1e-6 / static_cast<double>(window.completed);
  return window;
}

std::uint64_t SampleLog::completed() const {
  std::lock_guard lock(m_mutex);
  return m_samples.size() - m_failed;
}

std::uint64_t SampleLog::failed() const {
  std::lock_guard lock(m_mutex);
  return m_failed;
}

double SampleLog::meanTransferMs() const {
  std::lock_guard lock(m_mutex);
  return m_profiled ? m_transferNs * 1e-6 / static_cast<double>(m_profiled) : -1;
}

double SampleLog::meanComputeMs() const {
  std::lock_guard lock(m_mutex);
  return m_profiled ? m_computeNs * 1e-6 / static_cast<double>(m_profiled) : -1;
}

void SampleLog::clear() {
  std::lock_guard lock(m_mutex);
  m_samples.clear();
  m_failed = m_profiled = 0;
  m_transferNs = m_computeNs = 0;
}

} // namespace tandem
