// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/isolate_node.hpp"

#include <algorithm>
#include <map>

namespace tandem {

std::vector<std::size_t> feedsOf(const Graph& graph, const Node& node) {
  std::vector<std::size_t> feeds;
  for (auto it = node.inputs.begin(); it != node.inputs.end(); ++it)
    if (it->valid() && !graph.value(*it).isConstant() && std::find(node.inputs.begin(), it, *it) == it)
      feeds.push_back(static_cast<std::size_t>(it - node.inputs.begin()));
  return feeds;
}

IsolatedNode isolateNode(const Graph& graph, NodeId id, std::span<const Tensor> inputs, bool keepsConstants) {
  const Node& node = graph.node(id);
  IsolatedNode alone;
  alone.graph.name = graph.name;
  alone.graph.opset = graph.opset;
  std::map<ValueId, ValueId> added;
  Node copy = node;
  copy.origins.clear();
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (!node.inputs[i].valid()) continue;
    const Value& value = graph.value(node.inputs[i]);
    auto [it, isNew] = added.try_emplace(node.inputs[i]);
    if (isNew && value.isConstant() && keepsConstants) {
      it->second = alone.graph.addConstant(value.name, value.constant);
    } else if (isNew) {
      it->second = alone.graph.addInput(value.name, inputs[i].desc());
      alone.feeds.push_back(i);
    }
    copy.inputs[i] = it->second;
  }
  for (ValueId& output : copy.outputs) {
    if (!output.valid()) continue;
    Value value;
    value.name = graph.value(output).name;
    value.desc.type = graph.value(output).desc.type;
    output = alone.graph.addValue(std::move(value));
    alone.graph.addOutput(output);
  }
  alone.graph.addNode(std::move(copy));
  return alone;
}

} // namespace tandem
