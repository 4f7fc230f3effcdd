// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/ms_fused_mat_mul_common.hpp"

namespace tandem::ops {

// com.microsoft FusedMatMul: alpha * A' * B'; attributes transA, transB (last two axes), transBatchA, transBatchB.
extern const OpDef kMsFusedMatMul = fusedMatMulOp("FusedMatMul");

} // namespace tandem::ops
