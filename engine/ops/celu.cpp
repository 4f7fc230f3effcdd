// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Celu: max(0, x) + min(0, alpha * (e^(x / alpha) - 1)).
extern const OpDef kCelu = unaryOp("Celu", {12}, [](ReferenceContext& context) {
  const float alpha = context.attributes().getFloat("alpha", 1.0f);
  return mapFloating(context, [=](auto x) { return x < 0 ? alpha * std::expm1(x / alpha) : x; });
});

} // namespace tandem::ops
