// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Round: nearest integer, halves to the even one (the default rounding mode).
extern const OpDef kRound = unaryOp("Round", {11, 22}, [](ReferenceContext& context) {
  return mapFloating(context, [](auto x) { return std::nearbyint(x); });
});

} // namespace tandem::ops
