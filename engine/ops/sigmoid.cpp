// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Sigmoid: 1 / (1 + e^-x).
extern const OpDef kSigmoid = unaryOp("Sigmoid", {1, 6, 13}, [](ReferenceContext& context) {
  return mapFloating(context, [](auto x) { return 1 / (1 + std::exp(-x)); });
});

} // namespace tandem::ops
