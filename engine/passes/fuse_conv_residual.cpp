// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passes/activation_match.hpp"
#include "engine/passes/fused_conv.hpp"
#include "engine/passes/pass_list.hpp"
#include "engine/passes/rewrite.hpp"

namespace tandem::passes {
namespace {

constexpr std::size_t kResidual = 3; ///< input of FusedConv

bool fuse(Graph& graph, const PassContext& context, NodeId conv, NodeId add, ValueId residual) {
  const Node& node = graph.node(conv);
  if (!isConvLike(node) || !hasNoActivation(node) || node.inputs.size() > kResidual) return false;
  // The sum is the only reader of the convolution, so the residual cannot depend on it: no cycle can arise.
  if (soleConsumer(graph, node.outputs[0]) != add || !context.allowsFusion(node, graph.node(add))) return false;
  const Value& middle = graph.value(node.outputs[0]);
  if (!middle.isStatic() || !graph.value(residual).isStatic()) return false;
  if (graph.value(residual).desc != middle.desc || graph.value(graph.node(add).outputs[0]).desc != middle.desc)
    return false;
  makeFusedConv(graph, conv);
  graph.node(conv).inputs.resize(kResidual + 1);
  graph.setInput(conv, kResidual, residual);
  absorbConsumer(graph, conv, add);
  return true;
}

} // namespace

Result<int> fuseConvResidual(Graph& graph, const PassContext& context) {
  int changes = 0;
  for (NodeId id : topologicalOrder(graph)) {
    TANDEM_TRY(context.cancel.check());
    const Node& node = graph.node(id);
    if ((!isOp(node, "Add") && !isOp(node, "Sum")) || node.inputs.size() != 2) continue;
    const ValueId left = node.inputs[0], right = node.inputs[1];
    const auto a = producerOf(graph, id, 0), b = producerOf(graph, id, 1);
    if ((a && fuse(graph, context, *a, id, right)) || (b && fuse(graph, context, *b, id, left))) ++changes;
  }
  return changes;
}

} // namespace tandem::passes
