// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

namespace tandem::ops {

// ONNX Sign: -1, 0 or 1; NaN stays NaN.
extern const OpDef kSign = unaryOp("Sign", {9, 13}, [](ReferenceContext& context) {
  return mapUnary<NumericTypes>(context, [](auto x) {
    using T = decltype(x);
    return x > 0 ? T(1) : x < 0 ? T(-1) : x;
  });
});

} // namespace tandem::ops
