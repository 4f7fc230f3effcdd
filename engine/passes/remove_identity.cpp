// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passes/pass_list.hpp"
#include "engine/passes/rewrite.hpp"

#include <algorithm>
#include <string_view>

namespace tandem::passes {
namespace {

bool allEqual(const std::vector<std::int64_t>& values, std::int64_t wanted) {
  return std::all_of(values.begin(), values.end(), [&](std::int64_t value) { return value == wanted; });
}

bool isOneOf(std::string_view type, std::initializer_list<std::string_view> types) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

bool keepsDesc(const Graph& graph, const Node& node) {
  const Value& input = graph.value(node.inputs[0]);
  const Value& output = graph.value(node.outputs[0]);
  return input.isStatic() && output.isStatic() && input.desc == output.desc;
}

bool trains(const Graph& graph, const Node& node) {
  if (node.inputs.size() < 3 || !node.inputs[2].valid()) return false;
  const Tensor* training = constantInput(graph, node, 2);
  return !training || training->elements() != 1 || training->asInt(0) != 0;
}

bool padsNothing(const Graph& graph, const Node& node) {
  if (node.version < 11) return allEqual(node.attributes.getInts(node.version < 2 ? "paddings" : "pads", {1}), 0);
  const Tensor* pads = constantInput(graph, node, 1);
  return pads && allEqual(pads->toInts(), 0);
}

/// With the shape kept, a slice of step 1 is the whole; a negative step would be a reversal.
bool slicesForward(const Graph& graph, const Node& node) {
  if (node.version < 10 || node.inputs.size() < 5 || !node.inputs[4].valid()) return true;
  const Tensor* steps = constantInput(graph, node, 4);
  return steps && allEqual(steps->toInts(), 1);
}

bool permutesNothing(const Graph& graph, const Node& node) {
  const Value& input = graph.value(node.inputs[0]);
  if (!input.rankKnown) return false;
  const std::size_t rank = input.desc.shape.rank();
  const std::vector<std::int64_t> permutation = node.attributes.getInts("perm");
  if (permutation.empty()) return rank <= 1;
  for (std::size_t i = 0; i < permutation.size(); ++i)
    if (permutation[i] != static_cast<std::int64_t>(i)) return false;
  return permutation.size() == rank;
}

bool changesNothing(const Graph& graph, const Node& node) {
  if (!node.domain.empty() || node.inputs.empty() || !node.inputs[0].valid()) return false;
  if (node.outputs.empty() || !node.outputs[0].valid()) return false;
  const std::string_view type = node.type;
  if (type == "Identity") return true;
  if (type == "Dropout") return !trains(graph, node);
  if (type == "Transpose") return permutesNothing(graph, node);
  if (type == "Cast" || type == "CastLike") {
    const DataType from = graph.value(node.inputs[0]).desc.type;
    return from != DataType::Undefined && from == graph.value(node.outputs[0]).desc.type;
  }
  if (node.inputs.size() == 1 && isOneOf(type, {"Concat", "Sum", "Max", "Min", "Mean"})) return true;
  if (!keepsDesc(graph, node)) return false;
  if (isOneOf(type, {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand"})) return true;
  return (type == "Pad" && padsNothing(graph, node)) || (type == "Slice" && slicesForward(graph, node));
}

} // namespace

Result<int> removeIdentity(Graph& graph, const PassContext& context) {
  int changes = 0;
  for (NodeId id : topologicalOrder(graph)) {
    TANDEM_TRY(context.cancel.check());
    const Node& node = graph.node(id);
    if (!changesNothing(graph, node) || usedOutputs(graph, node) != 1) continue;
    const ValueId output = node.outputs[0];
    if (graph.value(output).consumers.empty() && !isGraphOutput(graph, output)) continue;
    if (bypass(graph, id)) ++changes;
  }
  return changes;
}

} // namespace tandem::passes
