// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/gallery/graph_builder.hpp"

#include "engine/gallery/weights.hpp"
#include "engine/ops/op_def.hpp"

namespace tandem::gallery {
namespace {

constexpr int kOpset = 17;

} // namespace

GraphBuilder::GraphBuilder(const GallerySample& facts, std::string_view inputName) {
  m_graph.name = facts.name;
  m_graph.opset = kOpset;
  const ValueId id = m_graph.addInput(std::string(inputName), {DataType::Float32, facts.inputShape});
  m_graph.value(id).dimNames.assign(facts.inputShape.rank(), "");
  m_graph.value(id).dimNames[0] = "N";
  m_channels[id] = facts.inputShape[1];
}

ValueId GraphBuilder::add(const std::string& type, std::vector<ValueId> inputs, std::int64_t outputChannels,
                          Attributes attributes) {
  Node node;
  node.type = type;
  node.name = m_scope + type;
  if (const int use = m_uses[node.name]++; use > 0) node.name += "_" + std::to_string(use + 1);
  const OpDef* def = findOp("", type);
  node.version = def ? versionFor(*def, kOpset) : kOpset;
  node.attributes = std::move(attributes);
  Value output;
  output.name = node.name + "_output";
  const ValueId id = m_graph.addValue(std::move(output));
  m_channels[id] = outputChannels;
  node.inputs = std::move(inputs);
  node.outputs = {id};
  m_graph.addNode(std::move(node));
  return id;
}

ValueId GraphBuilder::conv(ValueId x, const ConvSpec& spec) {
  const std::int64_t perGroup = channels(x) / spec.groups;
  const std::int64_t fanIn = perGroup * spec.kernel * spec.kernel;
  const std::string name = weightName("Conv");
  std::vector<ValueId> inputs{
      x, m_graph.addConstant(m_scope + "Conv.weight",
                             heNormal(name + ".weight", {spec.channels, perGroup, spec.kernel, spec.kernel}, fanIn))};
  if (spec.bias)
    inputs.push_back(m_graph.addConstant(m_scope + "Conv.bias", normal(name + ".bias", {spec.channels}, 0, 0.05f)));
  Attributes attributes;
  attributes.set("kernel_shape", std::vector<std::int64_t>{spec.kernel, spec.kernel});
  attributes.set("strides", std::vector<std::int64_t>{spec.stride, spec.stride});
  attributes.set("pads", std::vector<std::int64_t>(4, spec.pad));
  attributes.set("dilations", std::vector<std::int64_t>{1, 1});
  attributes.set("group", spec.groups);
  return add("Conv", std::move(inputs), spec.channels, std::move(attributes));
}

/// Statistics as a trained network has them for inputs of about unit size: small shifts, variances around one.
ValueId GraphBuilder::batchNorm(ValueId x, float gamma) {
  const Shape shape{channels(x)};
  const std::string node = "BatchNormalization";
  const std::string name = weightName(node);
  auto constant = [&](const char* part, float mean, float deviation) {
    return m_graph.addConstant(m_scope + node + part, normal(name + part, shape, mean, deviation));
  };
  const ValueId scale = constant(".scale", gamma, 0.1f * gamma);
  const ValueId shift = constant(".bias", 0, 0.1f);
  const ValueId mean = constant(".mean", 0, 0.1f);
  // Six deviations is the most the generator gives, so the variance stays above 0.4.
  const ValueId variance = constant(".variance", 1, 0.1f);
  Attributes attributes;
  attributes.set("epsilon", 1e-5f);
  return add(node, {x, scale, shift, mean, variance}, channels(x), std::move(attributes));
}

ValueId GraphBuilder::scalar(const std::string& name, float value) {
  if (auto known = m_graph.findValue(name)) return *known;
  return m_graph.addConstant(name, Tensor::scalar(value));
}

ValueId GraphBuilder::relu6(ValueId x) {
  const ValueId low = scalar("relu6.min", 0);
  const ValueId high = scalar("relu6.max", 6);
  return add("Clip", {x, low, high}, channels(x));
}

ValueId GraphBuilder::maxPool(ValueId x, std::int64_t kernel, std::int64_t stride, std::int64_t pad) {
  Attributes attributes;
  attributes.set("kernel_shape", std::vector<std::int64_t>{kernel, kernel});
  attributes.set("strides", std::vector<std::int64_t>{stride, stride});
  attributes.set("pads", std::vector<std::int64_t>(4, pad));
  return add("MaxPool", {x}, channels(x), std::move(attributes));
}

ValueId GraphBuilder::concat(ValueId a, ValueId b) {
  Attributes attributes;
  attributes.set("axis", std::int64_t{1});
  return add("Concat", {a, b}, channels(a) + channels(b), std::move(attributes));
}

ValueId GraphBuilder::flatten(ValueId x, std::int64_t positions) {
  Attributes attributes;
  attributes.set("axis", std::int64_t{1});
  return add("Flatten", {x}, channels(x) * positions, std::move(attributes));
}

ValueId GraphBuilder::dense(ValueId x, std::int64_t outputs) {
  const std::int64_t features = channels(x);
  const std::string name = weightName("Gemm");
  const ValueId weight =
      m_graph.addConstant(m_scope + "Gemm.weight", lecunNormal(name + ".weight", {outputs, features}, features));
  const ValueId bias = m_graph.addConstant(m_scope + "Gemm.bias", normal(name + ".bias", {outputs}, 0, 0.05f));
  Attributes attributes;
  attributes.set("transB", std::int64_t{1});
  return add("Gemm", {x, weight, bias}, outputs, std::move(attributes));
}

ValueId GraphBuilder::softmax(ValueId x) {
  Attributes attributes;
  attributes.set("axis", std::int64_t{-1});
  return add("Softmax", {x}, channels(x), std::move(attributes));
}

Graph GraphBuilder::finish(ValueId output, std::string outputName) {
  m_graph.value(output).name = std::move(outputName);
  m_graph.addOutput(output);
  return std::move(m_graph);
}

} // namespace tandem::gallery
