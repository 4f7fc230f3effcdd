// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/request_queue.hpp"

#include "engine/base/clock.hpp"

#include <chrono>
#include <thread>

namespace tandem {
namespace {

constexpr std::size_t indexOf(Priority priority) { return static_cast<std::size_t>(priority); }

} // namespace

RequestQueue::RequestQueue(RequestTable& table, std::size_t capacity)
    : m_table(table),
      m_rings{Ring(capacity), Ring(capacity)} {}

bool RequestQueue::push(Ticket ticket) {
  // Whoever closes waits for those who were past the check, so that nothing comes in behind its back.
  m_pushing.fetch_add(1, std::memory_order_seq_cst);
  bool queued = false;
  if (!m_closed.load(std::memory_order_seq_cst)) {
    const Request& request = m_table.at(ticket);
    const std::size_t at = indexOf(request.priority);
    const int items = request.items;
    const std::int64_t predicted = request.predictedNs;
    // Counted first: a reader that is quicker than this thread subtracts what is there.
    m_items[at].fetch_add(items, std::memory_order_relaxed);
    m_predictedNs[at].fetch_add(predicted, std::memory_order_relaxed);
    m_requests.fetch_add(1, std::memory_order_relaxed);
    queued = m_rings[at].push(ticket);
    if (!queued) {
      m_items[at].fetch_sub(items, std::memory_order_relaxed);
      m_predictedNs[at].fetch_sub(predicted, std::memory_order_relaxed);
      m_requests.fetch_sub(1, std::memory_order_relaxed);
    }
  }
  m_pushing.fetch_sub(1, std::memory_order_seq_cst);
  if (queued) wake();
  return queued;
}

void RequestQueue::wake() {
  // Both sides change the same number: whoever comes second sees what the first did before. So either the sleeper is
  // seen here, or it sees the request.
  if (m_sleepers.fetch_add(0, std::memory_order_acq_rel) == 0) return;
  { std::lock_guard lock(m_mutex); }
  m_wake.notify_one();
}

bool RequestQueue::bulkIsDue() const {
  return m_latencyInRow.load(std::memory_order_relaxed) >= kLatencyPerBulk ||
         m_rings[indexOf(Priority::Latency)].empty();
}

Ticket RequestQueue::pop() {
  if (!m_rings[indexOf(Priority::Bulk)].empty() && bulkIsDue()) {
    m_latencyInRow.store(0, std::memory_order_relaxed);
    if (const Ticket bulk = popOf(Priority::Bulk)) return bulk;
  }
  if (const Ticket latency = popOf(Priority::Latency)) {
    if (m_rings[indexOf(Priority::Bulk)].empty())
      m_latencyInRow.store(0, std::memory_order_relaxed);
    else
      m_latencyInRow.fetch_add(1, std::memory_order_relaxed);
    return latency;
  }
  return popOf(Priority::Bulk);
}

Ticket RequestQueue::popOf(Priority priority) {
  const std::size_t at = indexOf(priority);
  for (;;) {
    const auto ticket = m_rings[at].pop();
    if (!ticket) return 0;
    // Read before taking: a request that was cancelled leaves its place to another one then.
    const int items = m_table.at(*ticket).items;
    const std::int64_t predicted = m_table.at(*ticket).predictedNs;
    m_items[at].fetch_sub(items, std::memory_order_relaxed);
    m_predictedNs[at].fetch_sub(predicted, std::memory_order_relaxed);
    m_requests.fetch_sub(1, std::memory_order_relaxed);
    if (m_table.take(*ticket)) return *ticket;
  }
}

void RequestQueue::sleep(std::int64_t untilNs, const std::function<bool()>& ready) {
  std::unique_lock lock(m_mutex);
  m_sleepers.fetch_add(1, std::memory_order_acq_rel);
  for (;;) {
    if (ready() || isClosed()) break;
    if (untilNs == INT64_MAX) {
      m_wake.wait(lock);
      continue;
    }
    const std::int64_t left = untilNs - nowNs();
    if (left <= 0) break;
    m_wake.wait_for(lock, std::chrono::nanoseconds(left));
  }
  m_sleepers.fetch_sub(1, std::memory_order_relaxed);
}

void RequestQueue::wait(std::int64_t untilNs) {
  sleep(untilNs, [&] { return !empty(); });
}

void RequestQueue::waitFor(Priority priority, std::int64_t untilNs) {
  sleep(untilNs, [&] { return !m_rings[indexOf(priority)].empty(); });
}

void RequestQueue::close() {
  m_closed.store(true, std::memory_order_seq_cst);
  while (m_pushing.load(std::memory_order_seq_cst) > 0) std::this_thread::yield();
  { std::lock_guard lock(m_mutex); }
  m_wake.notify_all();
}

std::int64_t RequestQueue::predictedNs(Priority priority) const {
  const std::int64_t first = m_predictedNs[indexOf(Priority::Latency)].load(std::memory_order_relaxed);
  if (priority == Priority::Latency) return first;
  return first + m_predictedNs[indexOf(Priority::Bulk)].load(std::memory_order_relaxed);
}

} // namespace tandem
