// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/binary.hpp"

namespace tandem::ops {

// ONNX And: logical a && b.
extern const OpDef kAnd = binaryOp(
    "And", {1, 7},
    [](ReferenceContext& context) {
      return mapComparison<TypeList<bool>>(context, [](auto a, auto b) { return a && b; });
    },
    inferComparison);

} // namespace tandem::ops
