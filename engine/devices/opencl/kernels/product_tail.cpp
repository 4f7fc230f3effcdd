// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/product_tail.hpp"

#include <algorithm>
#include <array>

namespace tandem::opencl {
namespace {

/// The one node that reads `value`, which nobody outside the segment wants.
std::optional<NodeId> soleReader(const Segment& segment, ValueId value) {
  const Value& data = segment.graph->value(value);
  if (data.consumers.size() != 1) return std::nullopt;
  if (std::find(segment.outputs.begin(), segment.outputs.end(), value) != segment.outputs.end()) return std::nullopt;
  return data.consumers.front();
}

bool isAddend(const Graph& graph, ValueId value, const Shape& shape) {
  const Tensor& constant = graph.value(value).constant;
  if (!constant.defined() || constant.type() != DataType::Float32 || shape.rank() == 0) return false;
  const std::int64_t columns = shape[shape.rank() - 1];
  if (constant.shape().rank() > shape.rank()) return false;
  if (constant.elements() == 1) return true;
  return constant.elements() == columns && constant.shape()[constant.shape().rank() - 1] == columns;
}

std::optional<ops::Activation> activationIn(const Node& node) {
  constexpr std::array<std::string_view, 6> kKnown{"Relu", "Sigmoid", "Tanh", "HardSwish", "Gelu", "Swish"};
  const bool isStandard = node.domain.empty() || node.domain == "ai.onnx";
  if (!isStandard || std::find(kKnown.begin(), kKnown.end(), node.type) == kKnown.end()) return std::nullopt;
  if (node.attributes.getString("approximate", "none") != "none") return std::nullopt;
  Node fused;
  fused.attributes.set("activation", node.type);
  fused.attributes.set("activation_alpha", node.attributes.getFloat("alpha", 1.0f));
  const auto activation = ops::activationOf(fused);
  return activation.ok() ? std::optional(*activation) : std::nullopt;
}

} // namespace

std::optional<ProductTail> productTail(const Segment& segment, NodeId product) {
  const Graph& graph = *segment.graph;
  const ValueId sum = graph.node(product).outputs[0];
  const TensorDesc& desc = graph.value(sum).desc;
  // A vector on the right leaves no columns to add to.
  if (graph.value(graph.node(product).inputs[1]).desc.shape.rank() < 2) return std::nullopt;
  const auto add = soleReader(segment, sum);
  if (!add || desc.type != DataType::Float32) return std::nullopt;
  const Node& node = graph.node(*add);
  if (node.type != "Add" || !node.domain.empty() || node.version < 7 || node.inputs.size() != 2) return std::nullopt;
  ProductTail tail;
  tail.nodes = {*add};
  tail.addend = node.inputs[0] == sum ? node.inputs[1] : node.inputs[0];
  if (!isAddend(graph, tail.addend, desc.shape) || graph.value(node.outputs[0]).desc != desc) return std::nullopt;
  const auto next = soleReader(segment, node.outputs[0]);
  if (!next) return tail;
  if (const auto activation = activationIn(graph.node(*next))) {
    tail.activation = *activation;
    tail.nodes.push_back(*next);
  }
  return tail;
}

} // namespace tandem::opencl
