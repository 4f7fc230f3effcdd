// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/view.hpp"

namespace tandem::ops {
namespace {

/// With dims of one at the places `axes` names in the result.
template <class Context>
Result<Shape> unsqueezed(const Context& context, const Shape& input, std::span<const std::int64_t> axes) {
  const std::size_t rank = input.rank() + axes.size();
  std::vector<std::int64_t> dims(rank, 0);
  for (std::size_t axis : TANDEM_TRY(checkedAxes(context, axes, rank))) dims[axis] = 1;
  auto next = input.begin();
  for (std::int64_t& dim : dims)
    if (dim == 0) dim = *next++;
  return Shape(std::move(dims));
}

Result<void> inferUnsqueeze(InferContext& context) {
  context.setOutputType(0, context.inputType(0));
  const Shape* input = context.inputShape(0);
  if (!input) return {};
  std::vector<std::int64_t> axes = context.attributes().getInts("axes");
  if (context.version() >= 13) {
    auto known = TANDEM_TRY(knownInts(context, 1));
    if (!known) {
      if (auto count = knownLength(context, 1))
        context.setOutput(0, context.inputType(0), unknownShape(input->rank() + static_cast<std::size_t>(*count)));
      return {};
    }
    axes = *known;
  }
  context.setOutput(0, context.inputType(0), TANDEM_TRY(unsqueezed(context, *input, axes)));
  return {};
}

Result<void> unsqueeze(ReferenceContext& context) {
  std::vector<std::int64_t> axes = context.attributes().getInts("axes");
  if (context.version() >= 13) axes = TANDEM_TRY(readInts(context, 1));
  return copyAs(context, TANDEM_TRY(unsqueezed(context, context.input(0).shape(), axes)));
}

constexpr OpDef makeUnsqueeze() {
  OpDef def = viewOp("Unsqueeze", {1, 11, 13, 21, 23, 24, 25}, inferUnsqueeze, unsqueeze);
  def.maxInputs = 2;
  def.shapeInputs = 1u << 1;
  return def;
}

} // namespace

// ONNX Unsqueeze: with dims of one put in; axes are an attribute before version 13, an input since.
extern const OpDef kUnsqueeze = makeUnsqueeze();

} // namespace tandem::ops
