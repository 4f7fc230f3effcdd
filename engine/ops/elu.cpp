// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Elu: x, or alpha * (e^x - 1) below zero.
extern const OpDef kElu = unaryOp("Elu", {1, 6, 22}, [](ReferenceContext& context) {
  const float alpha = context.attributes().getFloat("alpha", 1.0f);
  return mapFloating(context, [=](auto x) { return x < 0 ? alpha * std::expm1(x) : x; });
});

} // namespace tandem::ops
