// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/gelu_common.hpp"
#include "engine/ops/unary.hpp"

namespace tandem::ops {
namespace {

Result<void> reference(ReferenceContext& context) {
  return mapFloating(context, [](auto x) { return gelu(x); });
}

} // namespace

// com.microsoft Gelu: x * Phi(x) by erf.
extern const OpDef kMsGelu = {.type = "Gelu",
                              .domain = "com.microsoft",
                              .versions = {1},
                              .minInputs = 1,
                              .maxInputs = 1,
                              .traits = OpTrait::Elementwise,
                              .infer = inferSameAsInput,
                              .flops = flopsPerOutputElement,
                              .reference = reference};

} // namespace tandem::ops
