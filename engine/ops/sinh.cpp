// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Sinh: hyperbolic sine.
extern const OpDef kSinh = unaryOp("Sinh", {9, 22}, [](ReferenceContext& context) {
  return mapFloating(context, [](auto x) { return std::sinh(x); });
});

} // namespace tandem::ops
