// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Atanh: inverse hyperbolic tangent.
extern const OpDef kAtanh = unaryOp("Atanh", {9, 22}, [](ReferenceContext& context) {
  return mapFloating(context, [](auto x) { return std::atanh(x); });
});

} // namespace tandem::ops
