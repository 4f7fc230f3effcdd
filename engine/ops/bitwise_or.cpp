// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/binary.hpp"

namespace tandem::ops {

// ONNX BitwiseOr: a | b.
extern const OpDef kBitwiseOr = binaryOp(
    "BitwiseOr", {18},
    [](ReferenceContext& context) { return mapBinary<IntegerTypes>(context, [](auto a, auto b) { return a | b; }); },
    inferBinary);

} // namespace tandem::ops
