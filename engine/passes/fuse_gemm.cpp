// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passes/activation_match.hpp"
#include "engine/passes/pass_list.hpp"
#include "engine/passes/rewrite.hpp"

namespace tandem::passes {
namespace {

constexpr int kGemmVersion = 13; ///< bias with unidirectional broadcasting

/// Can Gemm add this to a result of shape `result`? Its bias broadcasts into the result, never the other way.
bool isBias(const Shape& bias, const Shape& result) {
  if (bias.rank() > result.rank()) return false;
  for (std::size_t i = 0; i < bias.rank(); ++i)
    if (bias[i] != 1 && bias[i] != result[i + result.rank() - bias.rank()]) return false;
  return true;
}

bool fuse(Graph& graph, const PassContext& context, NodeId product, NodeId add, ValueId bias) {
  const Node& node = graph.node(product);
  if (!isOp(node, "MatMul") || soleConsumer(graph, node.outputs[0]) != add) return false;
  if (!context.allowsFusion(node, graph.node(add))) return false;
  const Value& result = graph.value(node.outputs[0]);
  for (ValueId operand : node.inputs)
    if (!graph.value(operand).isStatic() || graph.value(operand).desc.shape.rank() != 2) return false;
  const Value& addend = graph.value(bias);
  if (!result.isStatic() || !isFloating(result.desc.type) || !addend.isConstant()) return false;
  if (addend.desc.type != result.desc.type || !isBias(addend.desc.shape, result.desc.shape)) return false;
  graph.node(product).type = "Gemm";
  graph.node(product).version = kGemmVersion;
  graph.node(product).attributes = {};
  graph.node(product).inputs.resize(3);
  graph.setInput(product, 2, bias);
  absorbConsumer(graph, product, add);
  return true;
}

} // namespace

Result<int> fuseGemm(Graph& graph, const PassContext& context) {
  int changes = 0;
  for (NodeId id : topologicalOrder(graph)) {
    TANDEM_TRY(context.cancel.check());
    const Node& node = graph.node(id);
    if (!isOp(node, "Add") || node.inputs.size() != 2) continue;
    const ValueId left = node.inputs[0], right = node.inputs[1];
    const auto a = producerOf(graph, id, 0), b = producerOf(graph, id, 1);
    if ((a && fuse(graph, context, *a, id, right)) || (b && fuse(graph, context, *b, id, left))) ++changes;
  }
  return changes;
}

} // namespace tandem::passes
