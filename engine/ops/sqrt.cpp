// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Sqrt: square root; NaN below zero.
extern const OpDef kSqrt = unaryOp("Sqrt", {1, 6, 13}, [](ReferenceContext& context) {
  return mapFloating(context, [](auto x) { return std::sqrt(x); });
});

} // namespace tandem::ops
