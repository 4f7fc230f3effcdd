// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/arena_plan.hpp"

namespace tandem::opencl {

/// planArena() for requests of which some may not share memory with all others: those with the same class >= 0, which
/// are all of one size, share with each other alone. `classes` has an entry per request, -1 for those that may share.
ArenaPlan planArenaByClass(const std::vector<ArenaRequest>& requests, const std::vector<int>& classes,
                           std::int64_t alignment);

} // namespace tandem::opencl
