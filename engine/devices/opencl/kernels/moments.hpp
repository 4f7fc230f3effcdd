// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/opencl/kernels/emit.hpp"

namespace tandem::opencl {

/// Which elements share mean and variance, and what they are scaled and shifted by.
struct MomentGroups {
  struct Axis {
    std::int64_t count = 1, stride = 0, scaleStride = 0, biasStride = 0;
  };
  std::vector<Axis> outer;      ///< the groups
  std::vector<Axis> inner;      ///< the elements of a group
  Ref scale, bias;              ///< none: 1 and 0
  bool centred = true;          ///< false: the mean stays (RMSNormalization)
  bool addsEpsilonLast = false; ///< to the deviation instead of the variance
  bool keepsMoments = false;    ///< outputs 1 and 2, where wanted, are mean and inverse deviation
  float epsilon = 1e-5f;
};
/// (x - mean) / deviation * scale + bias into output 0.
void emitMoments(Lowering& lowering, const MomentGroups& groups);

/// LayerNormalization with any broadcasting, moments given out.
Support checkLayerInGeneral(const NodeView& view);
Result<void> lowerLayerInGeneral(Lowering& lowering);

} // namespace tandem::opencl
