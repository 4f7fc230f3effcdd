// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/cast.hpp"

namespace tandem::ops {
namespace {

Result<void> inferCastLike(InferContext& context) {
  const Shape* shape = context.inputShape(0);
  setOutputMaybe(context, 0, context.inputType(1), shape ? std::optional(*shape) : std::nullopt);
  return {};
}

constexpr OpDef makeCastLike() {
  OpDef def;
  def.type = "CastLike";
  def.versions = {15, 19, 21, 23, 24, 25};
  def.minInputs = def.maxInputs = 2;
  def.infer = inferCastLike;
  def.reference = [](ReferenceContext& context) { return castTo(context, context.input(1).type()); };
  return def;
}

} // namespace

// ONNX CastLike: input 0 in the element type of input 1.
extern const OpDef kCastLike = makeCastLike();

} // namespace tandem::ops
