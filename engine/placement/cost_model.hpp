// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device.hpp"
#include "engine/ops/op_def.hpp"

namespace tandem {

/// Where a number comes from; every estimate says so (DESIGN.md section 1).
enum class CostTier {
  Measured, ///< timed on this device
  Modelled, ///< roofline from what a probe of this device measured
  Guessed,  ///< roofline from typical figures of a device of this kind
};
std::string_view toString(CostTier tier); ///< "measured", "modelled", "guessed"

struct CostEstimate {
  double ms = 0;
  CostTier tier = CostTier::Guessed;
};

/// Time of one node on a device: the larger of FLOPs over throughput and bytes over bandwidth, plus one launch. A lower
/// bound that real kernels approach to different degrees; good for ranking, not for promises. Values of `node` need
/// static descs. Pure; any thread.
CostEstimate estimateNode(const Graph& graph, const Node& node, const DeviceInfo& device);

/// Time to bring `bytes` from one device to the other through host memory; 0 between devices that both use it.
CostEstimate estimateTransfer(std::int64_t bytes, const DeviceInfo& from, const DeviceInfo& to);

} // namespace tandem
