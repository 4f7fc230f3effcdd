// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Log: natural logarithm; NaN below zero.
extern const OpDef kLog = unaryOp("Log", {1, 6, 13}, [](ReferenceContext& context) {
  return mapFloating(context, [](auto x) { return std::log(x); });
});

} // namespace tandem::ops
