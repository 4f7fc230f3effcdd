// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device.hpp"

namespace tandem {

/// Nodes that run together: on a device as one program, or (dynamic) on the host one by one, because a shape among
/// them is only known while running.
struct PlannedSegment {
  Device* device = nullptr;
  bool dynamic = false;
  Segment segment;
};

/// Splits the graph into as few segments as a greedy walk gives: a segment goes on as long as any ready node belongs
/// to its device. Every segment depends on earlier ones only. `deviceOf` is indexed by node of `graph`; `host` takes
/// the dynamic nodes. The result points to `graph`.
std::vector<PlannedSegment> planSegments(const Graph& graph, const std::vector<Device*>& deviceOf, Device& host);

} // namespace tandem
