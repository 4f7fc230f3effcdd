// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/binary.hpp"

namespace tandem::ops {

// ONNX GreaterOrEqual: a >= b.
extern const OpDef kGreaterOrEqual = binaryOp(
    "GreaterOrEqual", {12, 16},
    [](ReferenceContext& context) {
      return mapComparison<NumericTypes>(context, [](auto a, auto b) { return a >= b; });
    },
    inferComparison);

} // namespace tandem::ops
