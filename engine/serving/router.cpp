// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/router.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace tandem {
namespace {

Error unknownRoute(std::string_view text) {
  return makeError(ErrorCode::Usage, "unknown routing '" + std::string(text) + "'", "--route",
                   "one of round-robin, least-loaded, size:N, predicted-finish, split, pinned:NAME");
}

/// Joins the parts of a split request into one completion.
struct SplitState {
  std::mutex mutex;
  int left = 0;
  Completion whole;
  std::function<void(const Completion&)> done;
};

} // namespace

Result<Route> Route::parse(std::string_view text) {
  Route route;
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  const std::string_view rest = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (name == "size") {
    route.kind = Kind::Size;
    auto [end, status] = std::from_chars(rest.data(), rest.data() + rest.size(), route.size);
    if (status != std::errc() || end != rest.data() + rest.size() || route.size < 1) return unknownRoute(text);
    return route;
  }
  if (name == "pinned" && !rest.empty()) {
    route.kind = Kind::Pinned;
    route.name = std::string(rest);
    return route;
  }
  if (colon != std::string_view::npos) return unknownRoute(text);
  if (name == "round-robin")
    route.kind = Kind::RoundRobin;
  else if (name == "least-loaded")
    route.kind = Kind::LeastLoaded;
  else if (name == "predicted-finish")
    route.kind = Kind::PredictedFinish;
  else if (name == "split")
    route.kind = Kind::Split;
  else
    return unknownRoute(text);
  return route;
}

std::string Route::toString() const {
  switch (kind) {
  case Kind::RoundRobin: return "round-robin";
  case Kind::LeastLoaded: return "least-loaded";
  case Kind::Size: return "size:" + std::to_string(size);
  case Kind::PredictedFinish: return "predicted-finish";
  case Kind::Split: return "split";
  case Kind::Pinned: return "pinned:" + name;
  }
  return {};
}

Result<std::unique_ptr<Router>> Router::create(Route route, std::vector<Replica*> replicas) {
  if (replicas.empty())
    return makeError(ErrorCode::Usage, "a deployment needs at least one replica", "--replica",
                     "for example --replica CPU:0");
  std::unique_ptr<Router> router(new Router(std::move(route), std::move(replicas)));
  if (router->m_route.kind == Route::Kind::Size && router->m_replicas.size() < 2)
    return makeError(ErrorCode::Usage, "size:N needs two replicas", "--route", "add a second --replica");
  if (router->m_route.kind == Route::Kind::Pinned) {
    auto found = std::find_if(router->m_replicas.begin(), router->m_replicas.end(),
                              [&](Replica* replica) { return replica->name() == router->m_route.name; });
    if (found == router->m_replicas.end())
      return makeError(ErrorCode::Usage, "no replica is called '" + router->m_route.name + "'", "--route",
                       "name replicas with --replica CPU:0,name=small");
    router->m_pinned = static_cast<std::size_t>(found - router->m_replicas.begin());
  }
  return router;
}

void Router::submit(Request request) {
  if (m_route.kind == Route::Kind::Split && request.items > 1 && m_replicas.size() > 1)
    return submitSplit(std::move(request));
  const std::size_t chosen = choose(request);
  m_replicas[chosen]->submit(std::move(request));
}

/// Lost replicas answer at once, with failures: what may choose does not choose them.
std::size_t Router::choose(const Request& request) {
  switch (m_route.kind) {
  case Route::Kind::RoundRobin: {
    std::size_t turn = 0;
    for (std::size_t tries = 0; tries < m_replicas.size(); ++tries) {
      turn = m_turn.fetch_add(1, std::memory_order_relaxed) % m_replicas.size();
      if (!m_replicas[turn]->isLost()) break;
    }
    return turn;
  }
  case Route::Kind::Pinned: return m_pinned;
  case Route::Kind::Size: return request.items <= m_route.size ? 0 : 1;
  case Route::Kind::LeastLoaded: {
    auto load = [](Replica* replica) { return replica->queuedItems() + replica->inFlightItems(); };
    auto least = std::min_element(m_replicas.begin(), m_replicas.end(), [&](Replica* a, Replica* b) {
      return std::pair(a->isLost(), load(a)) < std::pair(b->isLost(), load(b));
    });
    return static_cast<std::size_t>(least - m_replicas.begin());
  }
  case Route::Kind::PredictedFinish:
  case Route::Kind::Split: return earliestFinish(request.items);
  }
  return 0;
}

std::size_t Router::earliestFinish(int items) const {
  std::size_t best = 0;
  double bestNs = INFINITY;
  for (std::size_t i = 0; i < m_replicas.size(); ++i) {
    const Replica& replica = *m_replicas[i];
    if (replica.isLost()) continue;
    const double own = replica.serviceNs(items);
    // Waiting work, at this replica's speed for one item, spread over its streams; what runs is half done on average.
    const double waiting = replica.serviceNs(1) * replica.queuedItems();
    const double running = 0.5 * own * std::max(0, replica.inFlight() - replica.options().streams + 1);
    const double finish = own + (waiting + running) / replica.options().streams;
    if (finish < bestNs) {
      bestNs = finish;
      best = i;
    }
  }
  return best;
}

std::vector<int> Router::shares(int items) const {
  // Largest remainders of items * speed / total speed, speed = items per second at the full size.
  std::vector<double> speed(m_replicas.size(), 0.0);
  int measured = 0;
  std::vector<bool> lost; // once: a replica may be lost meanwhile
  for (const Replica* replica : m_replicas) lost.push_back(replica->isLost());
  const bool allLost = std::find(lost.begin(), lost.end(), false) == lost.end();
  const auto takesNothing = [&](std::size_t i) { return lost[i] && !allLost; };
  for (std::size_t i = 0; i < speed.size(); ++i) {
    if (takesNothing(i)) continue;
    const double ns = m_replicas[i]->serviceNs(items);
    if (ns <= 0) continue;
    speed[i] = 1e9 / ns;
    ++measured;
  }
  const double mean = measured ? std::accumulate(speed.begin(), speed.end(), 0.0) / measured : 1.0;
  for (std::size_t i = 0; i < speed.size(); ++i)
    if (speed[i] <= 0 && !takesNothing(i)) speed[i] = mean; // not measured yet: neither favoured nor starved
  const double total = std::accumulate(speed.begin(), speed.end(), 0.0);
  std::vector<int> counts(speed.size(), 0);
  std::vector<std::pair<double, std::size_t>> remainders;
  int given = 0;
  for (std::size_t i = 0; i < speed.size(); ++i) {
    const double exact = items * speed[i] / total;
    counts[i] = static_cast<int>(exact);
    given += counts[i];
    if (!takesNothing(i)) remainders.emplace_back(exact - counts[i], i);
  }
  std::sort(remainders.begin(), remainders.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  for (std::size_t k = 0; given < items; ++k, ++given) ++counts[remainders[k % remainders.size()].second];
  return counts;
}

void Router::submitSplit(Request request) {
  const std::vector<int> counts = shares(request.items);
  auto state = std::make_shared<SplitState>();
  state->left = static_cast<int>(std::count_if(counts.begin(), counts.end(), [](int count) { return count > 0; }));
  state->done = std::move(request.done);
  state->whole = {request.id, request.items, request.scheduledNs, INT64_MAX, 0, -1, -1, false};
  int first = request.firstItem;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    Request part = request;
    part.firstItem = first;
    part.items = counts[i];
    first += counts[i];
    part.done = [state](const Completion& completion) {
      bool last = false;
      {
        std::lock_guard lock(state->mutex);
        Completion& whole = state->whole;
        whole.startNs = std::min(whole.startNs, completion.startNs);
        whole.endNs = std::max(whole.endNs, completion.endNs);
        whole.failed = whole.failed || completion.failed;
        whole.transferNs = std::max(whole.transferNs, completion.transferNs);
        whole.computeNs = std::max(whole.computeNs, completion.computeNs);
        last = --state->left == 0;
      }
      if (last && state->done) state->done(state->whole);
    };
    m_replicas[i]->submit(std::move(part));
  }
}

} // namespace tandem
