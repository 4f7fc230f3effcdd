// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Sin: sine of radians.
extern const OpDef kSin = unaryOp(
    "Sin", {7, 22}, [](ReferenceContext& context) { return mapFloating(context, [](auto x) { return std::sin(x); }); });

} // namespace tandem::ops
