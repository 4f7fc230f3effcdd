// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Selu: gamma * x, or gamma * alpha * (e^x - 1) below zero.
extern const OpDef kSelu = unaryOp("Selu", {1, 6, 22}, [](ReferenceContext& context) {
  // Version 1 rounds the constants of the paper (arXiv:1706.02515) to four digits.
  const bool rounded = context.version() < 6;
  const float alpha = context.attributes().getFloat("alpha", rounded ? 1.6732f : 1.67326319217681884765625f);
  const float gamma = context.attributes().getFloat("gamma", rounded ? 1.0507f : 1.05070102214813232421875f);
  return mapFloating(context, [=](auto x) { return x > 0 ? gamma * x : gamma * alpha * std::expm1(x); });
});

} // namespace tandem::ops
