// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/binary.hpp"

namespace tandem::ops {

// ONNX Greater: a > b.
extern const OpDef kGreater = binaryOp(
    "Greater", {1, 7, 9, 13},
    [](ReferenceContext& context) {
      return mapComparison<NumericTypes>(context, [](auto a, auto b) { return a > b; });
    },
    inferComparison);

} // namespace tandem::ops
