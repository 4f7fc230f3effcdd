// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/binary.hpp"

namespace tandem::ops {

// ONNX BitwiseXor: a ^ b.
extern const OpDef kBitwiseXor = binaryOp(
    "BitwiseXor", {18},
    [](ReferenceContext& context) { return mapBinary<IntegerTypes>(context, [](auto a, auto b) { return a ^ b; }); },
    inferBinary);

} // namespace tandem::ops
