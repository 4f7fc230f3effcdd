// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/arg_reduce.hpp"

namespace tandem::ops {

// ONNX ArgMax: index of the largest element along an axis; NaN, if any, is chosen as numpy does.
extern const OpDef kArgMax = argReduceOp("ArgMax", [](ReferenceContext& context) {
  return argReduce(context, [](auto a, auto best) { return a > best || (isNaN(a) && !isNaN(best)); });
});

} // namespace tandem::ops
