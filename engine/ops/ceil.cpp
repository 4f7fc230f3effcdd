// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Ceil: smallest integer not below x.
extern const OpDef kCeil = unaryOp("Ceil", {1, 6, 13}, [](ReferenceContext& context) {
  return mapFloating(context, [](auto x) { return std::ceil(x); });
});

} // namespace tandem::ops
