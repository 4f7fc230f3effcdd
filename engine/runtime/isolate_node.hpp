// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/graph.hpp"

namespace tandem {

/// One node in a graph of its own. Constants of the old graph stay constants; every other value that the node reads is
/// a graph input once. Outputs are those that somebody wants, in order.
struct IsolatedNode {
  Graph graph;
  std::vector<std::size_t> feeds; ///< for every graph input, the node input that it stands for
};

/// `inputs`: one tensor per input of the node, for types and shapes; undefined where left out.
IsolatedNode isolateNode(const Graph& graph, NodeId node, std::span<const Tensor> inputs);

} // namespace tandem
