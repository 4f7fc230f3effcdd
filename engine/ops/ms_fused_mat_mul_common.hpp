// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/activation.hpp"
#include "engine/ops/op_def.hpp"

namespace tandem::ops {

/// com.microsoft FusedMatMul and its relatives: activation(alpha * A' * B'). A' is A with axis 0 moved to the place
/// before the last (transBatchA), then with the last two axes swapped (transA); B' likewise. A vector is never turned.
Result<void> inferFusedMatMul(InferContext& context);
double fusedMatMulFlops(const Graph& graph, const Node& node);
Result<void> fusedMatMul(ReferenceContext& context, const Activation& activation);

} // namespace tandem::ops
