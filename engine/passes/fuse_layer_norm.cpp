// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passes/pass_list.hpp"
#include "engine/passes/rewrite.hpp"

#include <algorithm>

namespace tandem::passes {
namespace {

/// What a normalization is made of, from the input on.
struct Normalization {
  ValueId x;
  std::size_t axis = 0; ///< the first that is normalized over
  double epsilon = 0;
  bool centred = false; ///< the mean is subtracted
  ValueId scale, bias;  ///< constants; invalid where there is none
  std::vector<NodeId> nodes;
};

/// The operand of a node with two that is not `value`; both may be.
std::optional<ValueId> otherOperand(const Node& node, ValueId value) {
  if (node.inputs.size() != 2) return std::nullopt;
  if (node.inputs[0] == value) return node.inputs[1];
  if (node.inputs[1] == value) return node.inputs[0];
  return std::nullopt;
}

/// A ReduceMean over the last axes that keeps them: the first of them.
std::optional<std::size_t> meanAxis(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (!isOp(node, "ReduceMean") || node.attributes.getInt("keepdims", 1) == 0) return std::nullopt;
  const std::size_t rank = graph.value(node.inputs[0]).desc.shape.rank();
  std::vector<std::int64_t> axes = node.attributes.getInts("axes");
  if (node.inputs.size() > 1 && node.inputs[1].valid()) {
    const Tensor* constant = constantInput(graph, node, 1);
    if (!constant) return std::nullopt;
    axes = constant->toInts();
  }
  std::vector<bool> folded(rank, false);
  for (std::int64_t axis : axes) {
    const auto normal = normalizeAxis(axis, rank);
    if (!normal) return std::nullopt;
    folded[*normal] = true;
  }
  const auto first = std::find(folded.begin(), folded.end(), true);
  if (first == folded.end() || std::find(first, folded.end(), false) != folded.end()) return std::nullopt;
  return static_cast<std::size_t>(first - folded.begin());
}

/// What `id` is the square of.
std::optional<ValueId> squareRootOf(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (node.inputs.size() != 2) return std::nullopt;
  if (isOp(node, "Mul") && node.inputs[0] == node.inputs[1]) return node.inputs[0];
  if (isOp(node, "Pow") && numberOf(graph, node.inputs[1]) == 2) return node.inputs[0];
  return std::nullopt;
}

/// x - mean(x) over the axes from `axis` on: finds x and adds the nodes.
bool readDifference(const Graph& graph, ValueId difference, Normalization& found) {
  const NodeId sub = graph.value(difference).producer;
  if (!sub.valid() || !isOp(graph.node(sub), "Sub") || graph.node(sub).inputs.size() != 2) return false;
  const auto mean = producerOf(graph, sub, 1);
  const ValueId x = graph.node(sub).inputs[0];
  if (!mean || graph.node(*mean).inputs[0] != x || meanAxis(graph, *mean) != found.axis) return false;
  found.x = x;
  found.centred = true;
  found.nodes.insert(found.nodes.begin(), {*mean, sub});
  return true;
}

bool areSameDifference(const Graph& graph, ValueId a, ValueId b) {
  if (a == b) return true;
  const NodeId first = graph.value(a).producer, second = graph.value(b).producer;
  return first.valid() && second.valid() && isOp(graph.node(first), "Sub") && isOp(graph.node(second), "Sub") &&
         graph.node(first).inputs == graph.node(second).inputs;
}

/// Is `id` a constant with one element for every element that is normalized together?
bool isParameter(const Graph& graph, ValueId id, const Normalization& found) {
  const Value& value = graph.value(id);
  const Shape &own = value.desc.shape, &x = graph.value(found.x).desc.shape;
  if (!value.isConstant() || value.desc.type != graph.value(found.x).desc.type || own.rank() > x.rank()) return false;
  for (std::size_t i = 0; i < x.rank(); ++i) {
    const std::size_t missing = x.rank() - own.rank();
    const std::int64_t extent = i < missing ? 1 : own[i - missing];
    if (extent != (i < found.axis ? 1 : x[i])) return false;
  }
  return true;
}

/// Reads on from the mean of the squares of `difference` up to the quotient; returns that.
std::optional<ValueId> readQuotient(const Graph& graph, NodeId mean, ValueId difference, Normalization& found) {
  const auto next = [&](ValueId value) {
    const auto consumer = soleConsumer(graph, value);
    if (consumer) found.nodes.push_back(*consumer);
    return consumer;
  };
  const auto add = next(graph.node(mean).outputs[0]);
  if (!add || !isOp(graph.node(*add), "Add")) return std::nullopt;
  const auto other = otherOperand(graph.node(*add), graph.node(mean).outputs[0]);
  const auto epsilon = other ? numberOf(graph, *other) : std::nullopt;
  if (!epsilon || !(*epsilon >= 0)) return std::nullopt;
  found.epsilon = *epsilon;

  ValueId current = graph.node(*add).outputs[0];
  auto step = next(current);
  bool inverted = false;
  if (step && isOp(graph.node(*step), "Pow") && graph.node(*step).inputs[0] == current) {
    const auto exponent = numberOf(graph, graph.node(*step).inputs[1]);
    if (exponent != 0.5 && exponent != -0.5) return std::nullopt;
    inverted = exponent == -0.5;
  } else if (!step || !isOp(graph.node(*step), "Sqrt")) {
    return std::nullopt;
  }
  current = graph.node(*step).outputs[0];
  step = next(current);
  const auto isOneOver = [&](const Node& node) {
    return isOp(node, "Div") && node.inputs[1] == current && numberOf(graph, node.inputs[0]) == 1;
  };
  if (step && !inverted && (isOp(graph.node(*step), "Reciprocal") || isOneOver(graph.node(*step)))) {
    inverted = true;
    current = graph.node(*step).outputs[0];
    step = next(current);
  }
  if (step && inverted && isOp(graph.node(*step), "Mul")) {
    // The scale may come before the product with the difference.
    const auto factor = otherOperand(graph.node(*step), current);
    if (factor && isParameter(graph, *factor, found)) {
      found.scale = *factor;
      current = graph.node(*step).outputs[0];
      step = next(current);
    }
  }
  if (!step) return std::nullopt;
  const Node& node = graph.node(*step);
  const auto numerator = otherOperand(node, current);
  if (!numerator || !areSameDifference(graph, *numerator, difference)) return std::nullopt;
  if (!isOp(node, inverted ? "Mul" : "Div") || (!inverted && node.inputs[1] != current)) return std::nullopt;
  if (*numerator != difference) found.nodes.insert(found.nodes.begin(), graph.value(*numerator).producer);
  return node.outputs[0];
}

/// A constant operand of the sole reader of `value`, where that is a `type`.
ValueId readParameter(const Graph& graph, std::string_view type, ValueId& value, Normalization& found) {
  const auto reader = soleConsumer(graph, value);
  if (!reader || !isOp(graph.node(*reader), type)) return {};
  const auto parameter = otherOperand(graph.node(*reader), value);
  if (!parameter || !isParameter(graph, *parameter, found)) return {};
  found.nodes.push_back(*reader);
  value = graph.node(*reader).outputs[0];
  return *parameter;
}

std::optional<Normalization> normalizationAt(const Graph& graph, NodeId mean) {
  Normalization found;
  const auto axis = meanAxis(graph, mean);
  const auto square = producerOf(graph, mean, 0);
  const auto difference = axis && square ? squareRootOf(graph, *square) : std::nullopt;
  if (!difference || !graph.value(*difference).isStatic()) return std::nullopt;
  found.axis = *axis;
  found.x = *difference;
  found.nodes = {*square, mean};
  readDifference(graph, *difference, found);
  auto value = readQuotient(graph, mean, *difference, found);
  if (!value) return std::nullopt;
  if (!found.scale.valid()) found.scale = readParameter(graph, "Mul", *value, found);
  if (found.centred) found.bias = readParameter(graph, "Add", *value, found);
  const TensorDesc& desc = graph.value(found.x).desc;
  if (!isFloating(desc.type) || graph.value(*value).desc != desc || desc.shape.elements() == 0) return std::nullopt;
  return found;
}

/// A parameter in the shape of the axes it belongs to; ones where there is none.
ValueId shaped(Graph& graph, UniqueNames& names, const Normalization& found, ValueId parameter) {
  const TensorDesc& x = graph.value(found.x).desc;
  const Shape inner(
      std::vector<std::int64_t>(x.shape.begin() + static_cast<std::ptrdiff_t>(found.axis), x.shape.end()));
  if (parameter.valid() && graph.value(parameter).desc.shape == inner) return parameter;
  if (parameter.valid()) return graph.addConstant(names.make("scale"), graph.value(parameter).constant.reshaped(inner));
  const std::vector<double> ones(static_cast<std::size_t>(inner.elements()), 1.0);
  return graph.addConstant(names.make("scale"), fromDoubles(x.type, inner, ones));
}

bool fuse(Graph& graph, const PassContext& context, UniqueNames& names, const Normalization& found) {
  Node node;
  node.type = found.centred ? "LayerNormalization" : "RMSNormalization";
  node.version = found.centred ? 17 : 23;
  node.inputs = {found.x, shaped(graph, names, found, found.scale)};
  if (found.bias.valid()) node.inputs.push_back(shaped(graph, names, found, found.bias));
  const auto rank = static_cast<std::int64_t>(graph.value(found.x).desc.shape.rank());
  node.attributes.set("axis", static_cast<std::int64_t>(found.axis) - rank);
  node.attributes.set("epsilon", static_cast<float>(found.epsilon));
  return replaceNodes(graph, context, found.nodes, std::move(node));
}

} // namespace

Result<int> fuseLayerNorm(Graph& graph, const PassContext& context) {
  int changes = 0;
  UniqueNames names(graph);
  for (NodeId id : topologicalOrder(graph)) {
    TANDEM_TRY(context.cancel.check());
    if (graph.isDead(id) || !isOp(graph.node(id), "ReduceMean")) continue;
    const auto found = normalizationAt(graph, id);
    if (found && fuse(graph, context, names, *found)) ++changes;
  }
  return changes;
}

} // namespace tandem::passes
