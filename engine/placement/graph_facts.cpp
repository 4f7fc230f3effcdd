// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/op_def.hpp"
#include "engine/placement/effective.hpp"

#include <algorithm>

namespace tandem {
namespace {

// Shape arithmetic is tiny; what is larger is data that happens to be integers.
constexpr std::int64_t kMaxShapeElements = 1 << 16;
constexpr std::int64_t kMaxShapeFloats = 64; // scales of Resize, products of extents cast to float

bool isShapeOp(const Node& node) { return node.domain.empty() && (node.type == "Shape" || node.type == "Size"); }

bool couldSteerShapes(const Value& value) {
  const bool integers = isInteger(value.desc.type) || value.desc.type == DataType::Bool;
  if (!integers && !isFloating(value.desc.type)) return false;
  if (!value.isStatic()) return integers;
  return value.desc.shape.checkedElements().value_or(INT64_MAX) <= (integers ? kMaxShapeElements : kMaxShapeFloats);
}

bool onlySteersShapes(const Graph& graph, ValueId id, const std::vector<bool>& shapeNode) {
  const Value& value = graph.value(id);
  if (!couldSteerShapes(value) || value.consumers.empty()) return false;
  return std::all_of(value.consumers.begin(), value.consumers.end(), [&](NodeId consumer) {
    const Node& node = graph.node(consumer);
    if (isShapeOp(node)) return false; // reads the extents, not the elements
    if (shapeNode[consumer.index()]) return true;
    const OpDef* def = findOp(node);
    if (!def) return false;
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      if (node.inputs[i] == id && (i >= 32 || !(def->shapeInputs >> i & 1u))) return false;
    return true;
  });
}

} // namespace

std::vector<bool> shapeComputations(const Graph& graph) {
  std::vector<bool> isOutput(graph.values().size(), false);
  for (ValueId output : graph.outputs()) isOutput[output.index()] = true;
  std::vector<bool> shapeNode(graph.nodes().size(), false);
  const std::vector<NodeId> order = topologicalOrder(graph);
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    const Node& node = graph.node(*it);
    bool steers = !node.outputs.empty();
    for (ValueId output : node.outputs) {
      if (!output.valid() || !steers) continue;
      const Value& value = graph.value(output);
      if (value.consumers.empty() && !isOutput[output.index()]) continue;
      steers = !isOutput[output.index()] && onlySteersShapes(graph, output, shapeNode);
    }
    shapeNode[it->index()] = isShapeOp(node) || (steers && findOp(node));
  }
  return shapeNode;
}

std::vector<bool> dataDependentNodes(const Graph& graph) {
  std::vector<bool> dependent(graph.nodes().size(), false);
  for (NodeId id : topologicalOrder(graph)) {
    const Node& node = graph.node(id);
    bool inputsStatic = true, behind = false;
    for (ValueId input : node.inputs) {
      if (!input.valid()) continue;
      const Value& value = graph.value(input);
      if (value.isStatic()) continue;
      inputsStatic = false;
      behind = behind || (value.producer.valid() && dependent[value.producer.index()]);
    }
    const bool outputUnknown = std::any_of(node.outputs.begin(), node.outputs.end(), [&](ValueId output) {
      return output.valid() && !graph.value(output).isStatic();
    });
    // The shape of an operator we do not know is unknown for that reason, not because of the data.
    dependent[id.index()] = behind || (inputsStatic && outputUnknown && findOp(node));
  }
  return dependent;
}

std::int64_t estimateMemory(const Graph& graph, const std::vector<std::string>& deviceOfNode,
                            const std::string& device) {
  const std::vector<NodeId> order = topologicalOrder(graph);
  std::vector<int> step(graph.nodes().size(), -1);
  for (std::size_t i = 0; i < order.size(); ++i) step[order[i].index()] = static_cast<int>(i);
  std::vector<bool> isOutput(graph.values().size(), false);
  for (ValueId output : graph.outputs()) isOutput[output.index()] = true;
  auto isHere = [&](NodeId node) { return deviceOfNode[node.index()] == device; };

  const int end = static_cast<int>(order.size());
  std::vector<std::int64_t> change(order.size() + 2, 0);
  std::int64_t weights = 0;
  for (std::uint32_t v = 0; v < graph.values().size(); ++v) {
    const Value& value = graph.value(ValueId(v));
    const std::int64_t bytes = value.isStatic() ? value.desc.checkedBytes().value_or(0) : 0;
    if (bytes == 0) continue;
    const bool made = value.producer.valid() && isHere(value.producer);
    const bool resident =
        value.isConstant() || (value.producer.valid() && graph.node(value.producer).type == "Constant");
    int first = made ? step[value.producer.index()] : end, last = made ? first : -1;
    for (NodeId consumer : value.consumers) {
      const int at = step[consumer.index()];
      if (isHere(consumer)) first = std::min(first, at);
      if (isHere(consumer) || made) last = std::max(last, at);
    }
    if (last < 0) continue; // not on this device at all
    if (resident) {
      weights += bytes;
      continue;
    }
    if (made && isOutput[v]) last = end;
    change[static_cast<std::size_t>(first)] += bytes;
    change[static_cast<std::size_t>(last) + 1] -= bytes;
  }
  std::int64_t live = 0, peak = 0;
  for (std::int64_t difference : change) peak = std::max(peak, live += difference);
  return weights + peak;
}

} // namespace tandem
