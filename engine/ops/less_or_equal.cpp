// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/binary.hpp"

namespace tandem::ops {

// ONNX LessOrEqual: a <= b.
extern const OpDef kLessOrEqual = binaryOp(
    "LessOrEqual", {12, 16},
    [](ReferenceContext& context) {
      return mapComparison<NumericTypes>(context, [](auto a, auto b) { return a <= b; });
    },
    inferComparison);

} // namespace tandem::ops
