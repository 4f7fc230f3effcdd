// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/service_times.hpp"

#include <functional>
#include <span>
#include <vector>

namespace tandem {

/// Time of one execution with b items: alphaNs + betaNs * b.
struct LinearCost {
  double alphaNs = 0;
  double betaNs = 0;
};

/// Least squares over (items, ns), neither part negative; with one point, in proportion.
LinearCost fitLinear(std::span<const std::pair<int, double>> points);

/// Shares of `items` items that end at the same time on devices with these costs: with T* = (B + sum alpha/beta) /
/// (sum 1/beta) over the devices whose alpha is below T*, device d takes (T* - alpha_d) / beta_d items, rounded by
/// largest remainder. A share may be 0. Closed form of the makespan of a divisible load with start-up costs (V.
/// Bharadwaj et al., "Scheduling Divisible Loads in Parallel and Distributed Systems", 1996). Costs must be positive
/// for each item.
std::vector<int> splitShares(int items, std::span<const LinearCost> costs);

/// Moves single items between devices while the slowest part gets faster; `ns(device, items)` is what was measured.
/// Real times have steps that a line has not.
void improveShares(std::vector<int>& shares, const std::function<double(std::size_t device, int items)>& ns);

/// When the last part is done.
double makespanNs(std::span<const int> shares, const std::function<double(std::size_t device, int items)>& ns);

} // namespace tandem
