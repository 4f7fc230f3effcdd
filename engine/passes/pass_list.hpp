// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/passes/pass_runner.hpp"

/// The passes, each in the file of its name; listed in pass_runner.cpp.
namespace tandem::passes {

Result<int> eliminateCommonSubexpressions(Graph& graph, const PassContext& context);
Result<int> foldBatchNorm(Graph& graph, const PassContext& context);
Result<int> foldConstants(Graph& graph, const PassContext& context);
Result<int> foldPad(Graph& graph, const PassContext& context);
Result<int> foldQuantization(Graph& graph, const PassContext& context);
Result<int> fuseAttention(Graph& graph, const PassContext& context);
Result<int> fuseConvActivation(Graph& graph, const PassContext& context);
Result<int> fuseConvResidual(Graph& graph, const PassContext& context);
Result<int> fuseGelu(Graph& graph, const PassContext& context);
Result<int> fuseGemm(Graph& graph, const PassContext& context);
Result<int> fuseGemmActivation(Graph& graph, const PassContext& context);
Result<int> fuseLayerNorm(Graph& graph, const PassContext& context);
Result<int> fuseShuffle(Graph& graph, const PassContext& context);
Result<int> fuseSwish(Graph& graph, const PassContext& context);
Result<int> mergeSlices(Graph& graph, const PassContext& context);
Result<int> mergeTransposes(Graph& graph, const PassContext& context);
Result<int> removeDead(Graph& graph, const PassContext& context);
Result<int> removeIdentity(Graph& graph, const PassContext& context);

} // namespace tandem::passes
