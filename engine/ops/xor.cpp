// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/binary.hpp"

namespace tandem::ops {

// ONNX Xor: true where exactly one of a and b is.
extern const OpDef kXor = binaryOp(
    "Xor", {1, 7},
    [](ReferenceContext& context) {
      return mapComparison<TypeList<bool>>(context, [](auto a, auto b) { return a != b; });
    },
    inferComparison);

} // namespace tandem::ops
