// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passes/activation_match.hpp"
#include "engine/passes/pass_list.hpp"
#include "engine/passes/rewrite.hpp"

namespace tandem::passes {

Result<int> fuseGemmActivation(Graph& graph, const PassContext& context) {
  int changes = 0;
  for (NodeId id : topologicalOrder(graph)) {
    TANDEM_TRY(context.cancel.check());
    Node& node = graph.node(id);
    // Older versions let the bias broadcast by attribute.
    const bool isFused = node.domain == "tandem" && node.type == "FusedGemm" && hasNoActivation(node);
    if (!isFused && (!isOp(node, "Gemm") || node.version < 7)) continue;
    const ValueId middle = node.outputs[0];
    const auto consumer = soleConsumer(graph, middle);
    if (!consumer || !context.allowsFusion(node, graph.node(*consumer))) continue;
    const auto activation = activationOfNode(graph, graph.node(*consumer), middle);
    if (!activation) continue;
    node.type = "FusedGemm";
    node.domain = "tandem";
    node.version = 1;
    setActivation(node, *activation);
    absorbConsumer(graph, id, *consumer);
    ++changes;
  }
  return changes;
}

} // namespace tandem::passes
