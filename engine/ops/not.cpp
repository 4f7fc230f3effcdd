// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

namespace tandem::ops {

// ONNX Not: logical negation.
extern const OpDef kNot = unaryOp(
    "Not", {1}, [](ReferenceContext& context) { return mapUnary<TypeList<bool>>(context, [](bool x) { return !x; }); });

} // namespace tandem::ops
