// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/fused_attention.hpp"
#include "engine/passes/pass_list.hpp"
#include "engine/passes/rewrite.hpp"

#include <algorithm>
#include <array>

namespace tandem::passes {
namespace {

using Permutation = std::vector<std::int64_t>;

/// An operand of one of the two products, read back through what the fused operation does itself.
struct Operand {
  ValueId source;
  Permutation permutation; ///< empty: as it lies
};

struct Attention {
  Operand q, k, v;
  ValueId mask, keep;
  bool inverted = false;
  double scale = 1;
  double fill = 0;
  Permutation result;
  std::vector<NodeId> nodes;
};

bool keepsShape(const Graph& graph, const Node& node, ValueId operand) {
  return graph.value(operand).isStatic() && graph.value(node.outputs[0]).desc == graph.value(operand).desc;
}

/// The producer of a value that only the fused operation will read.
std::optional<NodeId> ownProducer(const Graph& graph, ValueId value) {
  const NodeId producer = graph.value(value).producer;
  return producer.valid() && soleConsumer(graph, value) ? std::optional(producer) : std::nullopt;
}

/// Reads back through a scaling and a transposition.
Operand readOperand(const Graph& graph, ValueId value, bool scales, Attention& found) {
  Operand operand{value, {}};
  auto producer = ownProducer(graph, value);
  if (scales && producer) {
    if (const auto scaling = scalingOf(graph, graph.node(*producer))) {
      found.scale *= scaling->factor;
      found.nodes.push_back(*producer);
      operand.source = scaling->operand;
      producer = ownProducer(graph, scaling->operand);
    }
  }
  if (!producer || !isOp(graph.node(*producer), "Transpose")) return operand;
  Permutation permutation = graph.node(*producer).attributes.getInts("perm");
  if (permutation.size() != graph.value(value).desc.shape.rank()) return operand;
  found.nodes.push_back(*producer);
  return {graph.node(*producer).inputs[0], std::move(permutation)};
}

/// One step back from the softmax: a mask, a condition or a scaling. False where it is none of them.
bool readScoreStep(const Graph& graph, NodeId id, ValueId& scores, bool& masked, Attention& found) {
  const Node& node = graph.node(id);
  const auto take = [&](std::size_t index) {
    scores = node.inputs[index];
    found.nodes.push_back(id);
    return true;
  };
  if (const auto scaling = scalingOf(graph, node)) {
    // Nothing may have come between this and the softmax that is not scaled with it.
    found.scale *= scaling->factor;
    return take(node.inputs[0] == scaling->operand ? 0 : 1);
  }
  if (masked || found.scale != 1) return false;
  masked = true;
  const auto isProduct = [&](ValueId value) {
    const auto producer = ownProducer(graph, value);
    return producer && keepsShape(graph, node, value) &&
           (isOp(graph.node(*producer), "MatMul") || scalingOf(graph, graph.node(*producer)));
  };
  if (isOp(node, "Add") && node.inputs.size() == 2 && node.version >= 7) {
    const std::size_t index = isProduct(node.inputs[0]) ? 0 : 1;
    if (!isProduct(node.inputs[index])) return false;
    found.mask = node.inputs[1 - index];
    return take(index);
  }
  if (!isOp(node, "Where")) return false;
  const auto after = numberOf(graph, node.inputs[2]), before = numberOf(graph, node.inputs[1]);
  const std::size_t index = after ? 1 : 2;
  if ((!after && !before) || !isProduct(node.inputs[index])) return false;
  found.keep = node.inputs[0];
  found.inverted = !after;
  found.fill = after ? *after : *before;
  return take(index);
}

/// From the softmax back to the operands of the first product.
bool readScores(const Graph& graph, NodeId softmax, Attention& found) {
  ValueId scores = graph.node(softmax).inputs[0];
  bool masked = false;
  constexpr int kMostSteps = 4;
  for (int step = 0; step < kMostSteps; ++step) {
    const auto producer = ownProducer(graph, scores);
    if (!producer) return false;
    const Node& node = graph.node(*producer);
    if (isOp(node, "MatMul")) {
      found.nodes.push_back(*producer);
      found.q = readOperand(graph, node.inputs[0], true, found);
      found.k = readOperand(graph, node.inputs[1], true, found);
      return true;
    }
    if (!readScoreStep(graph, *producer, scores, masked, found)) return false;
  }
  return false;
}

bool isSoftmaxOfRows(const Graph& graph, const Node& node) {
  if (!isOp(node, "Softmax") || !graph.value(node.inputs[0]).isStatic()) return false;
  const std::size_t rank = graph.value(node.inputs[0]).desc.shape.rank();
  const auto axis = normalizeAxis(node.attributes.getInt("axis", node.version < 13 ? 1 : -1), rank);
  return rank >= 2 && axis == rank - 1;
}

/// Keeps the innermost axis: kernels read and write whole vectors along it.
bool keepsLast(const Permutation& permutation) {
  return permutation.empty() || permutation.back() + 1 == static_cast<std::int64_t>(permutation.size());
}

std::optional<Attention> attentionAt(const Graph& graph, NodeId softmax) {
  Attention found;
  if (!isSoftmaxOfRows(graph, graph.node(softmax)) || !readScores(graph, softmax, found)) return std::nullopt;
  const ValueId probabilities = graph.node(softmax).outputs[0];
  const auto product = soleConsumer(graph, probabilities);
  if (!product || !isOp(graph.node(*product), "MatMul") || graph.node(*product).inputs[0] != probabilities ||
      graph.node(*product).inputs[1] == probabilities)
    return std::nullopt;
  found.nodes.push_back(softmax);
  const std::size_t before = found.nodes.size();
  found.v = readOperand(graph, graph.node(*product).inputs[1], false, found);
  if (!keepsLast(found.v.permutation)) {
    found.nodes.resize(before);
    found.v = {graph.node(*product).inputs[1], {}};
  }
  found.nodes.push_back(*product);
  const ValueId result = graph.node(*product).outputs[0];
  const auto last = soleConsumer(graph, result);
  if (last && isOp(graph.node(*last), "Transpose")) {
    found.result = graph.node(*last).attributes.getInts("perm");
    if (found.result.size() == graph.value(result).desc.shape.rank() && keepsLast(found.result))
      found.nodes.push_back(*last);
    else
      found.result.clear();
  }
  return found;
}

/// Floating operands of one type, as the fused operation wants them, and shapes that give the result there was.
bool fits(const Graph& graph, const Attention& found, const Node& fused) {
  const Value& result = graph.value(graph.node(found.nodes.back()).outputs[0]);
  std::array<const Shape*, 5> shapes{};
  for (std::size_t i = 0; i < fused.inputs.size(); ++i) {
    if (!fused.inputs[i].valid()) continue;
    const Value& input = graph.value(fused.inputs[i]);
    const DataType wanted = i == ops::kAttentionKeep ? DataType::Bool : result.desc.type;
    if (!input.isStatic() || input.desc.type != wanted || input.desc.shape.elements() == 0) return false;
    shapes[i] = &input.desc.shape;
  }
  if (!result.isStatic() || !isFloating(result.desc.type)) return false;
  const auto operands = ops::attentionOperands(fused, shapes);
  return operands.ok() && operands->output == result.desc.shape;
}

Node fusedNode(const Attention& found) {
  Node node;
  node.type = "FusedAttention";
  node.domain = "tandem";
  node.version = 1;
  node.inputs = {found.q.source, found.k.source, found.v.source};
  if (found.mask.valid() || found.keep.valid()) node.inputs.push_back(found.mask);
  if (found.keep.valid()) node.inputs.push_back(found.keep);
  const std::array<std::pair<const char*, const Permutation*>, 4> permutations{{{"q_perm", &found.q.permutation},
                                                                                {"k_perm", &found.k.permutation},
                                                                                {"v_perm", &found.v.permutation},
                                                                                {"y_perm", &found.result}}};
  for (const auto& [name, permutation] : permutations)
    if (!permutation->empty()) node.attributes.set(name, *permutation);
  node.attributes.set("scale", static_cast<float>(found.scale));
  if (found.keep.valid()) {
    node.attributes.set("fill", static_cast<float>(found.fill));
    node.attributes.set("inverted", std::int64_t{found.inverted ? 1 : 0});
  }
  return node;
}

} // namespace

Result<int> fuseAttention(Graph& graph, const PassContext& context) {
  int changes = 0;
  for (NodeId id : topologicalOrder(graph)) {
    TANDEM_TRY(context.cancel.check());
    if (graph.isDead(id) || !isOp(graph.node(id), "Softmax")) continue;
    const auto found = attentionAt(graph, id);
    if (!found) continue;
    Node node = fusedNode(*found);
    if (fits(graph, *found, node) && replaceNodes(graph, context, found->nodes, std::move(node))) ++changes;
  }
  return changes;
}

} // namespace tandem::passes
