// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/graph/graph.hpp"

#include <algorithm>

namespace tandem {
namespace {

void eraseOne(std::vector<NodeId>& ids, NodeId id) {
  auto it = std::find(ids.begin(), ids.end(), id);
  if (it != ids.end()) ids.erase(it);
}

} // namespace

ValueId Graph::addValue(Value value) {
  if (value.name.empty()) {
    std::size_t number = m_values.size();
    do value.name = "value_" + std::to_string(number++);
    while (findValue(value.name)); // a file or an earlier compact() may have taken it
  }
  m_values.push_back(std::move(value));
  return ValueId(static_cast<std::uint32_t>(m_values.size() - 1));
}

ValueId Graph::addConstant(std::string valueName, Tensor tensor) {
  Value value;
  value.name = std::move(valueName);
  value.desc = tensor.desc();
  value.rankKnown = true;
  value.constant = std::move(tensor);
  return addValue(std::move(value));
}

ValueId Graph::addInput(std::string valueName, TensorDesc desc) {
  Value value;
  value.name = std::move(valueName);
  value.desc = std::move(desc);
  value.rankKnown = true;
  ValueId id = addValue(std::move(value));
  m_inputs.push_back(id);
  return id;
}

NodeId Graph::addNode(Node node) {
  const NodeId id(static_cast<std::uint32_t>(m_nodes.size()));
  if (node.name.empty()) {
    std::uint32_t& counter = m_nameCounters[node.type];
    do node.name = node.type + "_" + std::to_string(counter++);
    while (findNode(node.name));
  }
  if (node.origins.empty()) node.origins.push_back(id);
  for (ValueId input : node.inputs)
    if (input.valid()) value(input).consumers.push_back(id);
  for (ValueId output : node.outputs)
    if (output.valid()) value(output).producer = id;
  m_nodes.push_back(std::move(node));
  m_dead.push_back(false);
  return id;
}

std::optional<ValueId> Graph::findValue(std::string_view valueName) const {
  for (std::uint32_t i = 0; i < m_values.size(); ++i)
    if (m_values[i].name == valueName) return ValueId(i);
  return std::nullopt;
}

std::optional<NodeId> Graph::findNode(std::string_view nodeName) const {
  for (std::uint32_t i = 0; i < m_nodes.size(); ++i)
    if (!m_dead[i] && m_nodes[i].name == nodeName) return NodeId(i);
  return std::nullopt;
}

void Graph::setInput(NodeId id, std::size_t index, ValueId newValue) {
  ValueId& slot = node(id).inputs[index];
  if (slot.valid()) eraseOne(value(slot).consumers, id);
  slot = newValue;
  if (newValue.valid()) value(newValue).consumers.push_back(id);
}

void Graph::replaceUses(ValueId from, ValueId to) {
  if (from == to) return;
  for (NodeId consumer : value(from).consumers)
    for (ValueId& input : node(consumer).inputs)
      if (input == from) {
        input = to;
        value(to).consumers.push_back(consumer);
        break; // one entry of `consumers` stands for one use
      }
  value(from).consumers.clear();
  std::replace(m_outputs.begin(), m_outputs.end(), from, to);
}

void Graph::removeNode(NodeId id) {
  Node& dead = node(id);
  for (ValueId input : dead.inputs)
    if (input.valid()) eraseOne(value(input).consumers, id);
  for (ValueId output : dead.outputs)
    if (output.valid() && value(output).producer == id) value(output).producer = NodeId();
  dead.inputs.clear();
  dead.outputs.clear();
  m_dead[id.index()] = true;
}

void Graph::makeConstant(ValueId id, Tensor tensor) {
  Value& target = value(id);
  target.desc = tensor.desc();
  target.rankKnown = true;
  target.constant = std::move(tensor);
  target.producer = NodeId();
}

void Graph::compact() {
  const std::vector<NodeId> order = topologicalOrder(*this);
  std::vector<bool> used(m_values.size(), false);
  for (ValueId input : m_inputs) used[input.index()] = true;
  for (ValueId output : m_outputs) used[output.index()] = true;
  for (NodeId id : order) {
    for (ValueId input : node(id).inputs)
      if (input.valid()) used[input.index()] = true;
    for (ValueId output : node(id).outputs)
      if (output.valid()) used[output.index()] = true;
  }

  std::vector<ValueId> newValueIds(m_values.size());
  std::vector<Value> values;
  for (std::uint32_t i = 0; i < m_values.size(); ++i) {
    if (!used[i]) continue;
    newValueIds[i] = ValueId(static_cast<std::uint32_t>(values.size()));
    values.push_back(std::move(m_values[i]));
    values.back().consumers.clear();
    values.back().producer = NodeId();
  }
  auto renumber = [&](std::vector<ValueId>& ids) {
    for (ValueId& id : ids)
      if (id.valid()) id = newValueIds[id.index()];
  };
  std::vector<Node> nodes;
  nodes.reserve(order.size());
  for (NodeId id : order) nodes.push_back(std::move(node(id)));
  for (Node& each : nodes) {
    renumber(each.inputs);
    renumber(each.outputs);
  }
  renumber(m_inputs);
  renumber(m_outputs);
  m_values = std::move(values);
  m_nodes.clear();
  m_dead.clear();
  for (Node& each : nodes) addNode(std::move(each));
}

} // namespace tandem
