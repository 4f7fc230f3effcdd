// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/gelu_common.hpp"

namespace tandem::ops {
namespace {

Result<void> reference(ReferenceContext& context) {
  return mapBiased(context, [](auto x) { return gelu(x); });
}

} // namespace

// com.microsoft BiasGelu: Gelu of A + B, where B goes along the last axis.
extern const OpDef kMsBiasGelu = {.type = "BiasGelu",
                                  .domain = "com.microsoft",
                                  .versions = {1},
                                  .minInputs = 2,
                                  .maxInputs = 2,
                                  .infer = inferSameAsInput,
                                  .flops = flopsPerOutputElement,
                                  .reference = reference};

} // namespace tandem::ops
