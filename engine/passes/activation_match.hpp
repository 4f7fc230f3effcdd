// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/graph.hpp"

#include <optional>
#include <string>

namespace tandem::passes {

/// An activation that FusedConv and FusedGemm apply, as their attributes say it (ops/activation.hpp).
struct FusedActivation {
  std::string name;
  std::optional<float> alpha;
  std::optional<float> beta;
};

/// The activation `node` is, where its parameters are known and it reads `operand` as its data.
std::optional<FusedActivation> activationOfNode(const Graph& graph, const Node& node, ValueId operand);
/// The nodes that make up a HardSwish on a value that nobody else reads.
struct HardSwishNodes {
  std::vector<NodeId> inner;
  NodeId last; ///< makes the result
};
/// Finds x * HardSigmoid(x), x * (Clip(x + 3, 0, 6) / 6) and x * Clip(x + 3, 0, 6) / 6, as exporters write HardSwish.
std::optional<HardSwishNodes> hardSwishOf(const Graph& graph, ValueId operand);

/// Sets the attributes of the fused operator on `node`.
void setActivation(Node& node, const FusedActivation& activation);
/// True where the node (a plain or fused layer) has no activation yet.
bool hasNoActivation(const Node& node);

} // namespace tandem::passes
