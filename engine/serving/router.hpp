// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/replica.hpp"
#include "engine/serving/route.hpp"

#include <map>

namespace tandem {

/// Who serves, and by which rule.
struct RoutingPlan {
  Route route;
  std::vector<Replica*> replicas;
  /// Split: how requests of a size are divided, one count per replica. Sizes that are not here are divided by the
  /// service times of the moment.
  std::map<int, std::vector<int>> shares = {};
};

/// Sends requests to replicas. Thread-safe; submit() takes no lock. The table and all replicas it ever had outlive it.
class Router {
 public:
  /// A replica whose executions take this many times as long as at their best is asked again now and then, although
  /// others would finish sooner, so that it is noticed when it recovers.
  static constexpr double kDegraded = 3;
  static constexpr std::int64_t kAskAgainNs = 1'000'000'000;

  explicit Router(RequestTable& table) : m_table(table) {}

  /// Fails with Usage where the route needs a replica that is not there; the last plan stays then.
  Result<void> setPlan(RoutingPlan plan);
  Route route() const;
  std::size_t capacity() const { return m_table.capacity(); } ///< requests that have not ended, at most

  /// Every request that is submitted ends once, by its sink. The ticket cancels it; 0 where it has ended already
  /// (refused), and its sink has been told.
  Ticket submit(Request request);
  /// Ends a request now, as cancelled; what a device is computing for it is thrown away. False where it had ended.
  bool cancel(Ticket ticket);
  /// Queues a waiting request of the table at a replica, `except` left out. False where none takes it.
  bool dispatch(Ticket ticket, const Replica* except);
  /// How `items` items would be divided now (Split): one count per replica of the plan, summing to `items`.
  std::vector<int> shares(int items) const;

 private:
  class Join;
  Replica* choose(const RoutingPlan& plan, int items, Priority priority, std::int64_t now, const Replica* except);
  Replica* earliestFinish(const RoutingPlan& plan, int items, Priority priority, std::int64_t now,
                          const Replica* except) const;
  Ticket submitSplit(const RoutingPlan& plan, Request request);
  static std::vector<int> sharesOf(const RoutingPlan& plan, int items);
  void reject(const Request& request) const;

  RequestTable& m_table;
  std::atomic<const RoutingPlan*> m_plan{nullptr};
  std::atomic<std::uint64_t> m_turn{0};
  mutable std::mutex m_mutex;      // plans
  std::deque<RoutingPlan> m_plans; ///< all there ever were: somebody may still read an old one
};

} // namespace tandem
