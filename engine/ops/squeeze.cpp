// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/view.hpp"

namespace tandem::ops {
namespace {

/// Without the named dims, which must be one; without all dims of one where none is named.
template <class Context>
Result<Shape> squeezed(const Context& context, const Shape& input,
                       const std::optional<std::vector<std::int64_t>>& axes) {
  std::vector<bool> drop(input.rank(), false);
  if (axes) {
    for (std::size_t axis : TANDEM_TRY(checkedAxes(context, *axes, input.rank()))) {
      if (input[axis] != 1 && input[axis] != kUnknownDim)
        return context.fail("cannot squeeze dimension " + std::to_string(axis) + " of " + input.toString());
      drop[axis] = true;
    }
  } else {
    for (std::size_t axis = 0; axis < input.rank(); ++axis) drop[axis] = input[axis] == 1;
  }
  std::vector<std::int64_t> dims;
  for (std::size_t axis = 0; axis < input.rank(); ++axis)
    if (!drop[axis]) dims.push_back(input[axis]);
  return Shape(std::move(dims));
}

std::optional<std::vector<std::int64_t>> attributeAxes(const Attributes& attributes) {
  if (!attributes.has("axes")) return std::nullopt;
  return attributes.getInts("axes");
}

Result<void> inferSqueeze(InferContext& context) {
  context.setOutputType(0, context.inputType(0));
  const Shape* input = context.inputShape(0);
  if (!input) return {};
  std::optional<std::vector<std::int64_t>> axes = attributeAxes(context.attributes());
  if (context.version() >= 13) {
    axes = TANDEM_TRY(knownInts(context, 1));
    if (!axes && context.hasInput(1)) {
      auto count = knownLength(context, 1);
      if (count && *count <= static_cast<std::int64_t>(input->rank()))
        context.setOutput(0, context.inputType(0), unknownShape(input->rank() - static_cast<std::size_t>(*count)));
      return {};
    }
  }
  if (!axes && !input->isStatic()) return {}; // which dims are one is not known
  context.setOutput(0, context.inputType(0), TANDEM_TRY(squeezed(context, *input, axes)));
  return {};
}

Result<void> squeeze(ReferenceContext& context) {
  std::optional<std::vector<std::int64_t>> axes = attributeAxes(context.attributes());
  if (context.version() >= 13) {
    axes.reset();
    if (context.hasInput(1)) axes = TANDEM_TRY(readInts(context, 1));
  }
  return copyAs(context, TANDEM_TRY(squeezed(context, context.input(0).shape(), axes)));
}

constexpr OpDef makeSqueeze() {
  OpDef def = viewOp("Squeeze", {1, 11, 13, 21, 23, 24, 25}, inferSqueeze, squeeze);
  def.maxInputs = 2;
  def.shapeInputs = 1u << 1;
  return def;
}

} // namespace

// ONNX Squeeze: without dims of one; axes are an attribute before version 13, an input since.
extern const OpDef kSqueeze = makeSqueeze();

} // namespace tandem::ops
