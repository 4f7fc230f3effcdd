// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

// ONNX Floor: largest integer not above x.
extern const OpDef kFloor = unaryOp("Floor", {1, 6, 13}, [](ReferenceContext& context) {
  return mapFloating(context, [](auto x) { return std::floor(x); });
});

} // namespace tandem::ops
