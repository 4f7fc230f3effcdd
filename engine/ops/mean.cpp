// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/variadic.hpp"

namespace tandem::ops {

// ONNX Mean: mean of all inputs.
extern const OpDef kMean = variadicOp("Mean", {1, 6, 8, 13}, [](ReferenceContext& context) {
  return foldInputs<FloatingTypes>(
      context, [](auto a, auto b) { return a + b; }, [](auto sum, auto count) { return sum / count; });
});

} // namespace tandem::ops
