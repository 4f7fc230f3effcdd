// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/graph/verify.hpp"

#include "engine/base/problems.hpp"

#include <algorithm>
#include <unordered_set>

namespace tandem {
namespace {

constexpr std::size_t kMaxNodes = 200'000;

Error broken(std::string what, std::string where) {
  return makeError(ErrorCode::ModelRejected, std::move(what), std::move(where),
                   "the file is damaged or was written by a faulty exporter; export the model again");
}

/// One entry per use of a value by a node.
using Use = std::pair<std::uint32_t, std::uint32_t>;

/// Both directions of every link, as sorted lists: linear but for the sorting, however many uses a value has. One
/// disagreement is enough: it is a bug of a reader or a pass, never of a file.
void verifyLinks(const Graph& graph, ProblemList& problems) {
  std::vector<Use> byNodes;
  std::vector<Use> byValues;
  for (std::uint32_t i = 0; i < graph.nodes().size(); ++i)
    if (!graph.isDead(NodeId(i)))
      for (ValueId input : graph.nodes()[i].inputs)
        if (input.valid()) byNodes.emplace_back(input.index(), i);
  for (std::uint32_t i = 0; i < graph.values().size(); ++i)
    for (NodeId consumer : graph.values()[i].consumers) byValues.emplace_back(i, consumer.index());
  std::sort(byNodes.begin(), byNodes.end());
  std::sort(byValues.begin(), byValues.end());
  const auto [node, value] = std::mismatch(byNodes.begin(), byNodes.end(), byValues.begin(), byValues.end());
  if (node == byNodes.end() && value == byValues.end()) return;
  const bool missing = value == byValues.end() || (node != byNodes.end() && *node < *value);
  const Use& use = missing ? *node : *value;
  problems.add(broken("value '" + graph.values()[use.first].name + "' " +
                          (missing ? "does not know its consumer" : "has a consumer that does not use it"),
                      graph.nodes()[use.second].name));
}

/// By value: whether a node may read it.
std::vector<bool> sourcesOf(const Graph& graph) {
  std::vector<bool> sources(graph.values().size());
  for (std::size_t i = 0; i < sources.size(); ++i)
    sources[i] = graph.values()[i].producer.valid() || graph.values()[i].isConstant();
  for (ValueId input : graph.inputs()) sources[input.index()] = true;
  return sources;
}

enum class Written : std::uint8_t { No, Yes, Twice };

/// `written` is by value: what inputs, constants and the nodes so far give.
void verifyNode(const Graph& graph, NodeId id, const std::vector<bool>& sources, std::vector<Written>& written,
                ProblemList& problems) {
  const Node& node = graph.node(id);
  for (ValueId input : node.inputs)
    if (input.valid() && !sources[input.index()])
      problems.add(broken("nothing produces the tensor '" + graph.value(input).name + "'", node.name));
  for (ValueId output : node.outputs) {
    if (!output.valid()) continue;
    Written& state = written[output.index()];
    const bool twice = graph.value(output).producer != id || state == Written::Yes;
    if (twice && state != Written::Twice)
      problems.add(broken("tensor '" + graph.value(output).name + "' is produced twice", node.name));
    state = twice || state == Written::Twice ? Written::Twice : Written::Yes;
  }
}

/// Names of nodes; returns how many nodes are alive.
std::size_t verifyNodes(const Graph& graph, const std::vector<bool>& sources, ProblemList& problems) {
  std::vector<Written> written(graph.values().size(), Written::No);
  for (std::size_t i = 0; i < written.size(); ++i)
    if (graph.values()[i].isConstant()) written[i] = Written::Yes;
  for (ValueId input : graph.inputs()) written[input.index()] = Written::Yes;
  std::unordered_set<std::string_view> names;
  std::size_t live = 0;
  for (std::uint32_t i = 0; i < graph.nodes().size(); ++i) {
    const NodeId id(i);
    if (graph.isDead(id)) continue;
    ++live;
    if (!names.insert(graph.node(id).name).second)
      problems.add(broken("two nodes are called '" + graph.node(id).name + "'", graph.name));
    verifyNode(graph, id, sources, written, problems);
  }
  return live;
}

void verifyValues(const Graph& graph, ProblemList& problems) {
  std::unordered_set<std::string_view> names;
  for (const Value& value : graph.values()) {
    if (!names.insert(value.name).second)
      problems.add(broken("two tensors are called '" + value.name + "'", graph.name));
    if (value.desc.shape.rank() > kMaxRank)
      problems.add(makeError(ErrorCode::ModelRejected,
                             "tensor has " + std::to_string(value.desc.shape.rank()) + " dimensions", value.name,
                             "at most 8 are accepted"));
  }
}

/// A cycle among the nodes that have no place in the topological order, as a path for people: "'a' -> 'b' -> 'a'".
/// Every such node has a producer that is such a node too, so walking back from any of them ends in a cycle.
std::string cyclePath(const Graph& graph, const std::vector<NodeId>& order) {
  constexpr std::size_t kMaxShown = 10;
  std::vector<bool> waiting(graph.nodes().size(), true);
  for (NodeId id : order) waiting[id.index()] = false;
  NodeId at;
  for (std::uint32_t i = 0; i < waiting.size() && !at.valid(); ++i)
    if (waiting[i] && !graph.isDead(NodeId(i))) at = NodeId(i);
  const auto producerOf = [&](NodeId id) {
    for (ValueId input : graph.node(id).inputs) {
      if (!input.valid()) continue;
      const NodeId producer = graph.value(input).producer;
      if (producer.valid() && waiting[producer.index()]) return producer;
    }
    return NodeId();
  };
  std::vector<std::size_t> seen(graph.nodes().size(), 0);
  std::vector<NodeId> path;
  for (; at.valid() && seen[at.index()] == 0; at = producerOf(at)) {
    path.push_back(at);
    seen[at.index()] = path.size();
  }
  if (!at.valid()) return {};
  path.erase(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(seen[at.index()] - 1));
  path.push_back(path.front());
  std::reverse(path.begin(), path.end());
  std::string text;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const bool skipped = path.size() > kMaxShown && i == kMaxShown - 1;
    if (path.size() > kMaxShown && i >= kMaxShown && i + 1 < path.size()) continue;
    text += (i == 0 ? "'" : " -> '") + graph.node(path[i]).name + "'";
    if (skipped) text += " -> (" + std::to_string(path.size() - kMaxShown - 1) + " more)";
  }
  return text;
}

} // namespace

Result<void> verify(const Graph& graph) {
  if (graph.nodes().size() > kMaxNodes)
    return makeError(ErrorCode::ModelRejected, "the model has " + std::to_string(graph.nodes().size()) + " nodes",
                     graph.name, "at most 200,000 are accepted");
  ProblemList problems;
  verifyLinks(graph, problems);
  if (!problems.empty()) return problems.toError("the graph", graph.name); // the rest relies on them
  const std::vector<bool> sources = sourcesOf(graph);
  const std::size_t live = verifyNodes(graph, sources, problems);
  verifyValues(graph, problems);
  for (ValueId output : graph.outputs())
    if (!sources[output.index()])
      problems.add(broken("nothing produces the model output '" + graph.value(output).name + "'", graph.name));
  const std::vector<NodeId> order = topologicalOrder(graph);
  if (order.size() != live) problems.add(broken("the graph has a cycle: " + cyclePath(graph, order), graph.name));
  if (problems.empty()) return {};
  return problems.toError("the graph", graph.name);
}

} // namespace tandem
