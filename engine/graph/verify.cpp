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

Result<void> verifyNode(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  for (ValueId input : node.inputs) {
    if (!input.valid()) continue;
    const Value& value = graph.value(input);
    const auto uses = std::count(node.inputs.begin(), node.inputs.end(), input);
    if (std::count(value.consumers.begin(), value.consumers.end(), id) != uses)
      return broken("value '" + value.name + "' does not know its consumer", node.name);
    const bool isInput = std::find(graph.inputs().begin(), graph.inputs().end(), input) != graph.inputs().end();
    if (!value.producer.valid() && !value.isConstant() && !isInput)
      return broken("nothing produces the tensor '" + value.name + "'", node.name);
  }
  for (ValueId output : node.outputs) {
    if (!output.valid()) continue;
    if (graph.value(output).producer != id)
      return broken("tensor '" + graph.value(output).name + "' is produced twice", node.name);
  }
  return {};
}

} // namespace

Result<void> verify(const Graph& graph) {
  if (graph.nodes().size() > kMaxNodes)
    return makeError(ErrorCode::ModelRejected, "the model has " + std::to_string(graph.nodes().size()) + " nodes",
                     graph.name, "at most 200,000 are accepted");
  std::unordered_set<std::string_view> names;
  std::size_t live = 0;
  for (std::uint32_t i = 0; i < graph.nodes().size(); ++i) {
    const NodeId id(i);
    if (graph.isDead(id)) continue;
    ++live;
    if (!names.insert(graph.node(id).name).second)
      return broken("two nodes are called '" + graph.node(id).name + "'", graph.name);
    TANDEM_TRY(verifyNode(graph, id));
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
    const Value& value = graph.value(output);
    const bool isInput = std::find(graph.inputs().begin(), graph.inputs().end(), output) != graph.inputs().end();
    if (!value.producer.valid() && !value.isConstant() && !isInput)
      return broken("nothing produces the model output '" + value.name + "'", graph.name);
  }
  if (topologicalOrder(graph).size() != live) return broken("the graph has a cycle", graph.name);
  return {};
}

} // namespace tandem
