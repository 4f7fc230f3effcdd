// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList>
#include <QString>
#include <QStringList>

#include <vector>

namespace tandem::ui {

/// The groups that layers' scope names make: "a/b" is b inside a. Parents come before their children.
struct ScopeTree {
  QStringList names;
  std::vector<int> parents; ///< -1 = top
  std::vector<int> ofNode;  ///< per node, -1 = in no scope
};

/// One scope name per node; numbers follow the order of first mention.
[[nodiscard]] ScopeTree scopeTree(const QStringList& scopes);

/// What repeated blocks are looked for in. Nodes are in an order in which producers come before consumers.
struct BlockGraph {
  struct Edge {
    int from = 0, to = 0; ///< nodes
    int slot = 0;         ///< which input of `to`
  };
  std::vector<int> op; ///< per node, a number per operator
  std::vector<Edge> edges;
  ScopeTree scopes;
};

/// Where a scope or a node is among the copies of its block.
struct BlockPlace {
  int block = -1; ///< -1: occurs once
  int copy = 0;   ///< from 0
  int copies = 0;
  int size = 0; ///< nodes of one copy
};

/// Parts of a graph that occur several times: the same operators, wired in the same way inside. Attributes, weights and
/// what comes from outside do not matter. Scopes are compared by hashes built from the inside out (Merkle, 1987), so
/// nested blocks are found on every level; nodes in no scope by windows that follow each other or recur. Time and
/// memory grow linearly with nodes and edges (times the logarithm of the depth); the result is deterministic.
class RepeatedBlocks {
 public:
  RepeatedBlocks() = default;
  explicit RepeatedBlocks(const BlockGraph& graph);

  [[nodiscard]] BlockPlace ofScope(int scope) const;
  /// Of the innermost repeated block around the node.
  [[nodiscard]] BlockPlace ofNode(int node) const;
  /// The smallest repeated block that holds all `nodes`.
  [[nodiscard]] BlockPlace around(const QList<int>& nodes) const;
  /// True when copiesOf(nodes) is not empty.
  [[nodiscard]] bool repeats(const QList<int>& nodes) const;
  /// All nodes of all copies of the smallest repeated block that holds all `nodes`; where there is none, of the blocks
  /// of each. Ascending; empty where nothing repeats.
  [[nodiscard]] QList<int> copiesOf(const QList<int>& nodes) const;
  /// The nodes that stand in every copy where `nodes` do, these included. Ascending.
  [[nodiscard]] QList<int> counterpartsOf(const QList<int>& nodes) const;
  [[nodiscard]] int blockCount() const { return static_cast<int>(m_blocks.size()); }

 private:
  struct Block {
    int size = 0;
    std::vector<int> copies; ///< position of the first node in m_order
  };
  void findScopes(const BlockGraph& graph);
  void findWindows(const BlockGraph& graph);
  [[nodiscard]] BlockPlace place(int block, int copy) const;
  void addAll(int block, QList<int>& nodes) const;
  void addCounterparts(const BlockPlace& from, int node, QList<int>& nodes) const;

  std::vector<Block> m_blocks;
  std::vector<int> m_scopeParent, m_scopeOfNode;
  std::vector<int> m_blockOfScope, m_copyOfScope;
  std::vector<int> m_blockOfNode, m_copyOfNode; ///< of windows
  std::vector<int> m_order, m_position;         ///< nodes, scope by scope; where each node is in it
};

} // namespace tandem::ui
