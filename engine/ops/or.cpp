// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/binary.hpp"

namespace tandem::ops {

// ONNX Or: logical a || b.
extern const OpDef kOr = binaryOp(
    "Or", {1, 7},
    [](ReferenceContext& context) {
      return mapComparison<TypeList<bool>>(context, [](auto a, auto b) { return a || b; });
    },
    inferComparison);

} // namespace tandem::ops
