// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/ms_fused_mat_mul_common.hpp"

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) { return inferFusedMatMul(context); }
double flops(const Graph& graph, const Node& node) { return fusedMatMulFlops(graph, node); }
Result<void> reference(ReferenceContext& context) { return fusedMatMul(context, Activation{}); }

} // namespace

// com.microsoft TransposeMatMul: the older name of FusedMatMul.
extern const OpDef kMsTransposeMatMul = {.type = "TransposeMatMul",
                                         .domain = "com.microsoft",
                                         .versions = {1},
                                         .minInputs = 2,
                                         .maxInputs = 2,
                                         .infer = infer,
                                         .flops = flops,
                                         .reference = reference};

} // namespace tandem::ops
