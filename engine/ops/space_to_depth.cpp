// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/block_rearrange.hpp"

#include "engine/base/checked.hpp"

namespace tandem::ops {
namespace {

template <class Context> Result<Shape> gatheredShape(const Context& context, const Shape& input, std::int64_t block) {
  if (input.rank() != 4) return context.fail("the input must have rank 4, not " + input.toString());
  Shape shape = input;
  if (shape[1] != kUnknownDim) {
    auto channels = checkedMul(shape[1], block * block);
    if (!channels) return context.fail("the result is too large");
    shape[1] = *channels;
  }
  for (std::size_t axis = 2; axis < 4; ++axis) {
    if (shape[axis] == kUnknownDim) continue;
    if (shape[axis] % block != 0)
      return context.fail("the picture " + input.toString() + " does not divide into blocks");
    shape[axis] /= block;
  }
  return shape;
}

Result<void> inferSpaceToDepth(InferContext& context) {
  const std::int64_t block = TANDEM_TRY(blockSize(context));
  Shape shape = unknownShape(4);
  if (const Shape* input = context.inputShape(0)) shape = TANDEM_TRY(gatheredShape(context, *input, block));
  context.setOutput(0, context.inputType(0), shape);
  return {};
}

Result<void> spaceToDepth(ReferenceContext& context) {
  const std::int64_t block = TANDEM_TRY(blockSize(context));
  const Shape& x = context.input(0).shape();
  const Shape shape = TANDEM_TRY(gatheredShape(context, x, block));
  std::array<std::size_t, 6> order{0, 3, 5, 1, 2, 4};
  if (context.attributes().getString("mode", "DCR") == "CRD") order = {0, 1, 3, 5, 2, 4};
  return permuteAs(context, Shape{x[0], x[1], shape[2], block, shape[3], block}, order, shape);
}

constexpr OpDef makeSpaceToDepth() {
  OpDef def;
  def.type = "SpaceToDepth";
  def.versions = {1, 13};
  def.infer = inferSpaceToDepth;
  def.reference = spaceToDepth;
  return def;
}

} // namespace

// ONNX SpaceToDepth: blocks of pixels gathered into channels.
extern const OpDef kSpaceToDepth = makeSpaceToDepth();

} // namespace tandem::ops
