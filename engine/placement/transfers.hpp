// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/placement/effective.hpp"

namespace tandem {

/// One tensor that has to get from one device to another.
struct TransferEdge {
  ValueId value;
  std::string from;
  std::string to;
  std::int64_t bytes = 0; ///< 0 where the shape is not known
};

struct TransferTotals {
  std::int64_t count = 0;
  std::int64_t bytes = 0;
};

/// What moves between devices in one run, in value order: one entry per tensor and destination, however many nodes
/// read it there. Graph inputs come from the host, graph outputs go to it. Weights are resident and shape inputs are
/// read on the host, so neither is listed; native CPU devices share memory, so nothing moves between them.
std::vector<TransferEdge> crossDeviceTransfers(const Graph& graph, const EffectivePlacement& placement);
TransferTotals totalOf(const std::vector<TransferEdge>& transfers);

} // namespace tandem
