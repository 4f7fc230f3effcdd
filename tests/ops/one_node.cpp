// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/ops/one_node.hpp"

#include "engine/ops/op_def.hpp"
#include "engine/ops/shape_inference.hpp"

#include <cmath>
#include <numeric>

namespace tandem {

OneNode::OneNode(std::string type, int version, std::string domain) {
  m_node.name = "node";
  m_node.type = std::move(type);
  m_node.version = version;
  m_node.domain = std::move(domain);
}

OneNode& OneNode::input(Tensor tensor) {
  m_operands.push_back({true, true, false, tensor.desc(), tensor});
  return *this;
}

OneNode& OneNode::constant(Tensor tensor) {
  m_operands.push_back({true, true, true, tensor.desc(), tensor});
  return *this;
}

OneNode& OneNode::input(DataType type, Shape shape) {
  m_operands.push_back({true, true, false, {type, std::move(shape)}, {}});
  return *this;
}

OneNode& OneNode::unknownRank(DataType type) {
  m_operands.push_back({true, false, false, {type, {}}, {}});
  return *this;
}

OneNode& OneNode::left() {
  m_operands.push_back({false, false, false, {}, {}});
  return *this;
}

OneNode& OneNode::outputs(std::size_t count) {
  m_outputs = count;
  return *this;
}

OneNode& OneNode::set(std::string name, Attribute attribute) {
  m_node.attributes.set(std::move(name), std::move(attribute));
  return *this;
}

Graph OneNode::build() const {
  Graph graph;
  Node node = m_node;
  for (std::size_t i = 0; i < m_operands.size(); ++i) {
    const Operand& operand = m_operands[i];
    const std::string name = "in" + std::to_string(i);
    if (!operand.present) {
      node.inputs.push_back(ValueId{});
    } else if (operand.isConstant) {
      node.inputs.push_back(graph.addConstant(name, operand.tensor));
    } else {
      const ValueId id = graph.addInput(name, operand.desc);
      graph.value(id).rankKnown = operand.rankKnown;
      node.inputs.push_back(id);
    }
  }
  for (std::size_t i = 0; i < m_outputs; ++i) {
    Value value;
    value.name = "out" + std::to_string(i);
    node.outputs.push_back(graph.addValue(std::move(value)));
    graph.addOutput(node.outputs.back());
  }
  graph.addNode(std::move(node));
  return graph;
}

Result<std::vector<Value>> OneNode::infer() const {
  Graph graph = build();
  TANDEM_TRY(inferShapes(graph));
  std::vector<Value> values;
  for (ValueId id : graph.outputs()) values.push_back(graph.value(id));
  return values;
}

Result<std::vector<Tensor>> OneNode::run() const {
  const std::vector<Value> inferred = TANDEM_TRY(infer());
  std::vector<Tensor> operands;
  for (const Operand& operand : m_operands) operands.push_back(operand.tensor);
  const Graph graph = build();
  std::vector<Tensor> results = TANDEM_TRY(evaluate(graph.nodes()[0], operands));
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!results[i].defined()) continue;
    EXPECT_EQ(inferred[i].desc.type, results[i].type());
    if (inferred[i].isStatic()) {
      EXPECT_EQ(inferred[i].desc.shape, results[i].shape());
    }
  }
  return results;
}

double OneNode::flops() const {
  Graph graph = build();
  const auto known = inferShapes(graph);
  EXPECT_TRUE(known.ok());
  return costOf(graph, graph.nodes()[0]).flops;
}

Tensor counting(Shape shape, float first) {
  Tensor tensor = Tensor::uninitialized({DataType::Float32, std::move(shape)});
  const auto elements = tensor.mutableAs<float>();
  std::iota(elements.begin(), elements.end(), first);
  return tensor;
}

Tensor filled(Shape shape, float value) {
  Tensor tensor = Tensor::uninitialized({DataType::Float32, std::move(shape)});
  const auto elements = tensor.mutableAs<float>();
  std::fill(elements.begin(), elements.end(), value);
  return tensor;
}

void expectFloats(const Result<std::vector<Tensor>>& results, Shape shape, std::vector<float> values,
                  std::size_t index) {
  ASSERT_TRUE(results.ok()) << results.error().line();
  ASSERT_LT(index, results->size());
  const Tensor& tensor = (*results)[index];
  ASSERT_EQ(tensor.desc(), (TensorDesc{DataType::Float32, std::move(shape)}));
  const auto elements = tensor.as<float>();
  ASSERT_EQ(elements.size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    EXPECT_NEAR(elements[i], values[i], 1e-5 * (1 + std::fabs(values[i]))) << "element " << i;
}

} // namespace tandem
