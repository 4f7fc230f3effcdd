// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/graph.hpp"

namespace tandem {

/// One node in a graph of its own. Outputs are those that somebody wants, in order.
struct IsolatedNode {
  Graph graph;
  std::vector<std::size_t> feeds; ///< for every input of `graph`, the node input that it stands for
};

/// The feeds of a node that keeps its constants.
std::vector<std::size_t> feedsOf(const Graph& graph, const Node& node);

/// Every value that the node reads is a graph input once, but constants of the old graph stay constants where
/// `keepsConstants`. `inputs`: one tensor per input of the node, for types and shapes; undefined where left out.
IsolatedNode isolateNode(const Graph& graph, NodeId node, std::span<const Tensor> inputs, bool keepsConstants = true);

} // namespace tandem
