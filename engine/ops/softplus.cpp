// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::ops {

// ONNX Softplus: ln(1 + e^x), in the form that does not overflow.
extern const OpDef kSoftplus = unaryOp("Softplus", {1, 22}, [](ReferenceContext& context) {
  return mapFloating(context, [](auto x) { return std::max(x, decltype(x)(0)) + std::log1p(std::exp(-std::fabs(x))); });
});

} // namespace tandem::ops
