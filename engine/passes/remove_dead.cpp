// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/op_def.hpp"
#include "engine/passes/pass_list.hpp"
#include "engine/passes/rewrite.hpp"

namespace tandem::passes {
namespace {

/// Drops trailing optional outputs that nobody reads (the mask of a Dropout, the indices of a MaxPool), so that
/// kernels need not compute them.
void dropUnusedOutputs(Graph& graph, Node& node) {
  const OpDef* def = findOp(node);
  if (!def || def->maxOutputs == 255) return;
  const std::size_t least = std::max<std::size_t>(def->minOutputs, 1);
  while (node.outputs.size() > least) {
    const ValueId last = node.outputs.back();
    if (last.valid()) {
      if (!graph.value(last).consumers.empty() || isGraphOutput(graph, last)) return;
      graph.value(last).producer = NodeId();
    }
    node.outputs.pop_back();
  }
}

} // namespace

Result<int> removeDead(Graph& graph, const PassContext& context) {
  int changes = 0;
  const std::vector<NodeId> order = topologicalOrder(graph);
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    TANDEM_TRY(context.cancel.check());
    if (usedOutputs(graph, graph.node(*it)) == 0) {
      graph.removeNode(*it);
      ++changes;
    } else {
      dropUnusedOutputs(graph, graph.node(*it));
    }
  }
  return changes;
}

} // namespace tandem::passes
