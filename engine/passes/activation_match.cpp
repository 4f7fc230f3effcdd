// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passes/activation_match.hpp"

#include "engine/passes/rewrite.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace tandem::passes {
namespace {

/// A bound of Clip: an attribute before version 11, a constant input since. False where it is not known.
bool readBound(const Graph& graph, const Node& node, std::string_view attribute, std::size_t input, float& bound) {
  if (node.version < 11) {
    bound = node.attributes.getFloat(attribute, bound);
    return true;
  }
  if (node.inputs.size() <= input || !node.inputs[input].valid()) return true;
  const Tensor* constant = constantInput(graph, node, input);
  if (!constant || constant->elements() != 1) return false;
  bound = static_cast<float>(constant->asDouble(0));
  return true;
}

std::optional<FusedActivation> clip(const Graph& graph, const Node& node) {
  float low = std::numeric_limits<float>::lowest(), high = std::numeric_limits<float>::max();
  if (!readBound(graph, node, "min", 1, low) || !readBound(graph, node, "max", 2, high)) return std::nullopt;
  if (!(low <= high)) return std::nullopt;
  return FusedActivation{"Clip", low, high};
}

bool isNear(double value, double wanted) { return std::abs(value - wanted) < 1e-6; }

/// The other operand of a node with two, where it is one constant number and `operand` is the first or, if the
/// operation commutes, the second.
std::optional<double> numberBeside(const Graph& graph, const Node& node, ValueId operand, bool commutes) {
  if (node.inputs.size() != 2 || (node.inputs[0] != operand && !commutes)) return std::nullopt;
  const std::size_t other = node.inputs[0] == operand ? 1 : 0;
  if (node.inputs[1 - other] != operand) return std::nullopt;
  return numberOf(graph, node.inputs[other]);
}

bool isSixth(const Graph& graph, const Node& node, ValueId operand) {
  if (isOp(node, "Div")) return numberBeside(graph, node, operand, false).value_or(0) == 6;
  return isOp(node, "Mul") && isNear(numberBeside(graph, node, operand, true).value_or(0), 1.0 / 6);
}

bool isHardSwishGate(const Node& node) {
  return isOp(node, "HardSigmoid") && isNear(static_cast<double>(node.attributes.getFloat("alpha", 0.2f)), 1.0 / 6) &&
         isNear(static_cast<double>(node.attributes.getFloat("beta", 0.5f)), 0.5);
}

/// Follows the gate from `first`, a reader of `operand`, to the product with `operand`. A missing division by 6 has to
/// come after the product.
std::optional<HardSwishNodes> followGate(const Graph& graph, ValueId operand, NodeId first, NodeId product) {
  HardSwishNodes found{{first}, product};
  bool scaled = isHardSwishGate(graph.node(first));
  if (!scaled) {
    if (!isOp(graph.node(first), "Add") || numberBeside(graph, graph.node(first), operand, true) != 3)
      return std::nullopt;
    const auto clipped = soleConsumer(graph, graph.node(first).outputs[0]);
    if (!clipped || !isOp(graph.node(*clipped), "Clip")) return std::nullopt;
    const auto bounds = clip(graph, graph.node(*clipped));
    if (!bounds || bounds->alpha != 0.0f || bounds->beta != 6.0f) return std::nullopt;
    found.inner.push_back(*clipped);
    const ValueId gate = graph.node(*clipped).outputs[0];
    const auto next = soleConsumer(graph, gate);
    if (next && *next != product && isSixth(graph, graph.node(*next), gate)) {
      found.inner.push_back(*next);
      scaled = true;
    }
  }
  const ValueId gate = graph.node(found.inner.back()).outputs[0];
  const Node& times = graph.node(product);
  if (soleConsumer(graph, gate) != product || times.inputs.size() != 2) return std::nullopt;
  if (times.inputs[0] != gate && times.inputs[1] != gate) return std::nullopt;
  if (scaled) return found;
  const auto last = soleConsumer(graph, times.outputs[0]);
  if (!last || !isSixth(graph, graph.node(*last), times.outputs[0])) return std::nullopt;
  found.inner.push_back(product);
  found.last = *last;
  return found;
}

} // namespace

std::optional<FusedActivation> activationOfNode(const Graph& graph, const Node& node, ValueId operand) {
  if (!node.domain.empty() || node.inputs.empty() || node.inputs[0] != operand) return std::nullopt;
  if (!isFloating(graph.value(operand).desc.type)) return std::nullopt;
  if (node.type == "Clip") return clip(graph, node);
  if (node.type == "LeakyRelu") return FusedActivation{node.type, node.attributes.getFloat("alpha", 0.01f), {}};
  if (node.type == "Elu") return FusedActivation{node.type, node.attributes.getFloat("alpha", 1), {}};
  if (node.type == "Swish") return FusedActivation{node.type, node.attributes.getFloat("alpha", 1), {}};
  if (node.type == "HardSigmoid")
    return FusedActivation{node.type, node.attributes.getFloat("alpha", 0.2f), node.attributes.getFloat("beta", 0.5f)};
  constexpr std::array<std::string_view, 4> kPlain{"Relu", "Sigmoid", "Tanh", "HardSwish"};
  if (std::find(kPlain.begin(), kPlain.end(), node.type) == kPlain.end()) return std::nullopt;
  return FusedActivation{node.type, {}, {}};
}

std::optional<HardSwishNodes> hardSwishOf(const Graph& graph, ValueId operand) {
  const auto& consumers = graph.value(operand).consumers;
  if (consumers.size() != 2 || isGraphOutput(graph, operand) || consumers[0] == consumers[1]) return std::nullopt;
  if (isOp(graph.node(consumers[1]), "Mul"))
    if (auto found = followGate(graph, operand, consumers[0], consumers[1])) return found;
  if (isOp(graph.node(consumers[0]), "Mul")) return followGate(graph, operand, consumers[1], consumers[0]);
  return std::nullopt;
}

void setActivation(Node& node, const FusedActivation& activation) {
  node.attributes.set("activation", activation.name);
  if (activation.alpha) node.attributes.set("activation_alpha", *activation.alpha);
  if (activation.beta) node.attributes.set("activation_beta", *activation.beta);
}

bool hasNoActivation(const Node& node) { return node.attributes.getString("activation", "").empty(); }

} // namespace tandem::passes
