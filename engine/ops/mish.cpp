// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::ops {

// ONNX Mish: x * tanh(softplus(x)).
extern const OpDef kMish = unaryOp("Mish", {18, 22}, [](ReferenceContext& context) {
  return mapFloating(
      context, [](auto x) { return x * std::tanh(std::max(x, decltype(x)(0)) + std::log1p(std::exp(-std::fabs(x)))); });
});

} // namespace tandem::ops
