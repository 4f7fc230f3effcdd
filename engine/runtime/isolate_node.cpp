// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/isolate_node.hpp"

#include <map>

namespace tandem {

IsolatedNode isolateNode(const Graph& graph, NodeId id, std::span<const Tensor> inputs) {
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
    if (isNew && value.isConstant()) {
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
