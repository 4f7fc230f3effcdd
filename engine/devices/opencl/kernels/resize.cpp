// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/emit.hpp"
#include "engine/ops/resample.hpp"

#include <algorithm>

namespace tandem::opencl {
namespace {

/// Operand `i` where it is present, constant and not empty.
const Tensor* known(const NodeView& view, std::size_t i) {
  if (!view.hasInput(i) || !view.input(i).isConstant()) return nullptr;
  return &view.input(i).constant;
}

Result<ops::ResampleGeometry> geometryOf(const NodeView& view) {
  const Shape& x = view.input(0).desc.shape;
  if (view.node.type == "Upsample") return ops::upsampleGeometry(view.node, x, known(view, 1));
  if (view.node.version < 11) return ops::resizeGeometry(view.node, x, {nullptr, known(view, 1), nullptr});
  return ops::resizeGeometry(view.node, x, {known(view, 1), known(view, 2), known(view, 3)});
}

Support check(const NodeView& view) {
  if (view.inputType(0) != DataType::Float32) return noType(view, view.inputType(0));
  for (std::size_t i = 1; i < view.node.inputs.size(); ++i)
    if (view.hasInput(i) && !view.input(i).isConstant())
      return noAttribute(view.node.type + " whose scales or sizes are computed at run time");
  if (!view.isStatic()) return Support::yes();
  const auto geometry = geometryOf(view);
  if (!geometry.ok()) return noAttribute(geometry.error().message);
  for (const ops::ResampleAxis& axis : geometry->axes)
    if (axis.input == 0) return noAttribute("Resize of an empty tensor");
  return Support::yes();
}

struct AxisTable {
  std::int64_t input = 1, output = 1, taps = 1;
  Ref indices, weights;
};

AxisTable tableOf(Lowering& lowering, const ops::ResampleGeometry& geometry, const ops::ResampleAxis& axis) {
  const ops::ResampleTaps taps = ops::resampleTaps(geometry, axis);
  AxisTable table{axis.input, axis.output, static_cast<std::int64_t>(taps.taps), {}, {}};
  std::vector<std::int32_t> indices;
  std::vector<float> weights;
  if (taps.isIdentity) {
    table.taps = 1;
    for (std::int64_t o = 0; o < axis.output; ++o) indices.push_back(toInt(o)), weights.push_back(1.0f);
  } else {
    for (std::int64_t index : taps.indices) indices.push_back(toInt(index));
    for (double weight : taps.weights) weights.push_back(static_cast<float>(weight));
  }
  table.indices = lowering.weights(indices);
  table.weights = lowering.weights(weights);
  return table;
}

/// Axis after axis, with a tensor between: for any rank, and for positions outside of a crop.
void lowerAxisByAxis(Lowering& lowering, const ops::ResampleGeometry& geometry) {
  std::vector<std::int64_t> dims = lowering.inputDesc(0).shape.dims();
  std::vector<ops::ResampleTaps> taps;
  std::size_t last = 0;
  for (std::size_t k = 0; k < dims.size(); ++k) {
    taps.push_back(ops::resampleTaps(geometry, geometry.axes[k]));
    if (!taps[k].isIdentity) last = k;
  }
  Ref from = lowering.input(0);
  std::int64_t inner = 1;
  const auto innerOf = [&](std::size_t k) {
    inner = 1;
    for (std::size_t i = k + 1; i < dims.size(); ++i) inner *= dims[i];
    return inner;
  };
  for (std::size_t k = 0; k < dims.size(); ++k) {
    if (taps[k].isIdentity && k != last) continue;
    const AxisTable table = tableOf(lowering, geometry, geometry.axes[k]);
    dims[k] = table.output;
    const std::int64_t count = Shape(dims).elements();
    const Ref to = k == last ? lowering.output(0) : lowering.scratch(count * 4);
    Step step = perElement("resize", "resize_axis", "", count);
    step.args = {from,
                 to,
                 table.indices,
                 table.weights,
                 toInt(count),
                 toInt(innerOf(k)),
                 toInt(table.input),
                 toInt(table.output),
                 toInt(table.taps)};
    lowering.launch(std::move(step));
    from = to;
  }
  const std::int64_t count = Shape(dims).elements();
  for (std::size_t k = 0; k < dims.size(); ++k) {
    if (std::find(taps[k].outside.begin(), taps[k].outside.end(), true) == taps[k].outside.end()) continue;
    Step step = perElement("resize", "fill_outside", "", count);
    const std::vector<std::int32_t> flags(taps[k].outside.begin(), taps[k].outside.end());
    step.args = {lowering.output(0), lowering.weights(flags), toInt(count),
                 toInt(innerOf(k)),  toInt(dims[k]),          static_cast<float>(geometry.extrapolation)};
    lowering.launch(std::move(step));
  }
}

Result<void> lower(Lowering& lowering) {
  const ops::ResampleGeometry geometry = TANDEM_TRY(geometryOf({lowering.graph(), lowering.node()}));
  const std::int64_t count = lowering.outputDesc(0).shape.elements();
  if (count == 0) return lowering.output(0), Result<void>();
  bool outerAxes = geometry.coordinates == ops::CoordinateMode::TfCropAndResize;
  for (std::size_t k = 0; k + 3 < geometry.axes.size(); ++k)
    outerAxes = outerAxes || !ops::resampleTaps(geometry, geometry.axes[k]).isIdentity;
  if (outerAxes) return lowerAxisByAxis(lowering, geometry), Result<void>();
  ops::ResampleGeometry padded = geometry;
  while (padded.axes.size() < 3) padded.axes.insert(padded.axes.begin(), ops::ResampleAxis());
  const std::size_t last = padded.axes.size() - 1;
  const AxisTable h = tableOf(lowering, padded, padded.axes[last - 1]);
  const AxisTable w = tableOf(lowering, padded, padded.axes[last]);
  const bool depthStays = ops::resampleTaps(padded, padded.axes[last - 2]).isIdentity;
  if (lowering.inputCanBlock(0) && lowering.canBlock(lowering.node().outputs[0]) && padded.axes.size() == 4 &&
      depthStays) {
    const BlockedView x = lowering.blockedInput(0);
    const BlockedView y = lowering.blockedOutput(0);
    Step step;
    step.source = "resize";
    step.kernel = "resize_blocked";
    step.args = {x.ref, y.ref, h.indices, h.weights, w.indices, w.weights};
    for (std::int64_t value : {w.output, h.taps, w.taps, x.blocks, x.batchStride, x.blockStride, x.rowStride, x.origin,
                               y.batchStride, y.blockStride, y.rowStride, y.origin})
      step.args.emplace_back(toInt(value));
    step.global = {static_cast<std::size_t>(h.output), static_cast<std::size_t>(x.n * x.blocks), 1};
    lowering.launch(std::move(step));
    return {};
  }
  const AxisTable d = tableOf(lowering, padded, padded.axes[last - 2]);
  Step step = perElement("resize", "resize", "", count);
  step.args = {lowering.input(0), lowering.output(0), d.indices, d.weights, h.indices, h.weights, w.indices, w.weights};
  for (std::int64_t value : {count, d.input, h.input, w.input, d.output, h.output, w.output, d.taps, h.taps, w.taps})
    step.args.emplace_back(toInt(value));
  lowering.launch(std::move(step));
  return {};
}

constexpr KernelDef kTable[] = {{"", "Resize", check, lower, nullptr, true},
                                {"", "Upsample", check, lower, nullptr, true}};

} // namespace

std::span<const KernelDef> resizeKernels();
std::span<const KernelDef> resizeKernels() { return kTable; }

} // namespace tandem::opencl
