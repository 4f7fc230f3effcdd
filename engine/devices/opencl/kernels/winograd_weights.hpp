// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/opencl/lowering.hpp"

namespace tandem::opencl {

/// Weights of a 3x3 convolution (OIHW, `outputChannels` x `inputChannels`) in the form G g G' of minimal filtering with
/// 2 x 2 or 4 x 4 outputs per tile (`outputs`): [position][group][input channel][channel of the group], input channels
/// padded to `paddedInputs` and output channels to whole groups of `groupChannels` with zeros.
std::vector<float> winogradWeights(const float* weights, std::int64_t outputChannels, std::int64_t inputChannels,
                                   int outputs, std::int64_t paddedInputs, std::int64_t groupChannels);

/// Stored weights, and what sums of products with them are to be multiplied by.
struct ScaledWeights {
  Ref ref;
  float scale = 1;
  bool halves = false;
};

/// Outputs of a tile, in each direction, that the current node's weights allow. With 4 the way back makes about ten
/// times as much of what was rounded, so halves are for tiles of 2.
std::vector<std::int64_t> tileOutputs(const Lowering& lowering);

/// What winogradWeights() made of the current node's. Halves are scaled by a power of two to the top of their range:
/// the transform makes some weights so small that few digits would be left of them.
ScaledWeights storeWinograd(Lowering& lowering, std::vector<float> transformed);

} // namespace tandem::opencl
