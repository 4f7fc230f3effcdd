// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/graph/hierarchy.hpp"

#include <unordered_map>

namespace tandem {
namespace {

std::string scopeFromName(std::string_view name) {
  const std::size_t cut = name.find_last_of('/');
  if (cut == std::string_view::npos) return {};
  std::string_view path = name.substr(0, cut);
  while (!path.empty() && path.front() == '/') path.remove_prefix(1);
  return std::string(path);
}

std::string parentOf(const std::string& path) {
  const std::size_t cut = path.find_last_of('/');
  return cut == std::string::npos ? std::string() : path.substr(0, cut);
}

} // namespace

Hierarchy buildHierarchy(const Graph& graph) {
  Hierarchy hierarchy;
  hierarchy.scopes.push_back({});
  hierarchy.scopeOf.assign(graph.nodes().size(), 0);
  std::unordered_map<std::string, int> index{{"", 0}};

  auto scopeIndex = [&](const std::string& path) {
    // Walk up to the deepest known ancestor, then create the missing ones downwards.
    std::vector<std::string> missing;
    std::string known = path;
    while (!index.contains(known)) {
      missing.push_back(known);
      known = parentOf(known);
    }
    int at = index[known];
    for (auto it = missing.rbegin(); it != missing.rend(); ++it) {
      const int created = static_cast<int>(hierarchy.scopes.size());
      hierarchy.scopes.push_back({*it, at, {}, {}});
      hierarchy.scopes[static_cast<std::size_t>(at)].children.push_back(created);
      index[*it] = created;
      at = created;
    }
    return at;
  };

  for (std::uint32_t i = 0; i < graph.nodes().size(); ++i) {
    const NodeId id(i);
    if (graph.isDead(id)) continue;
    const int scope = scopeIndex(graph.node(id).scope);
    hierarchy.scopeOf[i] = scope;
    hierarchy.scopes[static_cast<std::size_t>(scope)].nodes.push_back(id);
  }
  return hierarchy;
}

void assignScopesFromNames(Graph& graph) {
  std::unordered_map<std::string, int> nodesBelow; // per path, nodes in it or deeper
  std::vector<std::string> wanted(graph.nodes().size());
  for (std::uint32_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.node(NodeId(i));
    wanted[i] = node.scope.empty() ? scopeFromName(node.name) : node.scope;
    for (std::string path = wanted[i]; !path.empty(); path = parentOf(path)) ++nodesBelow[path];
  }
  for (std::uint32_t i = 0; i < graph.nodes().size(); ++i) {
    std::string path = wanted[i];
    while (!path.empty() && nodesBelow[path] < 2) path = parentOf(path);
    graph.node(NodeId(i)).scope = std::move(path);
  }
}

} // namespace tandem
