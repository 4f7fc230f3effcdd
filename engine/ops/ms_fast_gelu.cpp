// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/gelu_common.hpp"

namespace tandem::ops {
namespace {

Result<void> reference(ReferenceContext& context) {
  return mapBiased(context, [](auto x) { return geluByTanh(x); });
}

} // namespace

// com.microsoft FastGelu: Gelu by tanh, of X + bias where there is a bias (along the last axis).
extern const OpDef kMsFastGelu = {.type = "FastGelu",
                                  .domain = "com.microsoft",
                                  .versions = {1},
                                  .minInputs = 1,
                                  .maxInputs = 2,
                                  .infer = inferSameAsInput,
                                  .flops = flopsPerOutputElement,
                                  .reference = reference};

} // namespace tandem::ops
