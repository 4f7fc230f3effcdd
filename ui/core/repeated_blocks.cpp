// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/repeated_blocks.hpp"

#include "ui/core/repeated_windows.hpp"

#include <QHash>

#include <algorithm>
#include <cstdint>
#include <unordered_map>

namespace tandem::ui {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// Lowest common scope in logarithmic time: each scope has a far ancestor besides its parent (Myers, "An applicative
/// random-access stack", 1983).
class Ancestors {
 public:
  explicit Ancestors(const std::vector<int>& parents) : m_parents(parents) {
    m_depth.resize(parents.size());
    m_jump.resize(parents.size());
    for (std::size_t s = 0; s < parents.size(); ++s) {
      const int parent = parents[s];
      m_depth[s] = parent < 0 ? 1 : m_depth[at(parent)] + 1;
      const int far = parent < 0 ? -1 : m_jump[at(parent)];
      const bool longer = parent >= 0 && far >= 0 && depth(parent) - depth(far) == depth(far) - depth(m_jump[at(far)]);
      m_jump[s] = longer ? m_jump[at(far)] : parent;
    }
  }

  [[nodiscard]] int common(int a, int b) const {
    if (a < 0 || b < 0) return -1;
    if (depth(a) < depth(b)) std::swap(a, b);
    while (depth(a) > depth(b)) a = depth(m_jump[at(a)]) >= depth(b) ? m_jump[at(a)] : m_parents[at(a)];
    while (a != b) {
      const bool far = m_jump[at(a)] != m_jump[at(b)];
      a = far ? m_jump[at(a)] : m_parents[at(a)];
      b = far ? m_jump[at(b)] : m_parents[at(b)];
    }
    return a;
  }

 private:
  [[nodiscard]] int depth(int scope) const { return scope < 0 ? 0 : m_depth[at(scope)]; }
  const std::vector<int>& m_parents;
  std::vector<int> m_depth, m_jump;
};

} // namespace

ScopeTree scopeTree(const QStringList& scopes) {
  ScopeTree tree;
  QHash<QString, int> known;
  QHash<std::pair<int, QString>, int> children;
  for (const QString& path : scopes) {
    const auto seen = known.constFind(path);
    if (seen != known.constEnd()) {
      tree.ofNode.push_back(*seen);
      continue;
    }
    int scope = -1;
    for (const QString& part : path.split(u'/', Qt::SkipEmptyParts)) {
      const std::pair<int, QString> key(scope, part);
      auto found = children.constFind(key);
      if (found == children.constEnd()) {
        found = children.insert(key, static_cast<int>(tree.names.size()));
        tree.names.append(part);
        tree.parents.push_back(scope);
      }
      scope = *found;
    }
    known.insert(path, scope);
    tree.ofNode.push_back(scope);
  }
  return tree;
}

RepeatedBlocks::RepeatedBlocks(const BlockGraph& graph)
    : m_scopeParent(graph.scopes.parents),
      m_scopeOfNode(graph.scopes.ofNode) {
  m_blockOfNode.assign(graph.op.size(), -1);
  m_copyOfNode.assign(graph.op.size(), -1);
  findScopes(graph);
  findWindows(graph);
}

void RepeatedBlocks::findScopes(const BlockGraph& graph) {
  const std::size_t count = m_scopeParent.size();
  m_blockOfScope.assign(count, -1);
  m_copyOfScope.assign(count, -1);
  // What is directly in each scope, in the order of first nodes; ~s stands for scope s, the last list is the top.
  std::vector<std::vector<int>> items(count + 1);
  const auto itemsOf = [&](int scope) -> std::vector<int>& { return items[scope < 0 ? count : at(scope)]; };
  std::vector<char> attached(count, 0);
  for (int node = 0; node < static_cast<int>(graph.op.size()); ++node) {
    int scope = m_scopeOfNode[at(node)];
    itemsOf(scope).push_back(node);
    // A scope stands where its first node does; inner ones go in before outer ones, each to its own list.
    for (; scope >= 0 && attached[at(scope)] == 0; scope = m_scopeParent[at(scope)]) {
      attached[at(scope)] = 1;
      itemsOf(m_scopeParent[at(scope)]).push_back(~scope);
    }
  }
  // Depth first: the nodes of a scope are then a run of m_order.
  m_order.reserve(graph.op.size());
  m_position.assign(graph.op.size(), 0);
  std::vector<int> first(count, 0), last(count, 0), preorder;
  std::vector<std::pair<int, std::size_t>> stack{{-1, 0}};
  while (!stack.empty()) {
    auto& [scope, next] = stack.back();
    const std::vector<int>& inside = itemsOf(scope);
    if (next == inside.size()) {
      if (scope >= 0) last[at(scope)] = static_cast<int>(m_order.size());
      stack.pop_back();
      continue;
    }
    const int item = inside[next++];
    if (item >= 0) {
      m_position[at(item)] = static_cast<int>(m_order.size());
      m_order.push_back(item);
    } else {
      first[at(~item)] = static_cast<int>(m_order.size());
      preorder.push_back(~item);
      stack.emplace_back(~item, 0);
    }
  }
  // An edge belongs to the innermost scope around both ends; a sum does not depend on the edges' order.
  std::vector<std::uint64_t> wiring(count, 0), hash(count, 0);
  const Ancestors ancestors(m_scopeParent);
  for (const BlockGraph::Edge& edge : graph.edges) {
    const int scope = ancestors.common(m_scopeOfNode[at(edge.from)], m_scopeOfNode[at(edge.to)]);
    if (scope < 0) continue;
    wiring[at(scope)] +=
        edgeHash(m_position[at(edge.from)] - first[at(scope)], m_position[at(edge.to)] - first[at(scope)], edge.slot);
  }
  for (auto scope = preorder.rbegin(); scope != preorder.rend(); ++scope) {
    std::uint64_t value = mixHash(0x5c09e, wiring[at(*scope)]);
    for (const int item : items[at(*scope)])
      value = item >= 0 ? mixHash(value, static_cast<std::uint64_t>(graph.op[at(item)]) + 1)
                        : mixHash(value, ~hash[at(~item)]);
    hash[at(*scope)] = mixHash(value, static_cast<std::uint64_t>(last[at(*scope)] - first[at(*scope)]));
  }
  std::unordered_map<std::uint64_t, std::vector<int>> same;
  std::vector<std::uint64_t> inOrder;
  for (const int scope : preorder) {
    if (last[at(scope)] - first[at(scope)] < 2) continue;
    std::vector<int>& group = same[hash[at(scope)]];
    if (group.empty()) inOrder.push_back(hash[at(scope)]);
    group.push_back(scope);
  }
  for (const std::uint64_t value : inOrder) {
    const std::vector<int>& group = same[value];
    if (group.size() < 2) continue;
    Block block;
    block.size = last[at(group.front())] - first[at(group.front())];
    for (const int scope : group) {
      m_blockOfScope[at(scope)] = static_cast<int>(m_blocks.size());
      m_copyOfScope[at(scope)] = static_cast<int>(block.copies.size());
      block.copies.push_back(first[at(scope)]);
    }
    m_blocks.push_back(std::move(block));
  }
}

void RepeatedBlocks::findWindows(const BlockGraph& graph) {
  WindowSequence sequence;
  std::vector<int> place(graph.op.size(), -1), nodes;
  for (std::size_t node = 0; node < graph.op.size(); ++node) {
    if (m_scopeOfNode[node] >= 0) continue;
    place[node] = static_cast<int>(nodes.size());
    nodes.push_back(static_cast<int>(node));
    sequence.op.push_back(graph.op[node]);
  }
  for (const BlockGraph::Edge& edge : graph.edges)
    if (place[at(edge.from)] >= 0 && place[at(edge.to)] >= 0)
      sequence.edges.push_back({place[at(edge.from)], place[at(edge.to)], edge.slot});
  for (const RepeatedWindow& window : repeatedWindows(sequence)) {
    // Windows are runs of their own: the nodes between may be in scopes.
    Block block;
    block.size = window.size;
    for (const int start : window.starts) {
      const int copy = static_cast<int>(block.copies.size());
      block.copies.push_back(static_cast<int>(m_order.size()));
      for (int i = start; i < start + window.size; ++i) {
        const int node = nodes[at(i)];
        m_blockOfNode[at(node)] = static_cast<int>(m_blocks.size());
        m_copyOfNode[at(node)] = copy;
        m_position[at(node)] = static_cast<int>(m_order.size());
        m_order.push_back(node);
      }
    }
    m_blocks.push_back(std::move(block));
  }
}

BlockPlace RepeatedBlocks::place(int block, int copy) const {
  if (block < 0) return {};
  const Block& found = m_blocks[at(block)];
  return {block, copy, static_cast<int>(found.copies.size()), found.size};
}

BlockPlace RepeatedBlocks::ofScope(int scope) const {
  if (scope < 0 || at(scope) >= m_blockOfScope.size()) return {};
  return place(m_blockOfScope[at(scope)], m_copyOfScope[at(scope)]);
}

BlockPlace RepeatedBlocks::ofNode(int node) const {
  if (node < 0 || at(node) >= m_blockOfNode.size()) return {};
  for (int scope = m_scopeOfNode[at(node)]; scope >= 0; scope = m_scopeParent[at(scope)])
    if (m_blockOfScope[at(scope)] >= 0) return ofScope(scope);
  return place(m_blockOfNode[at(node)], m_copyOfNode[at(node)]);
}

BlockPlace RepeatedBlocks::around(const QList<int>& nodes) const {
  if (nodes.size() == 1) return ofNode(nodes.first());
  const Ancestors ancestors(m_scopeParent);
  const auto valid = [&](int node) { return node >= 0 && at(node) < m_scopeOfNode.size(); };
  int scope = nodes.isEmpty() || !valid(nodes.first()) ? -1 : m_scopeOfNode[at(nodes.first())];
  for (const int node : nodes) scope = valid(node) ? ancestors.common(scope, m_scopeOfNode[at(node)]) : scope;
  for (; scope >= 0; scope = m_scopeParent[at(scope)])
    if (m_blockOfScope[at(scope)] >= 0) return ofScope(scope);
  return {};
}

bool RepeatedBlocks::repeats(const QList<int>& nodes) const {
  return around(nodes).block >= 0 ||
         std::any_of(nodes.begin(), nodes.end(), [this](int node) { return ofNode(node).block >= 0; });
}

void RepeatedBlocks::addAll(int block, QList<int>& nodes) const {
  const Block& found = m_blocks[at(block)];
  for (const int start : found.copies)
    for (int i = start; i < start + found.size; ++i) nodes.append(m_order[at(i)]);
}

void RepeatedBlocks::addCounterparts(const BlockPlace& from, int node, QList<int>& nodes) const {
  const Block& block = m_blocks[at(from.block)];
  const int offset = m_position[at(node)] - block.copies[at(from.copy)];
  for (const int start : block.copies) nodes.append(m_order[at(start + offset)]);
}

namespace {

QList<int> ascending(QList<int> nodes) {
  std::sort(nodes.begin(), nodes.end());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  return nodes;
}

} // namespace

QList<int> RepeatedBlocks::copiesOf(const QList<int>& nodes) const {
  QList<int> all;
  if (const BlockPlace one = around(nodes); one.block >= 0) {
    addAll(one.block, all);
    return ascending(all);
  }
  std::vector<char> seen(m_blocks.size(), 0);
  for (const int node : nodes) {
    const int block = ofNode(node).block;
    if (block < 0 || seen[at(block)] != 0) continue;
    seen[at(block)] = 1;
    addAll(block, all);
  }
  return ascending(all);
}

QList<int> RepeatedBlocks::counterpartsOf(const QList<int>& nodes) const {
  QList<int> all;
  const BlockPlace one = around(nodes);
  for (const int node : nodes) {
    const BlockPlace where = one.block >= 0 ? one : ofNode(node);
    if (where.block >= 0)
      addCounterparts(where, node, all);
    else
      all.append(node);
  }
  return ascending(all);
}

} // namespace tandem::ui
