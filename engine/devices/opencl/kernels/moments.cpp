// SPDX-License-Identifier: GPL-3.0-or-later
// Normalizations in general: what shares moments, and how scale and bias broadcast, is a matter of strides.
#include "engine/devices/opencl/kernels/moments.hpp"

#include "engine/ops/normalize_common.hpp"

#include <algorithm>

namespace tandem::opencl {
namespace {

Support checkFloats(const NodeView& view) {
  for (std::size_t i = 0; i < view.node.inputs.size(); ++i) {
    if (!view.hasInput(i)) continue;
    const DataType type = view.inputType(i);
    if (isInteger(type) || !isNumber(view, type) || type != view.inputType(0)) return noType(view, type);
  }
  for (std::size_t i = 0; i < view.node.outputs.size(); ++i)
    if (view.hasOutput(i) && view.wantsOutput(i) && view.outputType(i) != view.inputType(0))
      return noType(view, view.outputType(i));
  return Support::yes();
}

/// Strides that lay a parameter of shape `parameter` against the last dims of a tensor of `rank`.
std::vector<std::int64_t> strideAgainst(const Shape& parameter, std::size_t rank) {
  std::vector<std::int64_t> strides(rank, 0);
  const std::vector<std::int64_t> own = parameter.strides();
  for (std::size_t k = 0; k < own.size(); ++k)
    if (parameter[k] != 1) strides[rank - own.size() + k] = own[k];
  return strides;
}

// --- LayerNormalization, RMSNormalization

Support checkNormalized(const NodeView& view) {
  if (const Support support = checkFloats(view); !support.ok()) return support;
  if (!view.isStatic()) return Support::yes();
  const auto axes = ops::normalizedAxes(view.node, view.input(0).desc.shape);
  if (!axes) return noAttribute(view.node.type + " over an axis that does not exist");
  for (std::size_t i = 1; i <= 2; ++i) {
    if (!view.hasInput(i)) continue;
    const auto joined = broadcast(axes->inner, view.input(i).desc.shape);
    if (!joined || *joined != axes->inner) return noAttribute(view.node.type + " with a scale that does not broadcast");
  }
  return Support::yes();
}

Result<void> lowerNormalized(Lowering& lowering) {
  const Shape& shape = lowering.inputDesc(0).shape;
  const auto axes = ops::normalizedAxes(lowering.node(), shape);
  TANDEM_ASSERT(axes.has_value());
  MomentGroups groups;
  const std::vector<std::int64_t> strides = shape.strides();
  const auto scale = strideAgainst(lowering.inputDesc(1).shape, shape.rank());
  const auto bias = lowering.hasInput(2) ? strideAgainst(lowering.inputDesc(2).shape, shape.rank())
                                         : std::vector<std::int64_t>(shape.rank(), 0);
  for (std::size_t k = 0; k < shape.rank(); ++k)
    (k < axes->axis ? groups.outer : groups.inner).push_back({shape[k], strides[k], scale[k], bias[k]});
  groups.scale = lowering.input(1);
  if (lowering.hasInput(2)) groups.bias = lowering.input(2);
  groups.centred = lowering.node().type == "LayerNormalization";
  groups.epsilon = lowering.node().attributes.getFloat("epsilon", 1e-5f);
  groups.keepsMoments = true;
  emitMoments(lowering, groups);
  return {};
}

// --- GroupNormalization

Support checkGroup(const NodeView& view) {
  if (const Support support = checkFloats(view); !support.ok()) return support;
  if (!view.isStatic()) return Support::yes();
  const Shape& shape = view.input(0).desc.shape;
  const std::int64_t groups = view.node.attributes.getInt("num_groups", 0);
  if (shape.rank() < 2 || groups < 1 || shape[1] % groups != 0)
    return noAttribute("GroupNormalization with channels that do not divide into groups");
  const std::int64_t parameters = view.node.version < 21 ? groups : shape[1];
  for (std::size_t i = 1; i <= 2; ++i)
    if (!view.hasInput(i) || view.input(i).desc.shape.elements() != parameters)
      return noAttribute("GroupNormalization with a scale or bias that does not fit");
  return Support::yes();
}

Result<void> lowerGroup(Lowering& lowering) {
  const Shape& shape = lowering.inputDesc(0).shape;
  const std::int64_t count = lowering.node().attributes.getInt("num_groups", 1);
  const std::int64_t channels = shape[1] / count;
  const bool perGroup = lowering.node().version < 21;
  std::int64_t plane = 1;
  for (std::size_t k = 2; k < shape.rank(); ++k) plane *= shape[k];
  MomentGroups groups;
  const std::int64_t step = perGroup ? 1 : channels;
  groups.outer = {{shape[0], shape[1] * plane, 0, 0}, {count, channels * plane, step, step}};
  groups.inner = {{channels, plane, perGroup ? 0 : 1, perGroup ? 0 : 1}, {plane, 1, 0, 0}};
  groups.scale = lowering.input(1);
  groups.bias = lowering.input(2);
  groups.epsilon = lowering.node().attributes.getFloat("epsilon", 1e-5f);
  emitMoments(lowering, groups);
  return {};
}

// --- MeanVarianceNormalization

Support checkMvn(const NodeView& view) {
  if (view.input(0).rankKnown)
    for (std::int64_t axis : view.node.attributes.getInts("axes", {0, 2, 3}))
      if (!normalizeAxis(axis, view.input(0).desc.shape.rank()))
        return noAttribute("MeanVarianceNormalization over an axis that does not exist");
  return checkFloats(view);
}

Result<void> lowerMvn(Lowering& lowering) {
  const Shape& shape = lowering.inputDesc(0).shape;
  std::vector<bool> reduced(shape.rank(), false);
  for (std::int64_t axis : lowering.node().attributes.getInts("axes", {0, 2, 3}))
    reduced[*normalizeAxis(axis, shape.rank())] = true;
  MomentGroups groups;
  const std::vector<std::int64_t> strides = shape.strides();
  for (std::size_t k = 0; k < shape.rank(); ++k)
    (reduced[k] ? groups.inner : groups.outer).push_back({shape[k], strides[k], 0, 0});
  groups.epsilon = 1e-9f; // of the function body in the specification
  groups.addsEpsilonLast = true;
  emitMoments(lowering, groups);
  return {};
}

constexpr KernelDef kTable[] = {
    {"", "RMSNormalization", checkNormalized, lowerNormalized, nullptr, true},
    {"", "GroupNormalization", checkGroup, lowerGroup, nullptr, true},
    {"", "MeanVarianceNormalization", checkMvn, lowerMvn, nullptr, true},
};

} // namespace

Support checkLayerInGeneral(const NodeView& view) { return checkNormalized(view); }
Result<void> lowerLayerInGeneral(Lowering& lowering) { return lowerNormalized(lowering); }

namespace {

/// The axes of a group as at most [a][b], if its elements are one run and the parameters go along with b or not at all.
std::optional<std::array<MomentGroups::Axis, 2>> runOf(const MomentGroups& groups) {
  std::vector<MomentGroups::Axis> axes; // innermost first
  for (auto axis = groups.inner.rbegin(); axis != groups.inner.rend(); ++axis) {
    if (axis->count == 1) continue;
    MomentGroups::Axis* last = axes.empty() ? nullptr : &axes.back();
    if (axis->stride != (last ? last->stride * last->count : 1)) return std::nullopt;
    if (last && axis->scaleStride == last->scaleStride * last->count &&
        axis->biasStride == last->biasStride * last->count)
      last->count *= axis->count;
    else
      axes.push_back(*axis);
  }
  while (axes.size() < 2) axes.push_back({1, axes.empty() ? 1 : axes.back().count, 0, 0});
  const auto isStep = [](std::int64_t stride) { return stride == 0 || stride == 1; };
  if (axes.size() > 2 || !isStep(axes[0].scaleStride) || !isStep(axes[0].biasStride)) return std::nullopt;
  return std::array{axes[1], axes[0]};
}

} // namespace

void emitMoments(Lowering& lowering, const MomentGroups& groups) {
  const DataType type = lowering.inputDesc(0).type;
  const bool isDouble = type == DataType::Float64;
  const auto list = [](const std::vector<MomentGroups::Axis>& axes, std::int64_t MomentGroups::Axis::*field) {
    std::vector<std::int64_t> values;
    for (const MomentGroups::Axis& axis : axes) values.push_back(axis.*field);
    return values;
  };
  std::int64_t rows = 1, length = 1;
  for (const auto& axis : groups.outer) rows *= axis.count;
  for (const auto& axis : groups.inner) length *= axis.count;
  const auto constant = [&](double value) {
    return isDouble ? lowering.weights(std::vector<double>{value})
                    : lowering.weights(std::vector<float>{static_cast<float>(value)});
  };
  const auto moment = [&](std::size_t i) {
    const NodeView view{lowering.graph(), lowering.node()};
    return groups.keepsMoments && view.wantsOutput(i) ? lowering.output(i) : Ref();
  };
  const int lanes = lowering.gpuStyle() ? 64 : 1;
  const auto run = lowering.gpuStyle() || type != DataType::Float32 ? std::nullopt : runOf(groups);
  Step step;
  step.source = "moments";
  step.kernel = run ? "normalize_runs" : "normalize_group";
  step.options = "-DT=" + std::string(clType(type)) + (isDouble ? " -DFLOAT64" : "") +
                 " -DLX=" + std::to_string(lanes) + " -DCENTRED=" + (groups.centred ? "1" : "0") +
                 " -DDEVIATION=" + (groups.addsEpsilonLast ? "2" : "1");
  using Axis = MomentGroups::Axis;
  step.args = {lowering.input(0),
               groups.scale.kind == Ref::Kind::None ? constant(1) : groups.scale,
               groups.bias.kind == Ref::Kind::None ? constant(0) : groups.bias,
               lowering.output(0),
               moment(1),
               moment(2)};
  const std::int64_t each = rowsPerItem(rows, 1, length);
  if (run)
    step.args.insert(step.args.end(), {toInt(rows), toInt(each)});
  else
    step.args.emplace_back(toInt(length));
  step.args.emplace_back(int8Back(list(groups.outer, &Axis::count), 1));
  for (const auto stride : {&Axis::stride, &Axis::scaleStride, &Axis::biasStride})
    step.args.emplace_back(int8Back(list(groups.outer, stride), 0));
  if (run) {
    const auto& [a, b] = *run;
    step.options += " -DSCALE_STEP=" + std::to_string(b.scaleStride) + " -DBIAS_STEP=" + std::to_string(b.biasStride);
    for (std::int64_t value : {a.count, b.count, a.scaleStride, a.biasStride}) step.args.emplace_back(toInt(value));
    step.global = {static_cast<std::size_t>(ceilDivide(rows, each)), 1, 1};
  } else {
    step.args.emplace_back(int8Back(list(groups.inner, &Axis::count), 1));
    for (const auto stride : {&Axis::stride, &Axis::scaleStride, &Axis::biasStride})
      step.args.emplace_back(int8Back(list(groups.inner, stride), 0));
    step.global = {static_cast<std::size_t>(lanes * rows), 1, 1};
    step.local = {static_cast<std::size_t>(lanes), 1, 1};
  }
  step.args.emplace_back(groups.epsilon);
  if (length > 0) lowering.launch(std::move(step));
}

std::span<const KernelDef> momentsKernels();
std::span<const KernelDef> momentsKernels() { return kTable; }

} // namespace tandem::opencl
