// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Acosh: inverse hyperbolic cosine.
extern const OpDef kAcosh = unaryOp("Acosh", {9, 22}, [](ReferenceContext& context) {
  return mapFloating(context, [](auto x) { return std::acosh(x); });
});

} // namespace tandem::ops
