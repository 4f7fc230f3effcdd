// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

namespace tandem::ops {

// ONNX LeakyRelu: x, or alpha * x below zero.
extern const OpDef kLeakyRelu = unaryOp("LeakyRelu", {1, 6, 16}, [](ReferenceContext& context) {
  const float alpha = context.attributes().getFloat("alpha", 0.01f);
  return mapFloating(context, [=](auto x) { return x < 0 ? alpha * x : x; });
});

} // namespace tandem::ops
