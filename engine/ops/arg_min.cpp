// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/arg_reduce.hpp"

namespace tandem::ops {

// ONNX ArgMin: index of the smallest element along an axis; NaN, if any, is chosen as numpy does.
extern const OpDef kArgMin = argReduceOp("ArgMin", [](ReferenceContext& context) {
  return argReduce(context, [](auto a, auto best) { return a < best || (isNaN(a) && !isNaN(best)); });
});

} // namespace tandem::ops
