// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passes/activation_match.hpp"
#include "engine/passes/fused_conv.hpp"
#include "engine/passes/pass_list.hpp"
#include "engine/passes/rewrite.hpp"

namespace tandem::passes {
namespace {

bool fuseHardSwish(Graph& graph, const PassContext& context, NodeId conv) {
  const auto swish = hardSwishOf(graph, graph.node(conv).outputs[0]);
  if (!swish || !context.allowsFusion(graph.node(conv), graph.node(swish->last))) return false;
  for (NodeId inner : swish->inner)
    if (!context.allowsFusion(graph.node(conv), graph.node(inner))) return false;
  makeFusedConv(graph, conv);
  setActivation(graph.node(conv), {"HardSwish", {}, {}});
  for (NodeId inner : swish->inner) {
    addOrigins(graph.node(conv), graph.node(inner));
    graph.removeNode(inner);
  }
  absorbConsumer(graph, conv, swish->last);
  return true;
}

bool fuseActivation(Graph& graph, const PassContext& context, NodeId conv) {
  const ValueId middle = graph.node(conv).outputs[0];
  const auto consumer = soleConsumer(graph, middle);
  if (!consumer || !context.allowsFusion(graph.node(conv), graph.node(*consumer))) return false;
  const auto activation = activationOfNode(graph, graph.node(*consumer), middle);
  if (!activation) return false;
  makeFusedConv(graph, conv);
  setActivation(graph.node(conv), *activation);
  absorbConsumer(graph, conv, *consumer);
  return true;
}

} // namespace

Result<int> fuseConvActivation(Graph& graph, const PassContext& context) {
  int changes = 0;
  for (NodeId id : topologicalOrder(graph)) {
    TANDEM_TRY(context.cancel.check());
    if (!isConvLike(graph.node(id)) || !hasNoActivation(graph.node(id))) continue;
    if (fuseActivation(graph, context, id) || fuseHardSwish(graph, context, id)) ++changes;
  }
  return changes;
}

} // namespace tandem::passes
