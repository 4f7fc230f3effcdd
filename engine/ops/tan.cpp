// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Tan: tangent of radians.
extern const OpDef kTan = unaryOp(
    "Tan", {7, 22}, [](ReferenceContext& context) { return mapFloating(context, [](auto x) { return std::tan(x); }); });

} // namespace tandem::ops
