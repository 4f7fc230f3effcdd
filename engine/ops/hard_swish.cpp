// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <algorithm>

namespace tandem::ops {

// ONNX HardSwish: x * max(0, min(1, x / 6 + 1 / 2)).
extern const OpDef kHardSwish = unaryOp("HardSwish", {14, 22}, [](ReferenceContext& context) {
  return mapFloating(context, [](auto x) {
    using T = decltype(x);
    return x * std::clamp(x / 6 + T(0.5), T(0), T(1));
  });
});

} // namespace tandem::ops
