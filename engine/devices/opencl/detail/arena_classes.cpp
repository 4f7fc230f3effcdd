// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/detail/arena_classes.hpp"

#include "engine/base/assert.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

namespace tandem::opencl {

ArenaPlan planArenaByClass(const std::vector<ArenaRequest>& requests, const std::vector<int>& classes,
                           std::int64_t alignment) {
  TANDEM_ASSERT(requests.size() == classes.size());
  std::vector<std::size_t> inOrder(requests.size());
  std::iota(inOrder.begin(), inOrder.end(), std::size_t{0});
  std::stable_sort(inOrder.begin(), inOrder.end(),
                   [&](std::size_t a, std::size_t b) { return requests[a].first < requests[b].first; });

  // A slot is memory that requests of one class use in turn; to planArena() it is one request that is always alive.
  std::vector<ArenaRequest> joined;
  std::vector<int> freeAfter; ///< per entry of `joined`
  std::map<int, std::vector<std::size_t>> slotsOf;
  std::vector<std::size_t> entryOf(requests.size());
  for (std::size_t index : inOrder) {
    const ArenaRequest& request = requests[index];
    std::size_t entry = joined.size();
    if (classes[index] >= 0) {
      std::vector<std::size_t>& slots = slotsOf[classes[index]];
      const auto free =
          std::find_if(slots.begin(), slots.end(), [&](std::size_t slot) { return freeAfter[slot] < request.first; });
      if (free == slots.end())
        slots.push_back(entry);
      else
        entry = *free;
    }
    if (entry == joined.size()) {
      joined.push_back(request);
      freeAfter.push_back(-1);
      if (classes[index] >= 0) joined.back() = {request.bytes, 0, std::numeric_limits<int>::max()};
    }
    TANDEM_ASSERT(joined[entry].bytes == request.bytes);
    freeAfter[entry] = request.last;
    entryOf[index] = entry;
  }

  const ArenaPlan plan = planArena(joined, alignment);
  ArenaPlan result;
  result.bytes = plan.bytes;
  for (std::size_t entry : entryOf) result.offsets.push_back(plan.offsets[entry]);
  return result;
}

} // namespace tandem::opencl
