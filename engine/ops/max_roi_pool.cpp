// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/floating.hpp"
#include "engine/ops/kernel_util.hpp"
#include "engine/ops/window.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::ops {
namespace {

Result<Shape> resultShape(const Node& node, const Shape& x, const Shape& rois) {
  const std::vector<std::int64_t> pooled = node.attributes.getInts("pooled_shape");
  if (x.rank() != 4 || rois.rank() != 2 || (rois[1] != kUnknownDim && rois[1] != 5))
    return nodeError(node, "regions " + rois.toString() + " do not go with the input " + x.toString());
  if (pooled.size() != 2 || std::min(pooled[0], pooled[1]) < 1 || std::max(pooled[0], pooled[1]) > kMaxWindowExtent)
    return nodeError(node, "pooled_shape must be two positive numbers");
  Shape shape{rois[0], x[1], pooled[0], pooled[1]};
  TANDEM_TRY(checkAddressable(node, shape));
  return shape;
}

/// One axis of a region, divided into cells. Both ends belong to it, as in Fast R-CNN (arXiv 1504.08083).
struct RegionAxis {
  std::int64_t start = 0;
  double cell = 1;
  std::int64_t extent = 1; ///< of the input

  RegionAxis(double from, double to, std::int64_t cells, std::int64_t size) : extent(size) {
    // Far outside is as good as any distance outside; a NaN becomes an empty region at the start.
    const double limit = static_cast<double>(kMaxWindowExtent);
    from = std::isnan(from) ? 0 : std::clamp(std::round(from), -limit, limit);
    to = std::isnan(to) ? 0 : std::clamp(std::round(to), -limit, limit);
    start = static_cast<std::int64_t>(from);
    cell = std::max(to - from + 1, 1.0) / static_cast<double>(cells);
  }
  IndexRange range(std::int64_t index) const {
    const auto at = static_cast<double>(index);
    const auto inside = [&](double position) {
      return std::clamp<std::int64_t>(static_cast<std::int64_t>(position) + start, 0, extent);
    };
    return {inside(std::floor(at * cell)), inside(std::ceil((at + 1) * cell))};
  }
};

template <class C> C largest(const C* plane, std::int64_t width, IndexRange rows, IndexRange columns) {
  if (rows.begin >= rows.end || columns.begin >= columns.end) return C(0);
  C most = plane[rows.begin * width + columns.begin];
  for (std::int64_t i = rows.begin; i < rows.end; ++i)
    for (std::int64_t j = columns.begin; j < columns.end; ++j) most = std::max(most, plane[i * width + j]);
  return most;
}

template <class C> Result<void> pool(ReferenceContext& context, const Shape& shape, Tensor tensor) {
  const Tensor &x = context.input(0), &rois = context.input(1);
  const std::int64_t height = x.shape()[2], width = x.shape()[3];
  const double scale = static_cast<double>(context.attributes().getFloat("spatial_scale", 1.0f));
  const Elements<C> source(x);
  Results<C> y(std::move(tensor));
  std::int64_t at = 0;
  for (std::int64_t r = 0; r < shape[0]; ++r) {
    const double picture = rois.asDouble(r * 5);
    if (!(picture >= 0 && picture < static_cast<double>(x.shape()[0])))
      return context.fail("region " + std::to_string(r) + " names a picture that does not exist");
    const auto edge = [&](std::int64_t i) { return rois.asDouble(r * 5 + i) * scale; };
    const RegionAxis columns(edge(1), edge(3), shape[3], width), rows(edge(2), edge(4), shape[2], height);
    for (std::int64_t c = 0; c < shape[1]; ++c) {
      const C* plane = source.data() + (static_cast<std::int64_t>(picture) * shape[1] + c) * height * width;
      for (std::int64_t i = 0; i < shape[2]; ++i)
        for (std::int64_t j = 0; j < shape[3]; ++j) y[at++] = largest(plane, width, rows.range(i), columns.range(j));
    }
  }
  y.store();
  return {};
}

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  const Shape shape = TANDEM_TRY(resultShape(context.node(), x.shape(), context.input(1).shape()));
  TANDEM_TRY(requireSameType(context, 0, 1));
  if (!isFloating(x.type())) return unsupportedType(context, x.type());
  Tensor y = TANDEM_TRY(makeOutput(context, 0, x.type(), shape));
  Result<void> done;
  visitCompute(x.type(), [&]<class C>(TypeTag<C>) { done = pool<C>(context, shape, std::move(y)); });
  return done;
}

Result<void> infer(InferContext& context) {
  const Shape *x = context.inputShape(0), *rois = context.inputShape(1);
  if (!x || !rois) return context.setOutputType(0, context.inputType(0)), Result<void>{};
  context.setOutput(0, context.inputType(0), TANDEM_TRY(resultShape(context.node(), *x, *rois)));
  return {};
}

/// How much of the picture a region covers is in the data; a comparison per result is the least.
double flops(const Graph& graph, const Node& node) {
  return static_cast<double>(graph.value(node.outputs[0]).desc.shape.elements());
}

} // namespace

// ONNX MaxRoiPool: the largest element of every cell of regions [picture, x1, y1, x2, y2].
extern const OpDef kMaxRoiPool = {.type = "MaxRoiPool",
                                  .domain = "",
                                  .versions = {1, 22},
                                  .minInputs = 2,
                                  .maxInputs = 2,
                                  .infer = infer,
                                  .flops = flops,
                                  .reference = reference};

} // namespace tandem::ops
