// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Asin: arc sine in radians.
extern const OpDef kAsin = unaryOp("Asin", {7, 22}, [](ReferenceContext& context) {
  return mapFloating(context, [](auto x) { return std::asin(x); });
});

} // namespace tandem::ops
