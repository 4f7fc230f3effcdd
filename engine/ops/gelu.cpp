// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>
#include <numbers>

namespace tandem::ops {

// ONNX Gelu: x * Phi(x) with the normal distribution's Phi by erf, or by the tanh approximation (arXiv:1606.08415).
extern const OpDef kGelu = unaryOp("Gelu", {20}, [](ReferenceContext& context) -> Result<void> {
  const std::string_view approximate = context.attributes().getString("approximate", "none");
  if (approximate == "tanh")
    return mapFloating(context, [](auto x) {
      using T = decltype(x);
      const T inner = T(std::numbers::sqrt2 * std::numbers::inv_sqrtpi) * (x + T(0.044715) * x * x * x);
      return x * T(0.5) * (1 + std::tanh(inner));
    });
  if (approximate != "none") return context.fail("approximation '" + std::string(approximate) + "' is not known");
  return mapFloating(context, [](auto x) {
    using T = decltype(x);
    return x * T(0.5) * (1 + std::erf(x / T(std::numbers::sqrt2)));
  });
});

} // namespace tandem::ops
