// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/block_rearrange.hpp"

#include "engine/base/checked.hpp"

namespace tandem::ops {
namespace {

template <class Context> Result<Shape> spreadShape(const Context& context, const Shape& input, std::int64_t block) {
  if (input.rank() != 4) return context.fail("the input must have rank 4, not " + input.toString());
  if (input[1] != kUnknownDim && input[1] % (block * block) != 0)
    return context.fail("the channels of " + input.toString() + " do not divide into blocks");
  Shape shape = input;
  if (shape[1] != kUnknownDim) shape[1] /= block * block;
  for (std::size_t axis = 2; axis < 4; ++axis) {
    if (shape[axis] == kUnknownDim) continue;
    auto dim = checkedMul(shape[axis], block);
    if (!dim) return context.fail("the result is too large");
    shape[axis] = *dim;
  }
  return shape;
}

Result<void> inferDepthToSpace(InferContext& context) {
  const std::int64_t block = TANDEM_TRY(blockSize(context));
  Shape shape = unknownShape(4);
  if (const Shape* input = context.inputShape(0)) shape = TANDEM_TRY(spreadShape(context, *input, block));
  context.setOutput(0, context.inputType(0), shape);
  return {};
}

Result<void> depthToSpace(ReferenceContext& context) {
  const std::int64_t block = TANDEM_TRY(blockSize(context));
  const Shape& x = context.input(0).shape();
  const Shape shape = TANDEM_TRY(spreadShape(context, x, block));
  const std::string_view mode = context.attributes().getString("mode", "DCR");
  if (mode == "DCR") {
    constexpr std::size_t kOrder[] = {0, 3, 4, 1, 5, 2};
    return permuteAs(context, Shape{x[0], block, block, shape[1], x[2], x[3]}, kOrder, shape);
  }
  if (mode == "CRD") {
    constexpr std::size_t kOrder[] = {0, 1, 4, 2, 5, 3};
    return permuteAs(context, Shape{x[0], shape[1], block, block, x[2], x[3]}, kOrder, shape);
  }
  return context.fail("mode '" + std::string(mode) + "' is not known");
}

constexpr OpDef makeDepthToSpace() {
  OpDef def;
  def.type = "DepthToSpace";
  def.versions = {1, 11, 13};
  def.infer = inferDepthToSpace;
  def.reference = depthToSpace;
  return def;
}

} // namespace

// ONNX DepthToSpace: channels spread over blocks of pixels; depth-column-row or column-row-depth order.
extern const OpDef kDepthToSpace = makeDepthToSpace();

} // namespace tandem::ops
