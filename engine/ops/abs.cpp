// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Abs: |x|. The most negative integer wraps onto itself.
extern const OpDef kAbs = unaryOp("Abs", {1, 6, 13}, [](ReferenceContext& context) {
  return mapUnary<NumericTypes>(context, [](auto x) {
    if constexpr (std::is_floating_point_v<decltype(x)>)
      return std::fabs(x);
    else
      return x < 0 ? wrapSub(decltype(x)(0), x) : x;
  });
});

} // namespace tandem::ops
