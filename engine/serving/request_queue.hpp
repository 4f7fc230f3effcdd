// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/request_table.hpp"

#include <array>
#include <condition_variable>
#include <functional>
#include <mutex>

namespace tandem {

/// The requests that wait for one replica: first come, first served within a class. Thread-safe; no lock is taken while
/// its readers are busy, only to sleep and to wake one that sleeps.
///
/// Guarantee against starvation: while bulk requests wait, at most kLatencyPerBulk batches of latency-sensitive ones
/// are begun between two bulk batches. So a bulk request with n bulk batches before it waits for at most
/// (kLatencyPerBulk + 1) * (n + 1) executions of its replica.
class RequestQueue {
 public:
  static constexpr int kLatencyPerBulk = 8;

  RequestQueue(RequestTable& table, std::size_t capacity);

  /// Queues a request of the table that waits. False when the queue is full or closed.
  bool push(Ticket ticket);

  /// The first request of the class whose turn it is; 0 when nothing waits. Its state is "taken".
  Ticket pop();
  /// The first one of this class; 0 when none waits.
  Ticket popOf(Priority priority);
  /// Sleeps until something is there, the queue is closed, or `untilNs` (nowNs(); INT64_MAX: no limit) has come.
  void wait(std::int64_t untilNs);
  /// Sleeps as wait() does, but for something of this class.
  void waitFor(Priority priority, std::int64_t untilNs);

  /// Wakes a reader, if one sleeps: for one that was woken and does not read.
  void wake();
  /// Nothing more comes in, from when this returns on; what is queued stays. Wakes all readers.
  void close();
  bool isClosed() const { return m_closed.load(std::memory_order_acquire); }
  bool empty() const { return m_rings[0].empty() && m_rings[1].empty(); }

  int requests() const { return m_requests.load(std::memory_order_relaxed); }
  int items() const { return m_items[0].load(std::memory_order_relaxed) + m_items[1].load(std::memory_order_relaxed); }
  int items(Priority priority) const {
    return m_items[static_cast<std::size_t>(priority)].load(std::memory_order_relaxed);
  }
  /// Sum of Request::predictedNs of what waits in front of a new request of this class.
  std::int64_t predictedNs(Priority priority) const;

 private:
  void sleep(std::int64_t untilNs, const std::function<bool()>& ready);
  bool bulkIsDue() const;

  RequestTable& m_table;
  std::array<Ring, 2> m_rings; ///< by class
  std::array<std::atomic<int>, 2> m_items{};
  std::array<std::atomic<std::int64_t>, 2> m_predictedNs{};
  std::atomic<int> m_requests{0};
  std::atomic<int> m_latencyInRow{0}; ///< batches begun since the last bulk one, while bulk waited
  std::atomic<int> m_pushing{0}, m_sleepers{0};
  std::atomic<bool> m_closed{false};
  std::mutex m_mutex; // sleeping only
  std::condition_variable m_wake;
};

} // namespace tandem
