// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passes/pass_list.hpp"
#include "engine/passes/rewrite.hpp"

namespace tandem::passes {
namespace {

constexpr int kSwishVersion = 24;

bool multiplies(const Node& node, ValueId a, ValueId b) {
  if (!isOp(node, "Mul") || node.inputs.size() != 2 || a == b) return false;
  return (node.inputs[0] == a && node.inputs[1] == b) || (node.inputs[0] == b && node.inputs[1] == a);
}

/// x * Sigmoid(x), or x * Sigmoid(factor * x).
bool fuse(Graph& graph, const PassContext& context, NodeId sigmoid) {
  const ValueId argument = graph.node(sigmoid).inputs[0], gate = graph.node(sigmoid).outputs[0];
  const auto product = soleConsumer(graph, gate);
  if (!product || !isFloating(graph.value(argument).desc.type)) return false;
  Scaling scaling{argument};
  std::vector<NodeId> nodes{sigmoid, *product};
  if (!multiplies(graph.node(*product), argument, gate)) {
    const auto producer = producerOf(graph, sigmoid, 0);
    const auto found = producer ? scalingOf(graph, graph.node(*producer)) : std::nullopt;
    if (!found || !multiplies(graph.node(*product), found->operand, gate)) return false;
    scaling = *found;
    nodes.insert(nodes.begin(), *producer);
  }
  Node swish;
  swish.type = "Swish";
  swish.version = kSwishVersion;
  swish.inputs = {scaling.operand};
  swish.attributes.set("alpha", static_cast<float>(scaling.factor));
  return replaceNodes(graph, context, nodes, std::move(swish));
}

} // namespace

Result<int> fuseSwish(Graph& graph, const PassContext& context) {
  int changes = 0;
  for (NodeId id : topologicalOrder(graph)) {
    TANDEM_TRY(context.cancel.check());
    if (!graph.isDead(id) && isOp(graph.node(id), "Sigmoid") && fuse(graph, context, id)) ++changes;
  }
  return changes;
}

} // namespace tandem::passes
