// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/service_times.hpp"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr int kRemembered = 10;

} // namespace

ServiceTimes::Entry* ServiceTimes::find(int items) {
  const std::size_t count = m_count.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < count; ++i)
    if (m_entries[i].items.load(std::memory_order_relaxed) == items) return &m_entries[i];
  return nullptr;
}

void ServiceTimes::learn(int items, double ns) {
  Entry* entry = find(items);
  if (!entry) {
    std::lock_guard lock(m_mutex);
    entry = find(items);
    const std::size_t count = m_count.load(std::memory_order_relaxed);
    if (!entry && count == kMaxSizes) return; // estimated from its neighbours
    if (!entry) {
      entry = &m_entries[count];
      entry->items.store(items, std::memory_order_relaxed);
      entry->count.store(1, std::memory_order_relaxed);
      entry->ns.store(ns, std::memory_order_relaxed);
      entry->bestNs.store(ns, std::memory_order_relaxed);
      m_count.store(count + 1, std::memory_order_release);
      return;
    }
  }
  // Two streams may learn at once; one of the two is lost then, which a running mean can bear.
  const double before = entry->ns.load(std::memory_order_relaxed);
  const int count = std::min(kRemembered, entry->count.load(std::memory_order_relaxed) + 1);
  entry->count.store(count, std::memory_order_relaxed);
  const double now = before + (ns - before) / count;
  entry->ns.store(now, std::memory_order_relaxed);
  if (now < entry->bestNs.load(std::memory_order_relaxed)) entry->bestNs.store(now, std::memory_order_relaxed);
}

double ServiceTimes::ns(int items) const {
  int below = 0, above = 0;
  double belowNs = 0, aboveNs = 0;
  const std::size_t count = m_count.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < count; ++i) {
    const int size = m_entries[i].items.load(std::memory_order_relaxed);
    const double ns = m_entries[i].ns.load(std::memory_order_relaxed);
    if (size == items) return ns;
    if (size < items && size > below) {
      below = size;
      belowNs = ns;
    }
    if (size > items && (above == 0 || size < above)) {
      above = size;
      aboveNs = ns;
    }
  }
  if (below == 0) return aboveNs; // a smaller one is padded, or nothing was measured
  if (above == 0) return belowNs * items / below;
  const double share = static_cast<double>(items - below) / (above - below);
  return belowNs + share * (aboveNs - belowNs);
}

ServicePoints ServiceTimes::points() const {
  ServicePoints points;
  const std::size_t count = m_count.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < count; ++i)
    points.emplace_back(m_entries[i].items.load(std::memory_order_relaxed),
                        m_entries[i].ns.load(std::memory_order_relaxed));
  std::sort(points.begin(), points.end());
  return points;
}

double ServiceTimes::slowdown() const {
  double worst = 1;
  const std::size_t count = m_count.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < count; ++i) {
    const double best = m_entries[i].bestNs.load(std::memory_order_relaxed);
    if (best > 0) worst = std::max(worst, m_entries[i].ns.load(std::memory_order_relaxed) / best);
  }
  return worst;
}

} // namespace tandem
