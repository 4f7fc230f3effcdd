// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/gelu_common.hpp"

namespace tandem::ops {

// ONNX Gelu: x * Phi(x) with the normal distribution's Phi by erf, or by the tanh approximation.
extern const OpDef kGelu = unaryOp("Gelu", {20}, [](ReferenceContext& context) -> Result<void> {
  const std::string_view approximate = context.attributes().getString("approximate", "none");
  if (approximate == "tanh") return mapFloating(context, [](auto x) { return geluByTanh(x); });
  if (approximate != "none") return context.fail("approximation '" + std::string(approximate) + "' is not known");
  return mapFloating(context, [](auto x) { return gelu(x); });
});

} // namespace tandem::ops
