// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passes/rewrite.hpp"

#include "engine/tensor/visit.hpp"

#include <algorithm>
#include <map>

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

std::optional<double> numberOf(const Graph& graph, ValueId id) {
  if (!id.valid()) return std::nullopt;
  const Value& value = graph.value(id);
  if (!value.isConstant() || value.constant.elements() != 1 || !isFloating(value.desc.type)) return std::nullopt;
  return value.constant.asDouble(0);
}

std::optional<Scaling> scalingOf(const Graph& graph, const Node& node) {
  const bool divides = isOp(node, "Div");
  if ((!divides && !isOp(node, "Mul")) || node.inputs.size() != 2 || node.version < 7) return std::nullopt;
  for (std::size_t i = 0; i < (divides ? 1u : 2u); ++i) {
    const auto number = numberOf(graph, node.inputs[1 - i]);
    if (!number || (divides && *number == 0)) continue;
    if (graph.value(node.inputs[i]).desc != graph.value(node.outputs[0]).desc) continue;
    return Scaling{node.inputs[i], divides ? 1 / *number : *number};
  }
  return std::nullopt;
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

bool fitsDevice(const Graph& graph, const PassContext& context, Node candidate, const Node& first, const Node& last) {
  if (!context.canRun) return true;
  Graph alone;
  alone.opset = graph.opset;
  auto copied = [&](ValueId id) {
    Value value = graph.value(id);
    value.producer = NodeId();
    value.consumers.clear();
    return alone.addValue(std::move(value));
  };
  std::map<ValueId, ValueId> copies;
  for (ValueId& input : candidate.inputs) {
    if (!input.valid()) continue;
    auto [known, isNew] = copies.try_emplace(input);
    if (isNew) known->second = copied(input);
    input = known->second;
  }
  candidate.outputs = {copied(last.outputs[0])};
  candidate.name = last.name;
  candidate.origins = first.origins;
  return context.canRun(alone, alone.addNode(std::move(candidate)));
}

bool replaceNodes(Graph& graph, const PassContext& context, const std::vector<NodeId>& nodes, Node replacement) {
  const NodeId last = nodes.back();
  const auto isOwn = [&](NodeId id) { return std::find(nodes.begin(), nodes.end(), id) != nodes.end(); };
  for (NodeId id : nodes) {
    const Node& node = graph.node(id);
    if (!context.allowsFusion(node, graph.node(last))) return false;
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      if (!node.outputs[i].valid() || (id == last && i == 0)) continue;
      const auto& readers = graph.value(node.outputs[i]).consumers;
      if (isGraphOutput(graph, node.outputs[i]) || !std::all_of(readers.begin(), readers.end(), isOwn)) return false;
    }
  }
  if (!fitsDevice(graph, context, replacement, graph.node(nodes.front()), graph.node(last))) return false;
  Node& node = graph.node(last);
  for (NodeId id : nodes)
    if (id != last) addOrigins(node, graph.node(id));
  for (std::size_t i = 0; i < node.inputs.size(); ++i) graph.setInput(last, i, ValueId());
  node.inputs.assign(replacement.inputs.size(), ValueId());
  for (std::size_t i = 0; i < replacement.inputs.size(); ++i) graph.setInput(last, i, replacement.inputs[i]);
  node.type = std::move(replacement.type);
  node.domain = std::move(replacement.domain);
  node.version = replacement.version;
  node.attributes = std::move(replacement.attributes);
  for (auto id = nodes.rbegin() + 1; id != nodes.rend(); ++id) graph.removeNode(*id);
  return true;
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
