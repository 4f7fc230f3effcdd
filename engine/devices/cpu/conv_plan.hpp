// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/cpu/kernels/conv_form.hpp"
#include "engine/devices/cpu/timing_cache.hpp"
#include "engine/devices/device.hpp"

#include <unordered_map>

namespace tandem::cpu {

using ConvChoices = std::unordered_map<NodeId, ConvChoice>;

/// What is measured: this convolution on so many threads computed so, its weights coming from memory (cold)
/// or from caches.
Work convWork(const ConvProblem& problem, int threads, bool cold, const ConvChoice& choice);

/// Chooses how every convolution of the segment is computed so that convolutions and the reorders between them take the
/// least time together: each choice is measured once per shape and thread count, and a minimum cut decides which
/// regions have their channels last and which in blocks. Nodes that are not listed take ConvChoice{}. Call it on the
/// thread that holds the device's cores. May throw std::bad_alloc; fails with Cancelled.
Result<ConvChoices> planConvolutions(const Segment& segment, int threads, TimingCache& timings,
                                     const CancelToken& cancel);

} // namespace tandem::cpu
