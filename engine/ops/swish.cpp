// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Swish: x / (1 + e^(-alpha * x)).
extern const OpDef kSwish = unaryOp("Swish", {24}, [](ReferenceContext& context) {
  const float alpha = context.attributes().getFloat("alpha", 1.0f);
  return mapFloating(context, [=](auto x) { return x / (1 + std::exp(-alpha * x)); });
});

} // namespace tandem::ops
