// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/binary.hpp"

namespace tandem::ops {

// ONNX Mul: a * b. Integers wrap.
extern const OpDef kMul = binaryOp(
    "Mul", {1, 6, 7, 13, 14},
    [](ReferenceContext& context) {
      return mapBinary<NumericTypes>(context, [](auto a, auto b) { return wrapMul(a, b); });
    },
    inferBinary);

} // namespace tandem::ops
