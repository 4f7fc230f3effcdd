// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

namespace tandem::ops {

// ONNX Reciprocal: 1 / x.
extern const OpDef kReciprocal = unaryOp("Reciprocal", {1, 6, 13}, [](ReferenceContext& context) {
  return mapFloating(context, [](auto x) { return 1 / x; });
});

} // namespace tandem::ops
