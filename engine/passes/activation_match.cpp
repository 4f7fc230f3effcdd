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

} // namespace

std::optional<FusedActivation> activationOfNode(const Graph& graph, const Node& node, ValueId operand) {
  if (!node.domain.empty() || node.inputs.empty() || node.inputs[0] != operand) return std::nullopt;
  if (!isFloating(graph.value(operand).desc.type)) return std::nullopt;
  if (node.type == "Clip") return clip(graph, node);
  if (node.type == "LeakyRelu") return FusedActivation{node.type, node.attributes.getFloat("alpha", 0.01f), {}};
  if (node.type == "Elu") return FusedActivation{node.type, node.attributes.getFloat("alpha", 1), {}};
  if (node.type == "HardSigmoid")
    return FusedActivation{node.type, node.attributes.getFloat("alpha", 0.2f), node.attributes.getFloat("beta", 0.5f)};
  constexpr std::array<std::string_view, 4> kPlain{"Relu", "Sigmoid", "Tanh", "HardSwish"};
  if (std::find(kPlain.begin(), kPlain.end(), node.type) == kPlain.end()) return std::nullopt;
  return FusedActivation{node.type, {}, {}};
}

std::optional<HardSwishPair> hardSwishOf(const Graph& graph, ValueId operand) {
  const auto& consumers = graph.value(operand).consumers;
  if (consumers.size() != 2 || isGraphOutput(graph, operand)) return std::nullopt;
  for (const auto& [gate, product] : {std::pair(consumers[0], consumers[1]), std::pair(consumers[1], consumers[0])}) {
    const Node& hard = graph.node(gate);
    const Node& times = graph.node(product);
    if (!isOp(hard, "HardSigmoid") || !isOp(times, "Mul") || times.inputs.size() != 2) continue;
    const auto alpha = static_cast<double>(hard.attributes.getFloat("alpha", 0.2f));
    const auto beta = static_cast<double>(hard.attributes.getFloat("beta", 0.5f));
    if (std::abs(alpha - 1.0 / 6) > 1e-6 || std::abs(beta - 0.5) > 1e-6) continue;
    if (soleConsumer(graph, hard.outputs[0]) != product) continue;
    const bool both = (times.inputs[0] == operand && times.inputs[1] == hard.outputs[0]) ||
                      (times.inputs[1] == operand && times.inputs[0] == hard.outputs[0]);
    if (both) return HardSwishPair{gate, product};
  }
  return std::nullopt;
}

void setActivation(Node& node, const FusedActivation& activation) {
  node.attributes.set("activation", activation.name);
  if (activation.alpha) node.attributes.set("activation_alpha", *activation.alpha);
  if (activation.beta) node.attributes.set("activation_beta", *activation.beta);
}

bool hasNoActivation(const Node& node) { return node.attributes.getString("activation", "").empty(); }

} // namespace tandem::passes
