// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/keras/detail/builder.hpp"

#include "engine/formats/keras/detail/keras_error.hpp"
#include "engine/ops/op_def.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>

namespace tandem::detail {
namespace {

constexpr std::size_t kMaxNodes = 200'000;

} // namespace

Ints toChannelsFirst(std::size_t rank) {
  Ints permutation(rank);
  std::iota(permutation.begin(), permutation.end(), std::int64_t{0});
  std::rotate(permutation.begin() + 1, permutation.end() - 1, permutation.end());
  return permutation;
}

Ints toChannelsLast(std::size_t rank) {
  Ints permutation(rank);
  std::iota(permutation.begin(), permutation.end(), std::int64_t{0});
  std::rotate(permutation.begin() + 1, permutation.begin() + 2, permutation.end());
  return permutation;
}

std::string shapeText(const Ints& shape) { return Shape(shape).toString(); }

std::string Builder::reserveName(const std::string& base) {
  std::string name = base;
  while (!m_names.insert(name).second) name = base + "_" + std::to_string(++m_uses[base] + 1);
  return name;
}

std::vector<ValueId> Builder::nodes(const std::string& type, std::vector<ValueId> inputs,
                                    const std::vector<bool>& wanted, AttributeList attributes) {
  if (m_graph.nodes().size() >= kMaxNodes)
    throw KerasError("the model has more than " + std::to_string(kMaxNodes) + " nodes");
  Node node;
  node.type = type;
  node.scope = m_scope;
  node.name = uniqueName(m_scope.empty() ? type : m_scope + "/" + type);
  const OpDef* def = findOp("", type);
  node.version = def ? versionFor(*def, m_graph.opset) : m_graph.opset;
  for (Attribute& attribute : attributes) node.attributes.set(std::move(attribute.name), std::move(attribute.value));
  node.inputs = std::move(inputs);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!wanted[i]) {
      node.outputs.emplace_back();
      continue;
    }
    Value value;
    value.name = uniqueName(node.name + "_output" + (i == 0 ? "" : std::to_string(i)));
    node.outputs.push_back(m_graph.addValue(std::move(value)));
  }
  std::vector<ValueId> outputs = node.outputs;
  m_graph.addNode(std::move(node));
  return outputs;
}

ValueId Builder::node(const std::string& type, std::vector<ValueId> inputs, AttributeList attributes) {
  return nodes(type, std::move(inputs), {true}, std::move(attributes)).front();
}

ValueId Builder::weight(const std::string& name, const std::function<Tensor()>& make) {
  const std::string key = m_scope + "/" + name;
  if (const auto it = m_weights.find(key); it != m_weights.end()) return it->second;
  Tensor tensor = make();
  const ValueId id = m_graph.addConstant(uniqueName(key), std::move(tensor));
  m_weights.emplace(key, id);
  return id;
}

ValueId Builder::ints(const Ints& values) {
  if (const auto it = m_ints.find(values); it != m_ints.end()) return it->second;
  const ValueId id =
      m_graph.addConstant(uniqueName("ints"), Tensor::of<std::int64_t>(Shape{static_cast<std::int64_t>(values.size())},
                                                                       std::span<const std::int64_t>(values)));
  return m_ints.emplace(values, id).first->second;
}

ValueId Builder::scalar(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (const auto it = m_scalars.find(bits); it != m_scalars.end()) return it->second;
  const ValueId id = m_graph.addConstant(uniqueName("scalar"), Tensor::scalar(value));
  return m_scalars.emplace(bits, id).first->second;
}

ValueId Builder::intScalar(std::int64_t value, DataType type) {
  const std::pair<std::int64_t, int> key(value, static_cast<int>(type));
  if (const auto it = m_intScalars.find(key); it != m_intScalars.end()) return it->second;
  Tensor tensor = type == DataType::Int32 ? Tensor::scalar(static_cast<std::int32_t>(value)) : Tensor::scalar(value);
  const ValueId id = m_graph.addConstant(uniqueName("integer"), std::move(tensor));
  return m_intScalars.emplace(key, id).first->second;
}

TensorPtr Builder::plain(ValueId value, Ints shape, DataType type) {
  auto tensor = std::make_shared<KerasTensor>();
  tensor->shape = std::move(shape);
  tensor->type = type;
  tensor->plain = value;
  return tensor;
}

TensorPtr Builder::channelsFirst(ValueId value, Ints kerasShape, DataType type) {
  auto tensor = std::make_shared<KerasTensor>();
  tensor->shape = std::move(kerasShape);
  tensor->type = type;
  tensor->channelsFirst = value;
  return tensor;
}

namespace {

/// All between the batch and the channels is 1: both orders hold the same elements in the same order.
bool isOnePixel(const Ints& shape) {
  return std::all_of(shape.begin() + 1, shape.end() - 1, [](std::int64_t dim) { return dim == 1; }) && shape.back() > 0;
}

} // namespace

ValueId Builder::plainOf(KerasTensor& tensor) {
  if (tensor.plain.valid()) return tensor.plain;
  if (isOnePixel(tensor.shape)) {
    Ints target = tensor.shape;
    target[0] = 0;
    tensor.plain = reshape(tensor.channelsFirst, target);
  } else {
    tensor.plain = transpose(tensor.channelsFirst, toChannelsLast(tensor.rank()));
  }
  return tensor.plain;
}

ValueId Builder::channelsFirstOf(KerasTensor& tensor) {
  if (tensor.channelsFirst.valid()) return tensor.channelsFirst;
  if (tensor.rank() < 3 || tensor.rank() > 5)
    throw KerasError("an input of shape " + shapeText(tensor.shape) + " has no channels to move");
  if (isOnePixel(tensor.shape)) {
    Ints target(tensor.rank(), 1);
    target[0] = 0;
    target[1] = tensor.shape.back();
    tensor.channelsFirst = reshape(tensor.plain, target);
  } else {
    tensor.channelsFirst = transpose(tensor.plain, toChannelsFirst(tensor.rank()));
  }
  return tensor.channelsFirst;
}

ValueId Builder::slice(ValueId value, std::int64_t axis, std::int64_t begin, std::int64_t end, std::int64_t step) {
  return node("Slice", {value, ints({begin}), ints({end}), ints({axis}), ints({step})});
}

ValueId Builder::dimension(ValueId value, std::int64_t axis) {
  return node("Shape", {value}, {{"start", axis}, {"end", axis + 1}});
}

ValueId Builder::concat(std::vector<ValueId> values, std::int64_t axis) {
  return node("Concat", std::move(values), {{"axis", axis}});
}

} // namespace tandem::detail
