// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/split.hpp"

#include "engine/base/assert.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tandem {

LinearCost fitLinear(std::span<const std::pair<int, double>> points) {
  if (points.empty()) return {};
  double sumX = 0, sumY = 0, sumXX = 0, sumXY = 0;
  for (const auto& [items, ns] : points) {
    sumX += items;
    sumY += ns;
    sumXX += static_cast<double>(items) * items;
    sumXY += items * ns;
  }
  const auto n = static_cast<double>(points.size());
  const double spread = n * sumXX - sumX * sumX;
  LinearCost cost;
  if (spread > 0) {
    cost.betaNs = (n * sumXY - sumX * sumY) / spread;
    cost.alphaNs = (sumY - cost.betaNs * sumX) / n;
  }
  // Through the origin where a line would start below it, or where there is no line; items are never free.
  if (spread <= 0 || cost.alphaNs < 0) cost = {0, sumXY / sumXX};
  const double least = 1e-3 * sumY / sumX;
  if (cost.betaNs < least) cost = {std::max(0.0, sumY / n - least * sumX / n), least};
  return cost;
}

std::vector<int> splitShares(int items, std::span<const LinearCost> costs) {
  std::vector<bool> active(costs.size(), true);
  double finish = 0;
  for (bool changed = true; changed;) {
    changed = false;
    double numerator = items, denominator = 0;
    std::size_t latest = costs.size();
    for (std::size_t d = 0; d < costs.size(); ++d) {
      if (!active[d]) continue;
      TANDEM_ASSERT(costs[d].betaNs > 0);
      numerator += costs[d].alphaNs / costs[d].betaNs;
      denominator += 1 / costs[d].betaNs;
      if (latest == costs.size() || costs[d].alphaNs > costs[latest].alphaNs) latest = d;
    }
    finish = numerator / denominator;
    if (latest < costs.size() && costs[latest].alphaNs >= finish) {
      active[latest] = false;
      changed = true;
    }
  }
  std::vector<int> shares(costs.size(), 0);
  std::vector<std::pair<double, std::size_t>> remainders;
  int given = 0;
  for (std::size_t d = 0; d < costs.size(); ++d) {
    if (!active[d]) continue;
    const double exact = (finish - costs[d].alphaNs) / costs[d].betaNs;
    shares[d] = static_cast<int>(exact);
    given += shares[d];
    remainders.emplace_back(exact - shares[d], d);
  }
  std::stable_sort(remainders.begin(), remainders.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (std::size_t k = 0; given < items; ++k, ++given) ++shares[remainders[k % remainders.size()].second];
  return shares;
}

double makespanNs(std::span<const int> shares, const std::function<double(std::size_t, int)>& ns) {
  double latest = 0;
  for (std::size_t d = 0; d < shares.size(); ++d)
    if (shares[d] > 0) latest = std::max(latest, ns(d, shares[d]));
  return latest;
}

void improveShares(std::vector<int>& shares, const std::function<double(std::size_t, int)>& ns) {
  const int moves = std::accumulate(shares.begin(), shares.end(), 0);
  for (int move = 0; move < moves; ++move) {
    std::size_t slowest = 0;
    double latest = -1;
    for (std::size_t d = 0; d < shares.size(); ++d)
      if (shares[d] > 0 && ns(d, shares[d]) > latest) {
        slowest = d;
        latest = ns(d, shares[d]);
      }
    std::size_t target = shares.size();
    double best = latest;
    for (std::size_t d = 0; d < shares.size(); ++d) {
      if (d == slowest) continue;
      std::vector<int> moved = shares;
      --moved[slowest];
      ++moved[d];
      const double time = makespanNs(moved, ns);
      if (time < best * (1 - 1e-9)) {
        best = time;
        target = d;
      }
    }
    if (target == shares.size()) return;
    --shares[slowest];
    ++shares[target];
  }
}

} // namespace tandem
