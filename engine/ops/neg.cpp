// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

namespace tandem::ops {

// ONNX Neg: -x.
extern const OpDef kNeg = unaryOp("Neg", {1, 6, 13}, [](ReferenceContext& context) {
  return mapSigned(context, [](auto x) { return wrapSub(decltype(x)(0), x); });
});

} // namespace tandem::ops
