// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

namespace tandem::ops {
namespace {

Result<void> reference(ReferenceContext& context) {
  const float alpha = context.attributes().getFloat("alpha", 1.702f);
  return mapFloating(context, [alpha](auto x) {
    using T = decltype(x);
    return x / (T(1) + std::exp(T(-alpha) * x));
  });
}

} // namespace

// com.microsoft QuickGelu: x * sigmoid(alpha * x).
extern const OpDef kMsQuickGelu = {.type = "QuickGelu",
                                   .domain = "com.microsoft",
                                   .versions = {1},
                                   .minInputs = 1,
                                   .maxInputs = 1,
                                   .traits = OpTrait::Elementwise,
                                   .infer = inferSameAsInput,
                                   .flops = flopsPerOutputElement,
                                   .reference = reference};

} // namespace tandem::ops
