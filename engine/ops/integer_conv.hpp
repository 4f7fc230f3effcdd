// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/conv_common.hpp"
#include "engine/ops/integer_product.hpp"

namespace tandem::ops {

/// Which inputs of a quantized convolution are what.
struct IntegerConvInputs {
  std::size_t x = 0;
  std::size_t weights = 1;
  std::size_t xZero = 2;       ///< one element, or left out
  std::size_t weightsZero = 3; ///< one element or one per output channel, or left out
};

/// The sums of a convolution of 8 bit tensors whose zero points have been taken off; padding counts as the zero point.
struct IntegerConv {
  ConvGeometry geometry;
  std::vector<std::int32_t> sums; ///< NC[D][H]W
};
Result<IntegerConv> integerConv(const ReferenceContext& context, const IntegerConvInputs& inputs);

/// `channelsLast`: the input and the output are N[D][H]WC.
Result<void> inferIntegerConv(InferContext& context, std::size_t x, std::size_t weights, DataType type,
                              bool channelsLast = false);
double integerConvFlops(const Graph& graph, const Node& node, std::size_t x, std::size_t weights,
                        bool channelsLast = false);

/// QLinearConv of ONNX and of com.microsoft (which adds channels_last).
Result<void> qLinearConv(ReferenceContext& context, bool channelsLast);

} // namespace tandem::ops
