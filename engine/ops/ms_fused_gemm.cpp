// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/product_common.hpp"

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) {
  TANDEM_TRY(activationOf(context.node()));
  return inferGemm(context);
}
Result<void> reference(ReferenceContext& context) {
  return gemmReference(context, TANDEM_TRY(activationOf(context.node())));
}

} // namespace

// com.microsoft FusedGemm: Gemm, then attribute activation with activation_alpha and activation_beta.
extern const OpDef kMsFusedGemm = {.type = "FusedGemm",
                                   .domain = "com.microsoft",
                                   .versions = {1},
                                   .minInputs = 2,
                                   .maxInputs = 3,
                                   .infer = infer,
                                   .flops = gemmFlops,
                                   .reference = reference};

} // namespace tandem::ops
