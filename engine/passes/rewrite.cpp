// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passes/rewrite.hpp"

#include "engine/tensor/visit.hpp"

#include <algorithm>

namespace tandem::passes {
namespace {

bool contains(const std::vector<ValueId>& values, ValueId value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

/// Makes `node` produce `newValue` in the place of `oldValue`.
void replaceOutput(Graph& graph, NodeId node, ValueId oldValue, ValueId newValue) {
  auto& outputs = graph.node(node).outputs;
  std::replace(outputs.begin(), outputs.end(), oldValue, newValue);
  graph.value(oldValue).producer = NodeId();
  graph.value(newValue).producer = node;
}

} // namespace

UniqueNames::UniqueNames(const Graph& graph) {
  for (const Value& value : graph.values()) m_taken.insert(value.name);
}

std::string UniqueNames::make(const std::string& base) {
  std::string name = base;
  for (int i = 2; !m_taken.insert(name).second; ++i) name = base + "_" + std::to_string(i);
  return name;
}

bool isOp(const Node& node, std::string_view type) {
  return node.type == type && (node.domain.empty() || node.domain == "ai.onnx");
}

bool isGraphOutput(const Graph& graph, ValueId value) { return contains(graph.outputs(), value); }

std::optional<NodeId> soleConsumer(const Graph& graph, ValueId value) {
  if (graph.value(value).consumers.size() != 1 || isGraphOutput(graph, value)) return std::nullopt;
  return graph.value(value).consumers.front();
}

std::optional<NodeId> producerOf(const Graph& graph, NodeId node, std::size_t index) {
  const auto& inputs = graph.node(node).inputs;
  if (index >= inputs.size() || !inputs[index].valid()) return std::nullopt;
  const NodeId producer = graph.value(inputs[index]).producer;
  return producer.valid() ? std::optional(producer) : std::nullopt;
}

const Tensor* constantInput(const Graph& graph, const Node& node, std::size_t index) {
  if (index >= node.inputs.size() || !node.inputs[index].valid()) return nullptr;
  const Value& value = graph.value(node.inputs[index]);
  return value.isConstant() ? &value.constant : nullptr;
}

std::size_t usedOutputs(const Graph& graph, const Node& node) {
  return static_cast<std::size_t>(std::count_if(node.outputs.begin(), node.outputs.end(), [&](ValueId output) {
    return output.valid() && (!graph.value(output).consumers.empty() || isGraphOutput(graph, output));
  }));
}

void addOrigins(Node& to, const Node& from) {
  for (NodeId origin : from.origins)
    if (std::find(to.origins.begin(), to.origins.end(), origin) == to.origins.end()) to.origins.push_back(origin);
}

void absorbConsumer(Graph& graph, NodeId producer, NodeId consumer) {
  const ValueId middle = graph.node(producer).outputs[0];
  const ValueId result = graph.node(consumer).outputs[0];
  addOrigins(graph.node(producer), graph.node(consumer));
  graph.removeNode(consumer);
  replaceOutput(graph, producer, middle, result);
}

bool bypass(Graph& graph, NodeId id) {
  const ValueId input = graph.node(id).inputs[0];
  const ValueId output = graph.node(id).outputs[0];
  if (!isGraphOutput(graph, output)) {
    graph.replaceUses(output, input);
    graph.removeNode(id);
    return true;
  }
  // The output keeps its name, so what made the input makes the output instead. Not possible where the input has a
  // name of its own to keep.
  const NodeId producer = graph.value(input).producer;
  if (!producer.valid() || isGraphOutput(graph, input) || graph.value(input).desc != graph.value(output).desc)
    return false;
  graph.removeNode(id);
  graph.replaceUses(input, output);
  replaceOutput(graph, producer, input, output);
  return true;
}

std::vector<double> toDoubles(const Tensor& tensor) {
  std::vector<double> values(static_cast<std::size_t>(tensor.elements()));
  visitType(tensor.type(), [&]<class T>(TypeTag<T>) {
    const auto src = tensor.as<T>();
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<double>(static_cast<ComputeTypeOf<T>>(src[i]));
  });
  return values;
}

Tensor fromDoubles(DataType type, Shape shape, const std::vector<double>& values) {
  Tensor tensor = Tensor::uninitialized({type, std::move(shape)});
  visitFloating(type, [&]<class T>(TypeTag<T>) {
    auto dst = tensor.mutableAs<T>();
    for (std::size_t i = 0; i < values.size(); ++i) dst[i] = static_cast<T>(static_cast<ComputeTypeOf<T>>(values[i]));
  });
  return tensor;
}

} // namespace tandem::passes
