// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/graph.hpp"

namespace tandem {

/// One level of the layer hierarchy: a scope that holds nodes and further scopes.
struct Scope {
  std::string path; ///< "layer1/block0"; "" for the root
  int parent = -1;  ///< index into Hierarchy::scopes
  std::vector<int> children;
  std::vector<NodeId> nodes; ///< directly in this scope
};

/// The tree of scopes. scopes[0] is the root; scopeOf is indexed by node.
struct Hierarchy {
  std::vector<Scope> scopes;
  std::vector<int> scopeOf;
};

/// Builds the tree from Node::scope. Deterministic; linear.
Hierarchy buildHierarchy(const Graph& graph);

/// Fills Node::scope for nodes that have none from their names ("/layer1/block0/Conv" gives "layer1/block0",
/// "squeezenet0_conv3_fwd" gives nothing). Scopes that would hold a single node and no scope are folded into their
/// parent. Readers call it once.
void assignScopesFromNames(Graph& graph);

} // namespace tandem
