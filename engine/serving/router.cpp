// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/router.hpp"

#include "engine/base/clock.hpp"
#include "engine/serving/split.hpp"

#include <algorithm>
#include <cmath>

namespace tandem {

/// Joins the parts of a split request into one completion. Deletes itself with the last part.
class Router::Join final : public CompletionSink {
 public:
  Join(RequestTable& table, Ticket whole, int parts, Completion completion)
      : m_table(table),
        m_whole(whole),
        m_left(parts),
        m_completion(completion) {}

  void completed(const Request&, const Completion& part) override {
    {
      std::lock_guard lock(m_mutex);
      m_completion.startNs = std::min(m_completion.startNs, part.startNs);
      m_completion.endNs = std::max(m_completion.endNs, part.endNs);
      m_completion.transferNs = std::max(m_completion.transferNs, part.transferNs);
      m_completion.computeNs = std::max(m_completion.computeNs, part.computeNs);
      if (m_completion.done()) m_completion.status = part.status;
      if (--m_left > 0) return;
    }
    m_table.finish(m_whole, [&](const Request& request) {
      if (request.sink) request.sink->completed(request, m_completion);
    });
    delete this;
  }

 private:
  RequestTable& m_table;
  const Ticket m_whole;
  std::mutex m_mutex;
  int m_left;
  Completion m_completion;
};

Result<void> Router::setPlan(RoutingPlan plan) {
  if (plan.replicas.empty())
    return makeError(ErrorCode::Usage, "a deployment needs at least one replica", "--replica",
                     "for example --replica CPU:0");
  if (plan.route.kind == Route::Kind::Size && plan.replicas.size() < 2)
    return makeError(ErrorCode::Usage, plan.route.toString() + " needs two replicas", "--route",
                     "add a second --replica");
  if (plan.route.kind == Route::Kind::Pinned &&
      std::none_of(plan.replicas.begin(), plan.replicas.end(),
                   [&](const Replica* replica) { return replica->name() == plan.route.name; }))
    return makeError(ErrorCode::Usage, "no replica is called '" + plan.route.name + "'", "--route",
                     "name replicas with --replica CPU:0,name=small");
  std::lock_guard lock(m_mutex);
  m_plans.push_back(std::move(plan));
  m_plan.store(&m_plans.back(), std::memory_order_release);
  return {};
}

Route Router::route() const {
  const RoutingPlan* plan = m_plan.load(std::memory_order_acquire);
  return plan ? plan->route : Route();
}

void Router::reject(const Request& request) const {
  const std::int64_t now = nowNs();
  const Completion completion{request.id, request.items,    request.scheduledNs, request.readyNs, now, now, -1,
                              -1,         Status::Rejected, request.priority};
  if (request.sink) request.sink->completed(request, completion);
}

Ticket Router::submit(Request request) {
  const RoutingPlan& plan = *m_plan.load(std::memory_order_acquire);
  if (plan.route.kind == Route::Kind::Split && request.items > 1 && plan.replicas.size() > 1)
    return submitSplit(plan, std::move(request));
  const std::int64_t now = nowNs();
  Replica* chosen = choose(plan, request.items, request.priority, now, nullptr);
  if (chosen && plan.route.kind == Route::Kind::Slo && request.priority == Priority::Latency) {
    const double latencyNs =
        static_cast<double>(now - request.scheduledNs) + chosen->finishNs(request.items, request.priority, now);
    if (latencyNs > plan.route.sloMs * 1e6) chosen = nullptr;
  }
  const Ticket ticket = chosen ? m_table.add(request) : 0;
  if (ticket == 0) {
    reject(request);
    return 0;
  }
  if (chosen->submit(ticket) || dispatch(ticket, chosen)) return ticket;
  m_table.withdraw(ticket, [&](const Request& refused) { reject(refused); });
  static_cast<void>(m_table.take(ticket)); // no queue names it: its place is free again
  return 0;
}

bool Router::cancel(Ticket ticket) {
  return m_table.withdraw(ticket, [&](const Request& request) {
    const std::int64_t now = nowNs();
    const Completion completion{request.id, request.items,     request.scheduledNs, request.readyNs, now, now, -1,
                                -1,         Status::Cancelled, request.priority};
    if (request.sink) request.sink->completed(request, completion);
  });
}

bool Router::dispatch(Ticket ticket, const Replica* except) {
  const RoutingPlan& plan = *m_plan.load(std::memory_order_acquire);
  // Whoever asks for one replica by name, or for one by size, does not want another.
  if (plan.route.kind == Route::Kind::Pinned) return false;
  const Request& request = m_table.at(ticket);
  const int items = request.items;
  const Priority priority = request.priority;
  Replica* other = earliestFinish(plan, items, priority, nowNs(), except);
  return other && other->submit(ticket);
}

/// The replica that takes a request; nullptr where none serves. Those that are lost or hung are not chosen while others
/// serve; where a request can only go to one, it goes there and fails with the reason.
Replica* Router::choose(const RoutingPlan& plan, int items, Priority priority, std::int64_t now,
                        const Replica* except) {
  const auto& replicas = plan.replicas;
  switch (plan.route.kind) {
  case Route::Kind::RoundRobin: {
    Replica* next = nullptr;
    for (std::size_t tries = 0; tries < replicas.size(); ++tries) {
      next = replicas[m_turn.fetch_add(1, std::memory_order_relaxed) % replicas.size()];
      if (next->isServing()) break;
    }
    return next;
  }
  case Route::Kind::Pinned:
    for (Replica* replica : replicas)
      if (replica->name() == plan.route.name) return replica;
    return nullptr;
  case Route::Kind::Size: {
    Replica* wanted = replicas[items <= plan.route.size ? 0 : 1];
    Replica* other = replicas[items <= plan.route.size ? 1 : 0];
    return wanted->isServing() || !other->isServing() ? wanted : other;
  }
  case Route::Kind::LeastLoaded: {
    const auto load = [](const Replica* replica) { return replica->queuedItems() + replica->inFlightItems(); };
    return *std::min_element(replicas.begin(), replicas.end(), [&](const Replica* a, const Replica* b) {
      return std::pair(!a->isServing(), load(a)) < std::pair(!b->isServing(), load(b));
    });
  }
  case Route::Kind::PredictedFinish:
  case Route::Kind::Split:
  case Route::Kind::Slo: {
    Replica* best = earliestFinish(plan, items, priority, now, except);
    return best ? best : replicas.front();
  }
  }
  return nullptr;
}

Replica* Router::earliestFinish(const RoutingPlan& plan, int items, Priority priority, std::int64_t now,
                                const Replica* except) const {
  Replica* best = nullptr;
  double bestNs = INFINITY;
  for (Replica* replica : plan.replicas) {
    if (replica == except || !replica->isServing()) continue;
    const bool isIdle = replica->inFlight() == 0 && replica->queued() == 0;
    if (isIdle && replica->idleNs(now) > kAskAgainNs && replica->serviceTimes().slowdown() > kDegraded) return replica;
    const double finish = replica->finishNs(items, priority, now);
    if (finish < bestNs) {
      bestNs = finish;
      best = replica;
    }
  }
  return best;
}

std::vector<int> Router::shares(int items) const { return sharesOf(*m_plan.load(std::memory_order_acquire), items); }

std::vector<int> Router::sharesOf(const RoutingPlan& plan, int items) {
  const auto& replicas = plan.replicas;
  std::vector<bool> serves; // once: a replica may be lost meanwhile
  for (const Replica* replica : replicas) serves.push_back(replica->isServing());
  const bool nobody = std::find(serves.begin(), serves.end(), true) == serves.end();
  if (const auto planned = plan.shares.find(items);
      planned != plan.shares.end() && std::find(serves.begin(), serves.end(), false) == serves.end())
    return planned->second;
  // In proportion to the speeds at the full size. One that was not measured yet is neither favoured nor starved.
  double sum = 0;
  int measured = 0;
  for (std::size_t i = 0; i < replicas.size(); ++i) {
    const double ns = replicas[i]->serviceNs(items);
    if ((!serves[i] && !nobody) || ns <= 0) continue;
    sum += 1 / ns;
    ++measured;
  }
  const double usual = measured ? measured / sum : 1;
  std::vector<LinearCost> costs;
  std::vector<std::size_t> who;
  for (std::size_t i = 0; i < replicas.size(); ++i) {
    if (!serves[i] && !nobody) continue;
    const double ns = replicas[i]->serviceNs(items);
    costs.push_back({0, (ns > 0 ? ns : usual) / items});
    who.push_back(i);
  }
  const std::vector<int> parts = splitShares(items, costs);
  std::vector<int> counts(replicas.size(), 0);
  for (std::size_t k = 0; k < who.size(); ++k) counts[who[k]] = parts[k];
  return counts;
}

Ticket Router::submitSplit(const RoutingPlan& plan, Request request) {
  const std::vector<int> counts = sharesOf(plan, request.items);
  const Ticket whole = m_table.add(request);
  if (whole == 0) {
    reject(request);
    return 0;
  }
  const Request& kept = *m_table.take(whole); // nobody else knows the ticket yet
  Request part = kept;
  const auto parts = static_cast<int>(std::count_if(counts.begin(), counts.end(), [](int count) { return count > 0; }));
  auto* join = new Join(
      m_table, whole, parts,
      {kept.id, kept.items, kept.scheduledNs, kept.readyNs, INT64_MAX, 0, -1, -1, Status::Done, kept.priority});
  part.sink = join;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    part.items = counts[i];
    Request own = part;
    const Ticket ticket = m_table.add(own);
    if (ticket == 0 || (!plan.replicas[i]->submit(ticket) && !dispatch(ticket, plan.replicas[i]))) {
      if (ticket) static_cast<void>(m_table.take(ticket));
      if (ticket)
        m_table.finish(ticket, [&](const Request& refused) { reject(refused); });
      else
        reject(own);
    }
    part.firstItem += counts[i];
  }
  return whole;
}

} // namespace tandem
