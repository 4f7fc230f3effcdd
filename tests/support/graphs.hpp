// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/op_def.hpp"

#include <string>
#include <vector>

namespace tandem::test {

/// Adds one node with one output and returns the output.
inline ValueId add(Graph& graph, const std::string& type, std::vector<ValueId> inputs, Attributes attributes = {}) {
  Node node;
  node.type = type;
  node.inputs = std::move(inputs);
  node.attributes = std::move(attributes);
  const OpDef* def = findOp("", type);
  node.version = def ? versionFor(*def, 18) : 0;
  node.outputs.push_back(graph.addValue({}));
  const ValueId output = node.outputs[0];
  graph.addNode(std::move(node));
  return output;
}

/// x -> Relu -> a; a -> Neg -> b; a, b -> Add -> c -> Abs -> y: a diamond with a straight end.
inline Graph diamond() {
  Graph graph;
  graph.opset = 18;
  const ValueId x = graph.addInput("x", {DataType::Float32, {kUnknownDim, 4}});
  const ValueId a = add(graph, "Relu", {x});
  const ValueId b = add(graph, "Neg", {a});
  const ValueId c = add(graph, "Add", {a, b});
  graph.addOutput(add(graph, "Abs", {c}));
  return graph;
}

} // namespace tandem::test
