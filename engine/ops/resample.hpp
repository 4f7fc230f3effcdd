// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/op_def.hpp"

namespace tandem::ops {

enum class ResampleMode { Nearest, Linear, Cubic };
enum class CoordinateMode {
  HalfPixel,
  HalfPixelSymmetric,
  PytorchHalfPixel,
  AlignCorners,
  Asymmetric,
  TfHalfPixelForNn,
  TfCropAndResize
};
enum class NearestMode {
  RoundPreferFloor,
  RoundPreferCeil,
  Floor,
  Ceil,
  FloorUpCeilDown ///< Resize-10: floor where the axis grows, ceil where it shrinks
};

/// How one axis is resampled.
struct ResampleAxis {
  std::int64_t input = 1;
  std::int64_t output = 1;
  double scale = 1; ///< output / input as asked for; output is this times input, rounded
  double roiBegin = 0;
  double roiEnd = 1;
};

/// A Resize or Upsample with all its attributes read; one axis per axis of the tensor.
struct ResampleGeometry {
  ResampleMode mode = ResampleMode::Nearest;
  CoordinateMode coordinates = CoordinateMode::HalfPixel;
  NearestMode nearest = NearestMode::RoundPreferFloor;
  double cubicA = -0.75;
  bool excludeOutside = false;
  bool antialias = false;
  double extrapolation = 0; ///< value of what tf_crop_and_resize reads outside the input
  std::vector<ResampleAxis> axes;

  Shape outputShape() const;
};

/// The operands that steer the shape, where known; null = not given.
struct ResampleOperands {
  const Tensor* roi = nullptr;
  const Tensor* scales = nullptr;
  const Tensor* sizes = nullptr;
};

/// Geometry of a Resize (any version from 10) for a static shape `x`. An empty scales or sizes tensor counts as left
/// out. Fails with ModelRejected for unknown modes, counts that do not fit and extents out of range.
Result<ResampleGeometry> resizeGeometry(const Node& node, const Shape& x, const ResampleOperands& operands);
/// Geometry of an Upsample (1, 7, 9).
Result<ResampleGeometry> upsampleGeometry(const Node& node, const Shape& x, const Tensor* scales);

/// What one output position along an axis reads: `weights[k]` times input `indices[k]`. Indices are inside the input
/// (edges repeat). `outside` marks positions that tf_crop_and_resize fills with the extrapolation value.
struct ResampleTaps {
  std::size_t taps = 1;              ///< entries per output position
  std::vector<std::int64_t> indices; ///< [output][taps]
  std::vector<double> weights;       ///< [output][taps]
  std::vector<bool> outside;         ///< [output]
  bool isIdentity = false;           ///< output o is input o, for all o
};
/// Coefficients as the specification's reference defines them. `axis.input` is positive or `axis.output` zero.
ResampleTaps resampleTaps(const ResampleGeometry& geometry, const ResampleAxis& axis);

/// Reference kernel, for any element type that has numbers; integers are rounded (to even) and
/// clamped to their range.
Result<void> resample(ReferenceContext& context, const ResampleGeometry& geometry);
/// Two operations per tap and output element, over the axes that change.
double resampleFlops(const Graph& graph, const Node& node);

} // namespace tandem::ops
