// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passes/pass_list.hpp"
#include "engine/passes/rewrite.hpp"

namespace tandem::passes {
namespace {

constexpr int kSwishVersion = 24;

/// x * number, and the number.
struct Scaled {
  ValueId x;
  float factor = 1;
};

std::optional<Scaled> scaledBy(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (!isOp(node, "Mul") || node.inputs.size() != 2) return std::nullopt;
  for (std::size_t i : {0u, 1u}) {
    const Tensor* constant = constantInput(graph, node, i);
    if (!constant || constant->elements() != 1) continue;
    const Scaled scaled{node.inputs[1 - i], static_cast<float>(constant->asDouble(0))};
    if (graph.value(scaled.x).desc == graph.value(node.outputs[0]).desc) return scaled;
  }
  return std::nullopt;
}

bool multiplies(const Node& node, ValueId a, ValueId b) {
  if (!isOp(node, "Mul") || node.inputs.size() != 2 || a == b) return false;
  return (node.inputs[0] == a && node.inputs[1] == b) || (node.inputs[0] == b && node.inputs[1] == a);
}

bool fuse(Graph& graph, const PassContext& context, NodeId sigmoid) {
  const ValueId argument = graph.node(sigmoid).inputs[0];
  const auto product = soleConsumer(graph, graph.node(sigmoid).outputs[0]);
  if (!product || !isFloating(graph.value(argument).desc.type)) return false;
  if (!context.allowsFusion(graph.node(sigmoid), graph.node(*product))) return false;
  Scaled gate{argument};
  const auto scaling = producerOf(graph, sigmoid, 0);
  bool absorbs = false;
  if (!multiplies(graph.node(*product), argument, graph.node(sigmoid).outputs[0])) {
    // x * Sigmoid(factor * x)
    const auto scaled = scaling ? scaledBy(graph, *scaling) : std::nullopt;
    if (!scaled || soleConsumer(graph, argument) != sigmoid ||
        !multiplies(graph.node(*product), scaled->x, graph.node(sigmoid).outputs[0]) ||
        !context.allowsFusion(graph.node(*scaling), graph.node(sigmoid)))
      return false;
    gate = *scaled;
    absorbs = true;
  }
  Node& node = graph.node(sigmoid);
  node.type = "Swish";
  node.version = kSwishVersion;
  node.attributes.set("alpha", gate.factor);
  if (absorbs) {
    addOrigins(node, graph.node(*scaling));
    graph.setInput(sigmoid, 0, gate.x);
    graph.removeNode(*scaling);
  }
  absorbConsumer(graph, sigmoid, *product);
  return true;
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
