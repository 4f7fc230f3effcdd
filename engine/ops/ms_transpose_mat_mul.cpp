// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/ms_fused_mat_mul_common.hpp"

namespace tandem::ops {

// com.microsoft TransposeMatMul: the older name of FusedMatMul.
extern const OpDef kMsTransposeMatMul = fusedMatMulOp("TransposeMatMul");

} // namespace tandem::ops
