// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

namespace tandem::ops {

// ONNX Shrink: x + bias below -lambd, x - bias above lambd, 0 between.
extern const OpDef kShrink = unaryOp("Shrink", {9}, [](ReferenceContext& context) {
  const float bias = context.attributes().getFloat("bias", 0.0f);
  const float lambda = context.attributes().getFloat("lambd", 0.5f);
  return mapUnary<NumericTypes>(context, [=]<class T>(T x) {
    using C = std::conditional_t<std::is_same_v<T, float>, float, double>;
    const C value = static_cast<C>(x);
    return convert<T>(value < -lambda ? value + bias : value > lambda ? value - bias : C(0));
  });
});

} // namespace tandem::ops
