// SPDX-License-Identifier: GPL-3.0-or-later
// The routes that depend on measurements: size:auto and split. Part of Deployment.
#include "engine/serving/deployment.hpp"
#include "engine/serving/split.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace tandem {
namespace {

/// A new division must be predicted to be this much faster: compiling for other sizes costs, and times are noisy.
constexpr double kWorthMoving = 0.97;

/// Seconds in a row in which the same new division must look better.
constexpr int kInARow = 2;

std::string text(const std::vector<int>& shares) {
  std::string out;
  for (int share : shares) out += (out.empty() ? "" : " + ") + std::to_string(share);
  return out;
}

std::string milliseconds(double ns) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f ms", ns * 1e-6);
  return text;
}

/// Powers of two up to `most`, and `most`.
std::vector<int> grid(int most) {
  std::vector<int> sizes;
  for (int size = 1; size < most; size *= 2) sizes.push_back(size);
  sizes.push_back(most);
  return sizes;
}

} // namespace

/// Called at set-up, before the replicas serve.
Result<void> Deployment::measureRoute(const ReplicaSetup& setup) {
  const std::vector<Replica*> replicas = present();
  const RequestData* largest = nullptr;
  for (const RequestData* data : setup.warmups)
    if (!largest || data->items > largest->items) largest = data;
  if (!largest || replicas.size() < 2) return {};
  if (m_route.kind == Route::Kind::Split) {
    for (const RequestData* data : setup.warmups)
      if (data->items > 1) TANDEM_TRY(measureSplit(replicas, *data, setup));
  } else if (m_route.kind == Route::Kind::Size && (m_route.size == 0 || m_threshold)) {
    for (Replica* replica : replicas)
      for (int size : grid(largest->items)) {
        TANDEM_TRY(setup.cancel.check());
        TANDEM_TRY(replica->warmUp(*largest, size));
      }
    if (m_route.size > 0) return {}; // begins as asked for
    m_size = crossover(replicas);
    const auto times = [&](int items) {
      return replicas[0]->name() + " " + milliseconds(replicas[0]->serviceNs(items)) + ", " + replicas[1]->name() +
             " " + milliseconds(replicas[1]->serviceNs(items)) + " for " + std::to_string(items);
    };
    std::string found = "size:auto: up to " + std::to_string(m_size) + " items go to " + replicas[0]->name();
    if (m_size == 0) found = "size:auto: all requests go to " + replicas[1]->name();
    if (m_size >= largest->items) found = "size:auto: all requests go to " + replicas[0]->name();
    note(found + " (" + times(1) + "; " + times(largest->items) + ")");
  }
  return {};
}

/// The largest number of items for which the first replica is not slower than the second.
int Deployment::crossover(const std::vector<Replica*>& replicas) const {
  int most = 1;
  for (int size : m_sizes) most = std::max(most, size);
  for (int items = most; items > 0; --items)
    if (replicas[0]->serviceNs(items) <= replicas[1]->serviceNs(items)) return items;
  return 0;
}

/// What a request takes where it goes with this threshold. A replica that gets no requests of this size now is as much
/// slower than it was with them as it is with others.
double Deployment::sizeNs(const std::vector<Replica*>& replicas, int items, int threshold) const {
  const std::size_t goes = items <= threshold ? 0 : 1, went = items <= m_size ? 0 : 1;
  return replicas[goes]->serviceNs(items) * (goes == went ? 1 : replicas[goes]->serviceTimes().slowdown());
}

/// Called every second while the threshold may follow: true where it has changed.
bool Deployment::followThreshold(const std::vector<Replica*>& replicas) {
  const int most = m_sizes.empty() ? 0 : *std::max_element(m_sizes.begin(), m_sizes.end());
  const auto sum = [&](int threshold) {
    double ns = 0;
    for (int items : m_sizes) ns += sizeNs(replicas, items, threshold);
    return ns;
  };
  int next = m_size;
  for (int size = 0; size <= most; ++size) {
    const bool isOne = size == 0 || std::find(m_sizes.begin(), m_sizes.end(), size) != m_sizes.end();
    if (isOne && sum(size) < sum(next)) next = size;
  }
  const double now = sum(m_size);
  const std::string name = m_route.size == 0 ? "size:auto" : "size:" + std::to_string(m_route.size);
  const auto change = [&](int size, const std::string& why) {
    note(name + ": up to " + std::to_string(size) + " items go to " + replicas[0]->name() + " now, " +
         std::to_string(m_size) + " before: " + why);
    m_sizeBefore = std::exchange(m_size, size);
  };
  switch (m_threshold->tick(now, sum(next))) {
  case Hysteresis::Step::Wait: return false;
  case Hysteresis::Step::Kept:
    note(name + " keeps " + std::to_string(m_size) + ": measured " + milliseconds(now) + ", " +
         milliseconds(m_threshold->before()) + " before");
    return false;
  case Hysteresis::Step::TooLittle:
    if (!std::exchange(m_saidTooLittle, true))
      note(name + " stays " + std::to_string(m_size) + ": " + std::to_string(next) + " is predicted to take " +
           milliseconds(sum(next)) + " instead of " + milliseconds(now) + ", within the margin of " +
           m_threshold->marginText());
    return false;
  case Hysteresis::Step::Change:
    change(next, "predicted " + milliseconds(sum(next)) + " instead of " + milliseconds(now) +
                     " for one of each size, margin " + m_threshold->marginText());
    m_threshold->changed();
    return true;
  case Hysteresis::Step::Back:
    change(m_sizeBefore, "measured " + milliseconds(now) + ", " + milliseconds(m_threshold->before()) +
                             " before the change; looks again after " + std::to_string(m_threshold->needed()) + " s");
    return true;
  }
  return false;
}

/// Finds the shares of a request by measuring: a line through a few sizes gives the first guess, the times at the guess
/// the next one.
Result<void> Deployment::measureSplit(const std::vector<Replica*>& replicas, const RequestData& data,
                                      const ReplicaSetup& setup) {
  constexpr int kRounds = 3, kRepeats = 3;
  const auto measure = [&](Replica& replica, int items) -> Result<void> {
    for (int repeat = 0; repeat < kRepeats; ++repeat) {
      TANDEM_TRY(setup.cancel.check());
      TANDEM_TRY(replica.warmUp(data, items));
    }
    return {};
  };
  for (Replica* replica : replicas)
    for (int items : {std::max(1, data.items / 4), std::max(1, data.items / 2)}) TANDEM_TRY(measure(*replica, items));
  const auto ns = [&](std::size_t d, int items) { return replicas[d]->serviceNs(items); };
  std::vector<int> shares;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<LinearCost> costs;
    for (Replica* replica : replicas) costs.push_back(fitLinear(replica->serviceTimes().points()));
    std::vector<int> next = splitShares(data.items, costs);
    improveShares(next, ns);
    if (next == shares) break;
    shares = std::move(next);
    for (std::size_t d = 0; d < replicas.size(); ++d)
      if (shares[d] > 0) TANDEM_TRY(measure(*replicas[d], shares[d]));
  }
  m_shares[data.items] = shares;
  for (const Replica* replica : replicas) m_alone[replica] = replica->serviceTimes().points();
  note("split of " + std::to_string(data.items) + ": " + text(shares) + ", predicted " +
       milliseconds(makespanNs(shares, ns)));
  return {};
}

/// Called every second while replicas serve, under the lock of changes.
void Deployment::rebalance() {
  const std::vector<Replica*> replicas = present();
  if (replicas.size() < 2) return;
  bool changed = false;
  if (m_route.kind == Route::Kind::Size && m_threshold) {
    changed = followThreshold(replicas);
  } else if (m_route.kind == Route::Kind::Size && m_route.size == 0) {
    const int size = crossover(replicas);
    changed = size != m_size;
    if (changed)
      note("size:auto: up to " + std::to_string(size) + " items go to " + replicas[0]->name() + " now, " +
           std::to_string(m_size) + " before");
    m_size = size;
  } else if (m_route.kind == Route::Kind::Split) {
    for (int items : m_sizes) changed = rebalanceSplit(replicas, items) || changed;
  }
  if (changed && !publish(m_route)) note("the routing could not be changed");
}

/// A replica that gets nothing is not measured, and would never get anything again, however fast it has become: every
/// now and then it gets a few items. True where `next` is such a division.
bool Deployment::askAgain(int items, const std::vector<int>& shares, std::vector<int>& next) {
  constexpr int kSeconds = 5;
  constexpr int kPart = 8; // of the request
  const auto nothing = std::find(shares.begin(), shares.end(), 0);
  int& seconds = m_withNothing[items];
  seconds = nothing == shares.end() ? 0 : seconds + 1;
  if (seconds < kSeconds) return false;
  seconds = 0;
  next = shares;
  const int few = std::max(1, items / kPart);
  *std::max_element(next.begin(), next.end()) -= few;
  next[static_cast<std::size_t>(nothing - shares.begin())] = few;
  return true;
}

/// Measured times at the present shares, against those at set-up, say how much slower or faster each replica has
/// become; all other sizes are taken to have changed as much.
bool Deployment::rebalanceSplit(const std::vector<Replica*>& replicas, int items) {
  const auto found = m_shares.find(items);
  if (found == m_shares.end()) return false;
  const std::vector<int>& shares = found->second;
  if (shares.size() != replicas.size()) return false;
  std::vector<LinearCost> costs;
  std::vector<double> factors;
  for (std::size_t d = 0; d < replicas.size(); ++d) {
    if (!replicas[d]->isServing() || !m_alone.contains(replicas[d])) return false;
    const LinearCost alone = fitLinear(m_alone[replicas[d]]);
    double factor = 1;
    if (shares[d] > 0) factor = replicas[d]->serviceNs(shares[d]) / (alone.alphaNs + alone.betaNs * shares[d]);
    factors.push_back(factor);
    costs.push_back({alone.alphaNs * factor, alone.betaNs * factor});
  }
  const auto line = [&](std::size_t d, int count) { return costs[d].alphaNs + costs[d].betaNs * count; };
  std::vector<int> next = splitShares(items, costs);
  if (askAgain(items, shares, next)) {
    note("split of " + std::to_string(items) + ": " + text(next) +
         " for a moment, to see whether what got nothing is faster now");
    found->second = next;
    return true;
  }
  const double before = makespanNs(shares, line), after = makespanNs(next, line);
  if (next == shares || after > before * kWorthMoving) {
    m_proposed.erase(items);
    return false;
  }
  // Once may be chance.
  auto& [proposed, times] = m_proposed[items];
  times = proposed == next ? times + 1 : 1;
  proposed = next;
  if (times < kInARow) return false;
  m_proposed.erase(items);
  for (std::size_t d = 0; d < replicas.size(); ++d)
    if (next[d] > 0 && next[d] != shares[d])
      if (auto compiled = replicas[d]->backend().compile(next[d]); !compiled) {
        note("split of " + std::to_string(items) + " stays " + text(shares) + ": " + compiled.error().line());
        return false;
      }
  std::string why;
  for (std::size_t d = 0; d < replicas.size(); ++d) {
    char factor[48];
    std::snprintf(factor, sizeof factor, " takes %.2f times as long as alone", factors[d]);
    why += (why.empty() ? "" : ", ") + replicas[d]->name() + factor;
  }
  note("split of " + std::to_string(items) + ": " + text(next) + " now, " + text(shares) + " before (" + why + ")");
  found->second = next;
  return true;
}

} // namespace tandem
