// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/passes/rewrite.hpp"

namespace tandem::passes {

/// Conv, or the FusedConv that an earlier pass made of one.
inline bool isConvLike(const Node& node) {
  return isOp(node, "Conv") || (node.domain == "tandem" && node.type == "FusedConv");
}

/// Conv to tandem.FusedConv without residual and activation: the same result.
inline void makeFusedConv(Graph& graph, NodeId conv) {
  Node& node = graph.node(conv);
  if (!isOp(node, "Conv")) return;
  node.type = "FusedConv";
  node.domain = "tandem";
  node.version = 1;
}

} // namespace tandem::passes
