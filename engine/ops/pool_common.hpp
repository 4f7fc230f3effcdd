// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/op_def.hpp"
#include "engine/ops/window.hpp"

namespace tandem::ops {

/// The shape of one pooling operation on NC[D][H]W data. Unknown dims are kUnknownDim.
struct PoolGeometry {
  std::int64_t batch = 1;
  std::int64_t channels = 1;
  std::size_t spatialRank = 2;  ///< 1, 2 or 3: how many trailing entries of `axes` are real
  WindowAxes axes;              ///< depth, height, width
  bool countIncludePad = false; ///< AveragePool: padding counts in the divisor
  /// AveragePool below version 19 counts, with count_include_pad, also what ceil_mode adds beyond the end padding.
  bool countBeyondPad = false;

  std::int64_t inputPositions() const;
  std::int64_t outputPositions() const;
  Shape outputShape() const;
};

/// Geometry of MaxPool, AveragePool and LpPool (any version). Fails with ModelRejected for ranks other than 3..5,
/// attributes out of range, or a kernel that does not fit the padded input. `x` may have unknown dims.
Result<PoolGeometry> poolGeometry(const Node& node, const Shape& x);

/// What AveragePool divides by along one axis at output `o`; the divisor is the product over the axes.
std::int64_t averageDivisor(const PoolGeometry& geometry, const WindowAxis& axis, std::int64_t output);

/// Output 0 of the input's type, output 1 (Indices) int64, both of the pooled shape.
Result<void> inferPool(InferContext& context);
/// One operation per window element and output.
double poolFlops(const Graph& graph, const Node& node);
/// Shape inference of the Global*Pool operators: every spatial extent becomes 1. Rank 2 and above.
Result<void> inferGlobalPool(InferContext& context);
/// One operation per input element.
double globalPoolFlops(const Graph& graph, const Node& node);

} // namespace tandem::ops
