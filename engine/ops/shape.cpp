// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/kernel_util.hpp"

#include <algorithm>

namespace tandem::ops {
namespace {

/// The dims in [start, end), both clamped to the rank.
std::vector<std::int64_t> selectedDims(const Attributes& attributes, const Shape& input) {
  const auto rank = static_cast<std::int64_t>(input.rank());
  auto clamped = [&](std::int64_t axis) { return std::clamp(axis < 0 ? axis + rank : axis, std::int64_t{0}, rank); };
  const std::int64_t start = clamped(attributes.getInt("start", 0)), end = clamped(attributes.getInt("end", rank));
  if (start >= end) return {};
  return {input.begin() + start, input.begin() + end};
}

Result<void> inferShape(InferContext& context) {
  context.setOutputType(0, DataType::Int64);
  const Shape* input = context.inputShape(0);
  if (!input) {
    if (!context.attributes().has("start") && !context.attributes().has("end"))
      context.setOutput(0, DataType::Int64, unknownShape(1));
    return {};
  }
  const std::vector<std::int64_t> dims = selectedDims(context.attributes(), *input);
  const Shape shape{static_cast<std::int64_t>(dims.size())};
  context.setOutput(0, DataType::Int64, shape);
  if (Shape(dims).isStatic()) context.setOutputValue(0, Tensor::of<std::int64_t>(shape, dims));
  return {};
}

Result<void> shapeOf(ReferenceContext& context) {
  const std::vector<std::int64_t> dims = selectedDims(context.attributes(), context.input(0).shape());
  Tensor out = TANDEM_TRY(makeOutput(context, 0, DataType::Int64, Shape{static_cast<std::int64_t>(dims.size())}));
  std::copy(dims.begin(), dims.end(), out.mutableAs<std::int64_t>().begin());
  return {};
}

constexpr OpDef makeShape() {
  OpDef def;
  def.type = "Shape";
  def.versions = {1, 13, 15, 19, 21, 23, 24, 25};
  def.infer = inferShape;
  def.reference = shapeOf;
  return def;
}

} // namespace

// ONNX Shape: the dims of the input, all or those between start and end.
extern const OpDef kShape = makeShape();

} // namespace tandem::ops
