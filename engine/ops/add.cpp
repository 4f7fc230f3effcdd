// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/binary.hpp"

namespace tandem::ops {

// ONNX Add: a + b. Integers wrap.
extern const OpDef kAdd = binaryOp(
    "Add", {1, 6, 7, 13, 14},
    [](ReferenceContext& context) {
      return mapBinary<NumericTypes>(context, [](auto a, auto b) { return wrapAdd(a, b); });
    },
    inferBinary);

} // namespace tandem::ops
