// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>
#include <vector>

namespace tandem {

/// One tensor's need for memory: alive from step `first` to step `last`, both included.
struct ArenaRequest {
  std::int64_t bytes = 0;
  int first = 0;
  int last = 0;
};

struct ArenaPlan {
  std::vector<std::int64_t> offsets; ///< one per request, multiples of the alignment
  std::int64_t bytes = 0;            ///< size of the arena
};

/// Places requests so that those alive at the same time do not overlap. Largest first, each at the lowest gap that
/// fits ("greedy by size", Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020).
ArenaPlan planArena(const std::vector<ArenaRequest>& requests, std::int64_t alignment = 64);

} // namespace tandem
