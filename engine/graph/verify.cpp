// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/graph/verify.hpp"

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

/// Both directions of every link, as sorted lists: linear but for the sorting, however many uses a value has.
Result<void> verifyLinks(const Graph& graph) {
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
  if (node == byNodes.end() && value == byValues.end()) return {};
  const bool missing = value == byValues.end() || (node != byNodes.end() && *node < *value);
  const Use& use = missing ? *node : *value;
  return broken("value '" + graph.values()[use.first].name + "' " +
                    (missing ? "does not know its consumer" : "has a consumer that does not use it"),
                graph.nodes()[use.second].name);
}

/// By value: whether a node may read it.
std::vector<bool> sourcesOf(const Graph& graph) {
  std::vector<bool> sources(graph.values().size());
  for (std::size_t i = 0; i < sources.size(); ++i)
    sources[i] = graph.values()[i].producer.valid() || graph.values()[i].isConstant();
  for (ValueId input : graph.inputs()) sources[input.index()] = true;
  return sources;
}

/// `written` is by value: set for what inputs, constants and the nodes so far give.
Result<void> verifyNode(const Graph& graph, NodeId id, const std::vector<bool>& sources, std::vector<bool>& written) {
  const Node& node = graph.node(id);
  for (ValueId input : node.inputs)
    if (input.valid() && !sources[input.index()])
      return broken("nothing produces the tensor '" + graph.value(input).name + "'", node.name);
  for (ValueId output : node.outputs) {
    if (!output.valid()) continue;
    if (graph.value(output).producer != id || written[output.index()])
      return broken("tensor '" + graph.value(output).name + "' is produced twice", node.name);
    written[output.index()] = true;
  }
  return {};
}

} // namespace

Result<void> verify(const Graph& graph) {
  if (graph.nodes().size() > kMaxNodes)
    return makeError(ErrorCode::ModelRejected, "the model has " + std::to_string(graph.nodes().size()) + " nodes",
                     graph.name, "at most 200,000 are accepted");
  TANDEM_TRY(verifyLinks(graph));
  const std::vector<bool> sources = sourcesOf(graph);
  std::vector<bool> written(graph.values().size());
  for (std::size_t i = 0; i < written.size(); ++i) written[i] = graph.values()[i].isConstant();
  for (ValueId input : graph.inputs()) written[input.index()] = true;
  std::unordered_set<std::string_view> names;
  std::size_t live = 0;
  for (std::uint32_t i = 0; i < graph.nodes().size(); ++i) {
    const NodeId id(i);
    if (graph.isDead(id)) continue;
    ++live;
    if (!names.insert(graph.node(id).name).second)
      return broken("two nodes are called '" + graph.node(id).name + "'", graph.name);
    TANDEM_TRY(verifyNode(graph, id, sources, written));
  }
  names.clear();
  for (const Value& value : graph.values()) {
    if (!names.insert(value.name).second) return broken("two tensors are called '" + value.name + "'", graph.name);
    if (value.desc.shape.rank() > kMaxRank)
      return makeError(ErrorCode::ModelRejected,
                       "tensor has " + std::to_string(value.desc.shape.rank()) + " dimensions", value.name,
                       "at most 8 are accepted");
  }
  for (ValueId output : graph.outputs()) {
    if (!sources[output.index()])
      return broken("nothing produces the model output '" + graph.value(output).name + "'", graph.name);
  }
  if (topologicalOrder(graph).size() != live) return broken("the graph has a cycle", graph.name);
  return {};
}

} // namespace tandem
