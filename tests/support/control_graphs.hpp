// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "tests/support/graphs.hpp"

#include <optional>

namespace tandem::test {

/// Adds a control node whose inputs are `inputs` and then `captured`, which its bodies know under the same names.
inline std::vector<ValueId> addControl(Graph& graph, const std::string& type, std::vector<ValueId> inputs,
                                       const std::vector<ValueId>& captured, Attributes attributes,
                                       std::size_t outputs) {
  Node node;
  node.name = "the_" + type;
  node.type = type;
  node.version = versionFor(*findOp("", type), 18);
  std::vector<std::string> names;
  for (ValueId id : captured) {
    names.push_back(graph.value(id).name);
    inputs.push_back(id);
  }
  if (!names.empty()) attributes.set("captures", std::move(names));
  node.inputs = std::move(inputs);
  node.attributes = std::move(attributes);
  for (std::size_t i = 0; i < outputs; ++i) node.outputs.push_back(graph.addValue({}));
  const std::vector<ValueId> results = node.outputs;
  graph.addNode(std::move(node));
  return results;
}

inline std::shared_ptr<const Graph> share(Graph graph) { return std::make_shared<const Graph>(std::move(graph)); }

/// y = condition ? x + x : -x, where the branches capture x.
inline Graph conditional() {
  Graph yes, no;
  yes.opset = no.opset = 18;
  const ValueId a = yes.addInput("x", {});
  yes.value(a).rankKnown = false;
  yes.addOutput(add(yes, "Add", {a, a}));
  const ValueId b = no.addInput("x", {});
  no.value(b).rankKnown = false;
  no.addOutput(add(no, "Neg", {b}));
  Graph graph;
  graph.opset = 18;
  const ValueId condition = graph.addInput("condition", {DataType::Bool, Shape{}});
  const ValueId x = graph.addInput("x", {DataType::Float32, {kUnknownDim}});
  Attributes attributes;
  attributes.set("then_branch", share(std::move(yes)));
  attributes.set("else_branch", share(std::move(no)));
  graph.addOutput(addControl(graph, "If", {condition}, {x}, std::move(attributes), 1)[0]);
  return graph;
}

/// Starting with s: repeat `trips` times s = s * factor (captured), and list all s. Outputs: the last s, the list.
/// Without `trips` it goes on as long as its condition says, which is for ever.
inline Graph powers(std::optional<std::int64_t> trips) {
  Graph body;
  body.opset = 18;
  body.addInput("i", {DataType::Int64, Shape{}});
  const ValueId condition = body.addInput("go_on", {DataType::Bool, Shape{}});
  const ValueId state = body.addInput("state", {});
  body.value(state).rankKnown = false;
  const ValueId factor = body.addInput("factor", {});
  body.value(factor).rankKnown = false;
  const ValueId next = add(body, "Mul", {state, factor});
  body.addOutput(add(body, "Identity", {condition}));
  body.addOutput(next);
  if (trips) body.addOutput(add(body, "Identity", {next}));
  Graph graph;
  graph.opset = 18;
  const ValueId s = graph.addInput("s", {DataType::Float32, {2}});
  const ValueId outerFactor = graph.addInput("factor", {DataType::Float32, {2}});
  const ValueId limit = trips ? graph.addConstant("limit", Tensor::scalar<std::int64_t>(*trips)) : ValueId();
  const ValueId start = graph.addConstant("start", Tensor::scalar<bool>(true));
  Attributes attributes;
  attributes.set("body", share(std::move(body)));
  for (ValueId output :
       addControl(graph, "Loop", {limit, start, s}, {outerFactor}, std::move(attributes), trips ? 2 : 1))
    graph.addOutput(output);
  return graph;
}

} // namespace tandem::test
