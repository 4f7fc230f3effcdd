// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Erf: Gauss error function.
extern const OpDef kErf = unaryOp(
    "Erf", {9, 13}, [](ReferenceContext& context) { return mapFloating(context, [](auto x) { return std::erf(x); }); });

} // namespace tandem::ops
