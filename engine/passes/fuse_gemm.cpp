// SPDX-License-Identifier: GPL-3.0-or-later
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

/// Rows of rank 2 and, to be added to stacked rows, a bias with an element per column.
bool areOperands(const Graph& graph, const Node& product, const Shape& bias, const Shape& result) {
  for (ValueId operand : product.inputs)
    if (!graph.value(operand).isStatic()) return false;
  const std::size_t rank = graph.value(product.inputs[0]).desc.shape.rank();
  if (rank < 2 || graph.value(product.inputs[1]).desc.shape.rank() != 2) return false;
  return rank == 2 ||
         (bias.rank() > 0 && bias.elements() == bias[bias.rank() - 1] && bias.elements() == result[result.rank() - 1]);
}

bool fuse(Graph& graph, const PassContext& context, UniqueNames& names, NodeId product, NodeId add, ValueId bias) {
  const Node& node = graph.node(product);
  if (!isOp(node, "MatMul") || soleConsumer(graph, node.outputs[0]) != add) return false;
  if (!context.allowsFusion(node, graph.node(add))) return false;
  const Value& result = graph.value(node.outputs[0]);
  const Value& addend = graph.value(bias);
  if (!result.isStatic() || !isFloating(result.desc.type) || !addend.isConstant()) return false;
  if (addend.desc.type != result.desc.type || !isBias(addend.desc.shape, result.desc.shape)) return false;
  if (!areOperands(graph, node, addend.desc.shape, result.desc.shape)) return false;
  const bool stacked = result.desc.shape.rank() > 2;
  Node gemm;
  gemm.type = stacked ? "FusedGemm" : "Gemm";
  gemm.domain = stacked ? "tandem" : "";
  gemm.version = stacked ? 1 : kGemmVersion;
  gemm.inputs = {node.inputs[0], node.inputs[1], bias};
  if (stacked && addend.desc.shape.rank() > 1)
    gemm.inputs[2] = graph.addConstant(names.make(addend.name + "/row"),
                                       addend.constant.reshaped(Shape{addend.desc.shape.elements()}));
  return replaceNodes(graph, context, {product, add}, std::move(gemm));
}

} // namespace

Result<int> fuseGemm(Graph& graph, const PassContext& context) {
  int changes = 0;
  UniqueNames names(graph);
  for (NodeId id : topologicalOrder(graph)) {
    TANDEM_TRY(context.cancel.check());
    const Node& node = graph.node(id);
    if (!isOp(node, "Add") || node.inputs.size() != 2) continue;
    const ValueId left = node.inputs[0], right = node.inputs[1];
    const auto a = producerOf(graph, id, 0), b = producerOf(graph, id, 1);
    if ((a && fuse(graph, context, names, *a, id, right)) || (b && fuse(graph, context, names, *b, id, left)))
      ++changes;
  }
  return changes;
}

} // namespace tandem::passes
