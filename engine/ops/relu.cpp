// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

namespace tandem::ops {

// ONNX Relu: max(0, x), where NaN stays NaN. Version 14 adds the integer types.
extern const OpDef kRelu = unaryOp("Relu", {1, 6, 13, 14}, [](ReferenceContext& context) {
  return mapSigned(context, [](auto x) { return x <= 0 ? decltype(x)(0) : x; });
});

} // namespace tandem::ops
