// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Tanh: hyperbolic tangent.
extern const OpDef kTanh = unaryOp("Tanh", {1, 6, 13}, [](ReferenceContext& context) {
  return mapFloating(context, [](auto x) { return std::tanh(x); });
});

} // namespace tandem::ops
