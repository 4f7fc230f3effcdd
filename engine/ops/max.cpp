// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/variadic.hpp"

namespace tandem::ops {

// ONNX Max: largest of all inputs; NaN where any is NaN.
extern const OpDef kMax = variadicOp("Max", {1, 6, 8, 12, 13}, [](ReferenceContext& context) {
  return foldInputs<NumericTypes>(context, [](auto a, auto b) { return b > a || isNaN(b) ? b : a; });
});

} // namespace tandem::ops
