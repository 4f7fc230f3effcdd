// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/shape_inference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem::test {

template <class T> Tensor tensor(Shape shape, std::initializer_list<T> values) { return Tensor::of<T>(shape, values); }
inline Tensor floats(Shape shape, std::initializer_list<float> values) { return Tensor::of<float>(shape, values); }
inline Tensor floats(std::initializer_list<float> values) {
  return floats(Shape{static_cast<std::int64_t>(values.size())}, values);
}
inline Tensor ints(Shape shape, std::initializer_list<std::int64_t> values) {
  return Tensor::of<std::int64_t>(shape, values);
}
inline Tensor ints(std::initializer_list<std::int64_t> values) {
  return ints(Shape{static_cast<std::int64_t>(values.size())}, values);
}
inline Tensor int32s(std::initializer_list<std::int32_t> values) {
  return Tensor::of<std::int32_t>(Shape{static_cast<std::int64_t>(values.size())}, values);
}
inline Tensor bools(std::initializer_list<bool> values) {
  return Tensor::of<bool>(Shape{static_cast<std::int64_t>(values.size())}, values);
}
/// 0, 1, 2, ... as float.
inline Tensor counting(Shape shape) {
  Tensor result = Tensor::uninitialized({DataType::Float32, std::move(shape)});
  float next = 0;
  for (float& value : result.mutableAs<float>()) value = next++;
  return result;
}
inline std::vector<double> valuesOf(const Tensor& tensor) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < tensor.elements(); ++i) values.push_back(tensor.asDouble(i));
  return values;
}

/// One node, built up and run: `Op("Concat", 13).with("axis", 1).run({a, b})`. An undefined tensor is an input that is
/// left out.
class Op {
 public:
  Op(std::string type, int version, std::size_t outputs = 1) : m_outputs(outputs) {
    m_node.name = "node";
    m_node.type = std::move(type);
    m_node.version = version;
  }
  Op& with(std::string name, std::int64_t value) { return set(std::move(name), value); }
  Op& with(std::string name, int value) { return set(std::move(name), std::int64_t{value}); }
  Op& with(std::string name, float value) { return set(std::move(name), value); }
  Op& with(std::string name, const char* value) { return set(std::move(name), std::string(value)); }
  Op& with(std::string name, Tensor value) { return set(std::move(name), std::move(value)); }
  Op& with(std::string name, std::vector<std::int64_t> value) { return set(std::move(name), std::move(value)); }

  Result<std::vector<Tensor>> tryRun(const std::vector<Tensor>& inputs) const {
    Node node = m_node;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      node.inputs.push_back(inputs[i].defined() ? ValueId(static_cast<std::uint32_t>(i)) : ValueId());
    for (std::size_t i = 0; i < m_outputs; ++i) node.outputs.push_back(ValueId(static_cast<std::uint32_t>(100 + i)));
    return evaluate(node, inputs);
  }
  std::vector<Tensor> runAll(const std::vector<Tensor>& inputs) const {
    auto result = tryRun(inputs);
    if (!result) {
      ADD_FAILURE() << result.error().line();
      return std::vector<Tensor>(m_outputs, Tensor::zeros({DataType::Float32, {0}}));
    }
    return *result;
  }
  Tensor run(const std::vector<Tensor>& inputs) const { return runAll(inputs)[0]; }
  std::vector<double> values(const std::vector<Tensor>& inputs) const { return valuesOf(run(inputs)); }
  /// The message of the error that the kernel gives; empty, and a failure, where it gives none.
  std::string error(const std::vector<Tensor>& inputs) const {
    auto result = tryRun(inputs);
    if (!result) return result.error().message;
    ADD_FAILURE() << m_node.type << " should have failed";
    return {};
  }

  /// Shape inference alone. Inputs with data are constants, the others only descs; an unknown rank is std::nullopt.
  struct Input {
    Input(Tensor tensor) : constant(std::move(tensor)) {}
    Input(Shape known) : shape(std::move(known)) {}
    Input(std::nullopt_t) {}
    Tensor constant;
    std::optional<Shape> shape;
  };
  Result<Value> tryInfer(const std::vector<Input>& inputs, std::size_t output = 0) const {
    Graph graph;
    Node node = m_node;
    for (const Input& input : inputs) {
      Value value;
      if (input.constant.defined()) {
        node.inputs.push_back(graph.addConstant("", input.constant));
        continue;
      }
      node.inputs.push_back(graph.addInput("in" + std::to_string(node.inputs.size()),
                                           {DataType::Float32, input.shape.value_or(Shape{})}));
      graph.value(node.inputs.back()).rankKnown = input.shape.has_value();
    }
    std::vector<ValueId> outputs;
    for (std::size_t i = 0; i < m_outputs; ++i) outputs.push_back(graph.addValue(Value()));
    node.outputs = outputs;
    graph.addNode(std::move(node));
    TANDEM_TRY(inferShapes(graph));
    return graph.value(outputs[output]);
  }
  /// "float32 2x3", "float32 2x?", "float32 of unknown rank", or the error's message.
  std::string infer(const std::vector<Input>& inputs, std::size_t output = 0) const {
    auto value = tryInfer(inputs, output);
    if (!value) return value.error().message;
    if (!value->rankKnown) return std::string(toString(value->desc.type)) + " of unknown rank";
    return value->desc.toString();
  }

 private:
  Op& set(std::string name, Attribute value) {
    m_node.attributes.set(std::move(name), std::move(value));
    return *this;
  }
  Node m_node;
  std::size_t m_outputs;
};

} // namespace tandem::test
