// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/binary.hpp"

namespace tandem::ops {

// ONNX Equal: a == b.
extern const OpDef kEqual = binaryOp(
    "Equal", {1, 7, 11, 13, 19},
    [](ReferenceContext& context) { return mapComparison<AllTypes>(context, [](auto a, auto b) { return a == b; }); },
    inferComparison);

} // namespace tandem::ops
