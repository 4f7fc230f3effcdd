// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Exp: e to the x.
extern const OpDef kExp = unaryOp("Exp", {1, 6, 13}, [](ReferenceContext& context) {
  return mapFloating(context, [](auto x) { return std::exp(x); });
});

} // namespace tandem::ops
