// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/variadic.hpp"

namespace tandem::ops {

// ONNX Sum: sum of all inputs.
extern const OpDef kSum = variadicOp("Sum", {1, 6, 8, 13}, [](ReferenceContext& context) {
  return foldInputs<FloatingTypes>(context, [](auto a, auto b) { return a + b; });
});

} // namespace tandem::ops
