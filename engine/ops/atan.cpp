// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Atan: arc tangent in radians.
extern const OpDef kAtan = unaryOp("Atan", {7, 22}, [](ReferenceContext& context) {
  return mapFloating(context, [](auto x) { return std::atan(x); });
});

} // namespace tandem::ops
