// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/replica.hpp"

namespace tandem {

/// Which replica takes a request (DESIGN.md section 7).
struct Route {
  enum class Kind {
    RoundRobin,
    LeastLoaded,     ///< fewest items queued and running
    Size,            ///< at most `size` items: the first replica; more: the second
    PredictedFinish, ///< the replica that would finish it first, by live service time estimates
    Split,           ///< one request divided over all replicas in proportion to their speed
    Pinned,          ///< always replica `name`
  } kind = Kind::PredictedFinish;
  int size = 1;
  std::string name;

  static Result<Route> parse(std::string_view text);
  std::string toString() const;
};

/// Sends requests to replicas. Thread-safe. The replicas must outlive it.
class Router {
 public:
  /// Fails with Usage where the route needs a replica that is not there.
  static Result<std::unique_ptr<Router>> create(Route route, std::vector<Replica*> replicas);

  void submit(Request request);
  /// How `items` items would be divided now (Split): one count per replica, summing to `items`.
  std::vector<int> shares(int items) const;

 private:
  Router(Route route, std::vector<Replica*> replicas) : m_route(std::move(route)), m_replicas(std::move(replicas)) {}
  std::size_t choose(const Request& request);
  std::size_t earliestFinish(int items) const;
  void submitSplit(Request request);

  Route m_route;
  std::vector<Replica*> m_replicas;
  std::atomic<std::uint64_t> m_turn{0};
  std::size_t m_pinned = 0;
};

} // namespace tandem
