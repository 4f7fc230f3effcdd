// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/conformance/light_weights.hpp"

#include <cmath>

namespace tandem::conformance {
namespace {

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

std::uint64_t splitMix(std::uint64_t state) {
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

double number(std::uint64_t seed, std::uint64_t index) {
  return static_cast<double>(splitMix(seed + (index + 1) * 0x9E3779B97F4A7C15u) >> 40) / 16777216.0;
}

/// value = offset + factor * u, by what the first consumer in graph order does with the vector.
struct Range {
  double offset, factor;
};
constexpr Range kScale{0.4, 0.6}, kVariance{0.5, 1.0}, kBias{-0.1, 0.2};

Range vectorRange(const Graph& graph, ValueId value) {
  for (const Node& node : graph.nodes())
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] != value) continue;
      if (node.type == "Unsqueeze" && i == 0) return vectorRange(graph, node.outputs[0]);
      if (node.type == "BatchNormalization" && i == 1) return kScale;
      if ((node.type == "BatchNormalization" && i == 4) || node.type == "Mul") return kVariance;
      return kBias;
    }
  return kBias;
}

Tensor weights(const Graph& graph, ValueId value, const Shape& shape) {
  Tensor tensor = Tensor::uninitialized({DataType::Float32, shape});
  Range range{0, 0};
  if (shape.rank() >= 2) {
    double fanIn = 1;
    for (std::size_t i = 1; i < shape.rank(); ++i) fanIn *= static_cast<double>(shape[i]);
    const double a = std::sqrt(6 / fanIn);
    range = {-a, 2 * a};
  } else {
    range = vectorRange(graph, value);
  }
  const std::uint64_t seed = fnv1a(graph.value(value).name);
  auto elements = tensor.mutableAs<float>();
  for (std::size_t i = 0; i < elements.size(); ++i)
    elements[i] = static_cast<float>(range.offset + range.factor * number(seed, i));
  return tensor;
}

} // namespace

double lightNumber(std::string_view tensorName, std::uint64_t index) { return number(fnv1a(tensorName), index); }

std::size_t seedLightWeights(Graph& graph) {
  std::vector<std::pair<ValueId, Tensor>> seeded;
  std::vector<NodeId> fillers;
  for (std::uint32_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    if (graph.isDead(NodeId(i)) || node.type != "ConstantOfShape") continue;
    const Value& shape = graph.value(node.inputs[0]);
    if (!shape.isConstant()) continue;
    seeded.emplace_back(node.outputs[0], weights(graph, node.outputs[0], Shape(shape.constant.toInts())));
    fillers.push_back(NodeId(i));
  }
  for (std::size_t i = 0; i < fillers.size(); ++i) {
    graph.removeNode(fillers[i]);
    graph.makeConstant(seeded[i].first, std::move(seeded[i].second));
  }
  return fillers.size();
}

} // namespace tandem::conformance
