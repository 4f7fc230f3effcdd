// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/op_def.hpp"
#include "engine/ops/window.hpp"

namespace tandem::ops {

/// The shape of one convolution (NC[D][H]W input, weights MC/g[kD][kH]kW) or transposed convolution (weights
/// CM/g[kD][kH]kW). Dims that are not known yet are kUnknownDim; a geometry from static shapes has none.
struct ConvGeometry {
  std::int64_t batch = 1;
  std::int64_t groups = 1;
  std::int64_t inputChannels = 1;  ///< of all groups
  std::int64_t outputChannels = 1; ///< of all groups
  std::size_t spatialRank = 2;     ///< 1, 2 or 3: how many trailing entries of `axes` are real
  WindowAxes axes;                 ///< depth, height, width

  std::int64_t inputChannelsPerGroup() const { return inputChannels / groups; }   ///< known channels only
  std::int64_t outputChannelsPerGroup() const { return outputChannels / groups; } ///< known channels only
  std::int64_t inputPositions() const;                                            ///< product of the input extents
  std::int64_t outputPositions() const;                                           ///< product of the output extents
  std::int64_t kernelPositions() const;                                           ///< product of the kernel extents
  bool isDepthwise() const { return groups == inputChannels && groups > 1; }
  bool isPointwise() const; ///< kernel 1, stride 1, no padding on every axis: a plain matrix product
  Shape outputShape() const;
};

/// Geometry of a Conv, FusedConv or any node with Conv's attributes. `x` and `weights` may have unknown dims. Fails
/// with ModelRejected for ranks other than 3..5, wrong channel counts, attributes out of range, or a kernel larger than
/// the padded input.
Result<ConvGeometry> convGeometry(const Node& node, const Shape& x, const Shape& weights);

/// Geometry of a ConvTranspose, with output_padding and output_shape. An output_shape larger than the natural extent
/// (pads all used up) leaves the rest at the end without contributions: bias only.
Result<ConvGeometry> convTransposeGeometry(const Node& node, const Shape& x, const Shape& weights);

/// Shape inference of Conv-like nodes; unknown ranks give a known type only. Checks the bias (input 2) as well.
Result<void> inferConv(InferContext& context);
/// 2 per multiply-add, plus one per output for the bias.
double convFlops(const Graph& graph, const Node& node);

/// y = conv(x, weights) + bias on contiguous arrays laid out as the geometry says; `bias` may be null. C is float or
/// double. Works through the output in column blocks of bounded size.
template <class C> void convolve(const ConvGeometry& geometry, const C* x, const C* weights, const C* bias, C* y);

} // namespace tandem::ops
