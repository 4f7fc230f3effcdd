// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/opencl/opencl_device.hpp"

#include <unordered_map>

namespace tandem::opencl {

/// Channel-blocked storage of an NCHW value: [N][C/block][H + 2 haloH][W + 2 haloW][block], halo and padded channels
/// zero or at least finite.
struct Blocking {
  std::int64_t block = 16;
  std::int64_t haloH = 0;
  std::int64_t haloW = 0;
};

/// Where a value's blocks lie: in memory of their own, or as blocks `first` and following of another value's.
struct BlockPlace {
  ValueId whole;
  std::int64_t first = 0;
};

/// How the values of a segment would be stored in blocks, decided before any node is lowered.
struct BlockPlan {
  std::unordered_map<ValueId, Blocking> blockings; ///< those that differ from Blocking()
  std::unordered_map<ValueId, BlockPlace> places;  ///< the parts of concatenations

  Blocking blockingOf(ValueId value) const {
    const auto found = blockings.find(value);
    return found == blockings.end() ? Blocking() : found->second;
  }
  BlockPlace placeOf(ValueId value) const {
    const auto found = places.find(value);
    return found == places.end() ? BlockPlace{value, 0} : found->second;
  }
};

/// True where blocked kernels apply at all: CPU style, float32 of rank 3 or 4.
bool canBlock(const DeviceContext& device, const Graph& graph, ValueId value);

/// `compiled` false: no value lies in another's memory.
BlockPlan planBlocks(const DeviceContext& device, const Segment& segment, bool compiled);

} // namespace tandem::opencl
