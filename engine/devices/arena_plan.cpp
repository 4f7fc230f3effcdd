// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/arena_plan.hpp"

#include <algorithm>
#include <numeric>

namespace tandem {

ArenaPlan planArena(const std::vector<ArenaRequest>& requests, std::int64_t alignment) {
  ArenaPlan plan;
  plan.offsets.assign(requests.size(), 0);
  std::vector<std::size_t> bySize(requests.size());
  std::iota(bySize.begin(), bySize.end(), std::size_t{0});
  std::stable_sort(bySize.begin(), bySize.end(),
                   [&](std::size_t a, std::size_t b) { return requests[a].bytes > requests[b].bytes; });

  std::vector<std::size_t> placed; // in order of offset
  for (std::size_t index : bySize) {
    const ArenaRequest& request = requests[index];
    const std::int64_t size = (request.bytes + alignment - 1) / alignment * alignment;
    std::int64_t offset = 0;
    for (std::size_t other : placed) {
      const ArenaRequest& neighbour = requests[other];
      if (neighbour.last < request.first || request.last < neighbour.first) continue;
      if (plan.offsets[other] >= offset + size) break;
      const std::int64_t end = plan.offsets[other] + (neighbour.bytes + alignment - 1) / alignment * alignment;
      offset = std::max(offset, end);
    }
    plan.offsets[index] = offset;
    plan.bytes = std::max(plan.bytes, offset + size);
    auto at = std::upper_bound(placed.begin(), placed.end(), offset,
                               [&](std::int64_t value, std::size_t other) { return value < plan.offsets[other]; });
    placed.insert(at, index);
  }
  return plan;
}

} // namespace tandem
