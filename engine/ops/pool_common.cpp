// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/pool_common.hpp"

#include <algorithm>

namespace tandem::ops {
namespace {

std::int64_t product(const WindowAxes& axes, std::int64_t WindowAxis::*member) {
  std::int64_t result = 1;
  for (const WindowAxis& axis : axes) result *= axis.*member;
  return result;
}

} // namespace

std::int64_t PoolGeometry::inputPositions() const { return product(axes, &WindowAxis::input); }
std::int64_t PoolGeometry::outputPositions() const { return product(axes, &WindowAxis::output); }

Shape PoolGeometry::outputShape() const {
  std::vector<std::int64_t> dims{batch, channels};
  for (std::size_t i = kWindowAxes - spatialRank; i < kWindowAxes; ++i) dims.push_back(axes[i].output);
  return Shape(std::move(dims));
}

Result<PoolGeometry> poolGeometry(const Node& node, const Shape& x) {
  PoolGeometry geometry;
  if (x.rank() < 3 || x.rank() > 2 + kWindowAxes)
    return nodeError(node, "the input has shape " + x.toString() + "; 1, 2 or 3 spatial axes are supported");
  geometry.batch = x[0];
  geometry.channels = x[1];
  geometry.spatialRank = x.rank() - 2;
  geometry.countIncludePad = node.attributes.getInt("count_include_pad", 0) != 0;
  const bool ceilMode = node.attributes.getInt("ceil_mode", 0) != 0;
  const WindowAttributes window = TANDEM_TRY(windowAttributes(node, geometry.spatialRank, {}));
  for (std::size_t i = 0; i < geometry.spatialRank; ++i) {
    WindowAxis& axis = geometry.axes[kWindowAxes - geometry.spatialRank + i];
    axis.input = x[2 + i];
    axis.kernel = window.kernel[i];
    axis.stride = window.strides[i];
    axis.dilation = window.dilations[i];
    TANDEM_TRY(placeWindow(node, axis, window.autoPad, window.padsBegin[i], window.padsEnd[i], ceilMode));
  }
  TANDEM_TRY(checkAddressable(node, geometry.outputShape()));
  return geometry;
}

std::int64_t averageDivisor(const PoolGeometry& geometry, const WindowAxis& axis, std::int64_t output) {
  if (!geometry.countIncludePad) {
    const IndexRange taps = tapsInside(axis, output);
    return std::max<std::int64_t>(0, taps.end - taps.begin);
  }
  const std::int64_t start = output * axis.stride - axis.padBegin;
  return std::clamp<std::int64_t>(ceilDiv(axis.input + axis.padEnd - start, axis.dilation), 0, axis.kernel);
}

Result<void> inferPool(InferContext& context) {
  const Shape* x = context.inputShape(0);
  if (!x) {
    context.setOutputType(0, context.inputType(0));
    context.setOutputType(1, DataType::Int64);
    return {};
  }
  const PoolGeometry geometry = TANDEM_TRY(poolGeometry(context.node(), *x));
  context.setOutput(0, context.inputType(0), geometry.outputShape());
  context.setOutput(1, DataType::Int64, geometry.outputShape());
  return {};
}

double poolFlops(const Graph& graph, const Node& node) {
  const auto geometry = poolGeometry(node, graph.value(node.inputs[0]).desc.shape);
  if (!geometry.ok()) return 0;
  double flops = static_cast<double>(geometry->outputShape().elements());
  for (const WindowAxis& axis : geometry->axes) flops *= static_cast<double>(axis.kernel);
  return flops;
}

Result<void> inferGlobalPool(InferContext& context) {
  const Shape* x = context.inputShape(0);
  if (!x) return context.setOutputType(0, context.inputType(0)), Result<void>{};
  if (x->rank() < 2) return context.fail("the input " + x->toString() + " has no channel axis");
  Shape y = *x;
  for (std::size_t i = 2; i < y.rank(); ++i) y[i] = 1;
  context.setOutput(0, context.inputType(0), std::move(y));
  return {};
}

double globalPoolFlops(const Graph& graph, const Node& node) {
  return static_cast<double>(graph.value(node.inputs[0]).desc.shape.elements());
}

} // namespace tandem::ops
