// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/graph.hpp"

namespace tandem {

/// One node in a graph of its own. Constants of the old graph stay constants; every other value that the node reads is
/// a graph input once. Outputs are those that somebody wants, in order.
struct IsolatedNode {
  Graph graph;
  std::vector<std::size_t> feeds; ///< as feedsOf() says
};

/// For every input of the isolated node's graph, the node input that it stands for.
std::vector<std::size_t> feedsOf(const Graph& graph, const Node& node);

/// `inputs`: one tensor per input of the node, for types and shapes; undefined where left out.
IsolatedNode isolateNode(const Graph& graph, NodeId node, std::span<const Tensor> inputs);

} // namespace tandem
