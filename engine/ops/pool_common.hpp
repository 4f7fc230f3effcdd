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
  bool countIncludePad = false; ///< AveragePool: padding counts in the divisor, what ceil_mode adds beyond does not

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

/// One window of a pool: where it lies and which of its taps are inside the input.
struct PoolWindow {
  std::array<std::int64_t, kWindowAxes> output; ///< depth, height, width of the output element
  std::array<std::int64_t, kWindowAxes> start;  ///< input position of tap 0, may be negative
  std::array<IndexRange, kWindowAxes> taps;
};

/// Calls `visit(plane, index, window)` for every output: plane = batch * channels + channel, index within the plane.
template <class Visit> void forEachWindow(const PoolGeometry& geometry, Visit&& visit) {
  const auto& axes = geometry.axes;
  for (std::int64_t plane = 0; plane < geometry.batch * geometry.channels; ++plane) {
    std::int64_t index = 0;
    PoolWindow window;
    const auto place = [&](std::size_t i, std::int64_t output) {
      window.output[i] = output;
      window.start[i] = output * axes[i].stride - axes[i].padBegin;
      window.taps[i] = tapsInside(axes[i], output);
    };
    for (std::int64_t d = 0; d < axes[0].output; ++d) {
      place(0, d);
      for (std::int64_t h = 0; h < axes[1].output; ++h) {
        place(1, h);
        for (std::int64_t w = 0; w < axes[2].output; ++w) {
          place(2, w);
          visit(plane, index++, window);
        }
      }
    }
  }
}

/// Calls `visit(d, h, w, offset)` for every input element of the window: its position and its offset in the plane.
template <class Visit> void forEachElement(const PoolGeometry& geometry, const PoolWindow& window, Visit&& visit) {
  const auto& axes = geometry.axes;
  for (std::int64_t kd = window.taps[0].begin; kd < window.taps[0].end; ++kd) {
    const std::int64_t d = window.start[0] + kd * axes[0].dilation;
    for (std::int64_t kh = window.taps[1].begin; kh < window.taps[1].end; ++kh) {
      const std::int64_t h = window.start[1] + kh * axes[1].dilation;
      const std::int64_t row = (d * axes[1].input + h) * axes[2].input;
      for (std::int64_t kw = window.taps[2].begin; kw < window.taps[2].end; ++kw) {
        const std::int64_t w = window.start[2] + kw * axes[2].dilation;
        visit(d, h, w, row + w);
      }
    }
  }
}

} // namespace tandem::ops
