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
/// The definition of those without an activation.
constexpr OpDef fusedMatMulOp(std::string_view type) {
  OpDef def;
  def.type = type;
  def.domain = "com.microsoft";
  def.versions = {1};
  def.minInputs = 2;
  def.maxInputs = 2;
  def.infer = inferFusedMatMul;
  def.flops = fusedMatMulFlops;
  def.reference = [](ReferenceContext& context) { return fusedMatMul(context, Activation{}); };
  return def;
}

} // namespace tandem::ops
