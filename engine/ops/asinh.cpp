// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Asinh: inverse hyperbolic sine.
extern const OpDef kAsinh = unaryOp("Asinh", {9, 22}, [](ReferenceContext& context) {
  return mapFloating(context, [](auto x) { return std::asinh(x); });
});

} // namespace tandem::ops
