// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Cosh: hyperbolic cosine.
extern const OpDef kCosh = unaryOp("Cosh", {9, 22}, [](ReferenceContext& context) {
  return mapFloating(context, [](auto x) { return std::cosh(x); });
});

} // namespace tandem::ops
