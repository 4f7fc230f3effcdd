// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Acos: arc cosine in radians.
extern const OpDef kAcos = unaryOp("Acos", {7, 22}, [](ReferenceContext& context) {
  return mapFloating(context, [](auto x) { return std::acos(x); });
});

} // namespace tandem::ops
