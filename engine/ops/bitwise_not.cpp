// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

namespace tandem::ops {

// ONNX BitwiseNot: every bit flipped.
extern const OpDef kBitwiseNot = unaryOp("BitwiseNot", {18}, [](ReferenceContext& context) {
  return mapUnary<IntegerTypes>(context, [](auto x) { return ~x; });
});

} // namespace tandem::ops
