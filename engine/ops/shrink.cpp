// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

namespace tandem::ops {

// ONNX Shrink: x + bias below -lambd, x - bias above lambd, 0 between.
extern const OpDef kShrink = unaryOp("Shrink", {9}, [](ReferenceContext& context) {
  const float bias = context.attributes().getFloat("bias", 0.0f);
  const float lambda = context.attributes().getFloat("lambd", 0.5f);
  return mapFloating(context, [=](auto x) { return x < -lambda ? x + bias : x > lambda ? x - bias : decltype(x)(0); });
});

} // namespace tandem::ops
