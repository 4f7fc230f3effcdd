// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>
#include <vector>

namespace tandem::opencl {

/// Weights of a 3x3 convolution (OIHW, `outputChannels` x `inputChannels`) in the form G g G' of minimal filtering with
/// 2 x 2 or 4 x 4 outputs per tile (`outputs`): [position][group][input channel][channel of the group], input channels
/// padded to `paddedInputs` and output channels to whole groups of `groupChannels` with zeros.
std::vector<float> winogradWeights(const float* weights, std::int64_t outputChannels, std::int64_t inputChannels,
                                   int outputs, std::int64_t paddedInputs, std::int64_t groupChannels);

} // namespace tandem::opencl
