// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/candidates.hpp"

#include <algorithm>
#include <set>

namespace tandem::opencl {

void emitBest(Lowering& lowering, std::string key, std::vector<Candidate> candidates) {
  constexpr std::size_t kMost = 8;
  constexpr double kWorthMeasuring = 1.5;
  TANDEM_ASSERT(!candidates.empty());
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.cost < b.cost; });
  std::set<std::string_view> families;
  std::vector<bool> kept(candidates.size(), false);
  std::size_t count = 0;
  for (std::size_t i = 0; i < candidates.size() && count < kMost; ++i)
    if (families.insert(candidates[i].family).second) kept[i] = true, ++count;
  const double limit = candidates[0].cost * kWorthMeasuring;
  for (std::size_t i = 0; i < candidates.size() && count < kMost; ++i)
    if (!kept[i] && candidates[i].cost <= limit) kept[i] = true, ++count;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < candidates.size(); ++i)
    if (kept[i]) names.push_back(candidates[i].name);
  const std::string& picked = lowering.choose(std::move(key), std::move(names));
  std::find_if(candidates.begin(), candidates.end(), [&](const Candidate& c) { return c.name == picked; })->emit();
}

std::string keyPart(std::string_view name, const std::vector<std::int64_t>& values) {
  std::string part = " " + std::string(name);
  for (std::size_t i = 0; i < values.size(); ++i) part += (i ? "x" : "") + std::to_string(values[i]);
  return part;
}

double costOnUnits(const Lowering& lowering, std::int64_t items, double costOfItem) {
  const std::int64_t units = std::max(lowering.device().info.computeUnits, 1);
  return static_cast<double>(ceilDivide(items, units)) * costOfItem;
}

} // namespace tandem::opencl
