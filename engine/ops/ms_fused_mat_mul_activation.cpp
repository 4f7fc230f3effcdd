// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/ms_fused_mat_mul_common.hpp"

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) {
  TANDEM_TRY(activationOf(context.node()));
  return inferFusedMatMul(context);
}
Result<void> reference(ReferenceContext& context) {
  return fusedMatMul(context, TANDEM_TRY(activationOf(context.node())));
}

} // namespace

// com.microsoft FusedMatMulActivation: FusedMatMul, then attribute activation.
extern const OpDef kMsFusedMatMulActivation = {.type = "FusedMatMulActivation",
                                               .domain = "com.microsoft",
                                               .versions = {1},
                                               .minInputs = 2,
                                               .maxInputs = 2,
                                               .infer = infer,
                                               .flops = fusedMatMulFlops,
                                               .reference = reference};

} // namespace tandem::ops
