// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/binary.hpp"

namespace tandem::ops {

// ONNX Sub: a - b. Integers wrap.
extern const OpDef kSub = binaryOp(
    "Sub", {1, 6, 7, 13, 14},
    [](ReferenceContext& context) {
      return mapBinary<NumericTypes>(context, [](auto a, auto b) { return wrapSub(a, b); });
    },
    inferBinary);

} // namespace tandem::ops
