// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Cos: cosine of radians.
extern const OpDef kCos = unaryOp(
    "Cos", {7, 22}, [](ReferenceContext& context) { return mapFloating(context, [](auto x) { return std::cos(x); }); });

} // namespace tandem::ops
