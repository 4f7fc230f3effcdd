// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Softsign: x / (1 + |x|).
extern const OpDef kSoftsign = unaryOp("Softsign", {1, 22}, [](ReferenceContext& context) {
  return mapFloating(context, [](auto x) { return x / (1 + std::fabs(x)); });
});

} // namespace tandem::ops
