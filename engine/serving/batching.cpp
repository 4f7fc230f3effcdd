// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/batching.hpp"

#include <algorithm>

namespace tandem {

std::vector<int> BatchPolicy::sizes() const {
  std::vector<int> sizes = preferred;
  if (sizes.empty())
    for (int size = 1; size < maximum; size *= 2) sizes.push_back(size);
  if (maximum > 0) sizes.push_back(maximum);
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  return sizes;
}

Batcher::Batcher(BatchPolicy policy)
    : m_policy(std::move(policy)),
      m_sizes(m_policy.sizes()),
      m_step(m_policy.targetMs > 0 || m_sizes.empty() ? 0 : m_sizes.size() - 1) {}

int Batcher::limit() const { return m_sizes.empty() ? 0 : m_sizes[m_step.load(std::memory_order_relaxed)]; }

int Batcher::aim(int available) const {
  const int most = limit();
  int best = 0;
  for (int size : m_policy.preferred)
    if (size <= std::min(available, most)) best = std::max(best, size);
  return best > 0 ? best : most;
}

bool Batcher::isEnough(int items) const {
  return items >= limit() ||
         std::find(m_policy.preferred.begin(), m_policy.preferred.end(), items) != m_policy.preferred.end();
}

void Batcher::executed(int items, double ns) {
  if (m_policy.targetMs <= 0 || m_sizes.empty()) return;
  const std::size_t step = m_step.load(std::memory_order_relaxed);
  if (ns * 1e-6 > m_policy.targetMs) {
    std::size_t lower = step;
    while (lower > 0 && m_sizes[lower] * 2 > items) --lower;
    m_step.store(std::min(lower, step), std::memory_order_relaxed);
    m_inTime.store(0, std::memory_order_relaxed);
    return;
  }
  if (items < m_sizes[step] || m_inTime.fetch_add(1, std::memory_order_relaxed) + 1 < kRaiseAfter) return;
  m_inTime.store(0, std::memory_order_relaxed);
  if (step + 1 < m_sizes.size()) m_step.store(step + 1, std::memory_order_relaxed);
}

} // namespace tandem
