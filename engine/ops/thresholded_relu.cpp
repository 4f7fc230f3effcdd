// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

namespace tandem::ops {

// ONNX ThresholdedRelu: x above alpha, 0 elsewhere.
extern const OpDef kThresholdedRelu = unaryOp("ThresholdedRelu", {10, 22}, [](ReferenceContext& context) {
  const float alpha = context.attributes().getFloat("alpha", 1.0f);
  return mapFloating(context, [=](auto x) { return x > alpha ? x : decltype(x)(0); });
});

} // namespace tandem::ops
