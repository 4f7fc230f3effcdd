// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/variadic.hpp"

namespace tandem::ops {

// ONNX Min: smallest of all inputs; NaN where any is NaN.
extern const OpDef kMin = variadicOp("Min", {1, 6, 8, 12, 13}, [](ReferenceContext& context) {
  return foldInputs<NumericTypes>(context, [](auto a, auto b) { return b < a || isNaN(b) ? b : a; });
});

} // namespace tandem::ops
