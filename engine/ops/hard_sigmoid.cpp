// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <algorithm>

namespace tandem::ops {

// ONNX HardSigmoid: max(0, min(1, alpha * x + beta)).
extern const OpDef kHardSigmoid = unaryOp("HardSigmoid", {1, 6, 22}, [](ReferenceContext& context) {
  const float alpha = context.attributes().getFloat("alpha", 0.2f);
  const float beta = context.attributes().getFloat("beta", 0.5f);
  return mapFloating(context, [=](auto x) {
    using T = decltype(x);
    return std::clamp(T(alpha) * x + T(beta), T(0), T(1));
  });
});

} // namespace tandem::ops
