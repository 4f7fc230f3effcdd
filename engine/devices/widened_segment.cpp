// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/widened_segment.hpp"

#include "engine/ops/shape_inference.hpp"

#include <algorithm>

namespace tandem {
namespace {

bool isHalf(DataType type) { return type == DataType::Float16 || type == DataType::BFloat16; }

bool isHalf(const Graph& graph, ValueId id) { return id.valid() && isHalf(graph.value(id).desc.type); }

TensorDesc widened(TensorDesc desc) {
  if (isHalf(desc.type)) desc.type = DataType::Float32;
  return desc;
}

/// True where the operator gives the same types with float32 in place of 16 bits, as one does whose type parameter they
/// are. Casts, types named by attributes and graphs inside fix theirs.
bool isGeneric(const Graph& graph, const Node& node) {
  const OpDef* def = findOp(node);
  if (!def || !def->reference || def->has(OpTrait::Control) || def->has(OpTrait::Random)) return false;
  if (node.type == "Cast" || node.type == "CastLike" || node.type == "BitCast") return false;
  Graph alone;
  alone.opset = graph.opset;
  Node copy = node;
  copy.origins.clear();
  for (ValueId& input : copy.inputs) {
    if (!input.valid()) continue;
    const Value& value = graph.value(input);
    // Weights of 16 bits steer no shapes; what does is of integers.
    input = value.isConstant() && !isHalf(value.desc.type) ? alone.addConstant({}, value.constant)
                                                           : alone.addInput({}, widened(value.desc));
  }
  std::vector<TensorDesc> expected;
  for (ValueId& output : copy.outputs) {
    if (!output.valid()) continue;
    expected.push_back(widened(graph.value(output).desc));
    output = alone.addValue({});
  }
  const NodeId id = alone.addNode(std::move(copy));
  if (!inferShapes(alone).ok()) return false;
  std::size_t next = 0;
  for (ValueId output : alone.node(id).outputs)
    if (output.valid() && !(alone.value(output).isStatic() && alone.value(output).desc == expected[next++]))
      return false;
  return true;
}

} // namespace

WidenedSegment::WidenedSegment(const Segment& segment, bool compiled, const WideningRules& rules)
    : m_segment(&segment),
      m_rules(rules),
      m_compiled(compiled),
      m_graph(*segment.graph) {
  for (NodeId id : segment.nodes) addNode(id);
  for (ValueId output : segment.outputs) narrow(output);
}

std::optional<WidenedSegment> WidenedSegment::of(const Segment& segment, bool compiled, const WideningRules& rules) {
  const Graph& graph = *segment.graph;
  const auto hasHalves = [&](NodeId id) {
    const Node& node = graph.node(id);
    return std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) { return isHalf(graph, input); });
  };
  if (std::none_of(segment.nodes.begin(), segment.nodes.end(), hasHalves)) return std::nullopt;
  WidenedSegment widened(segment, compiled, rules);
  if (widened.m_widened.empty()) return std::nullopt;
  return widened;
}

void WidenedSegment::addNode(NodeId id) {
  const Node& node = m_segment->graph->node(id);
  if (wants(id)) {
    widen(id);
    m_widened.insert(id);
  } else {
    for (ValueId input : node.inputs) narrow(input);
  }
  m_nodes.push_back(id);
  if (m_compiled) return;
  for (ValueId output : node.outputs) narrow(output);
  std::erase_if(m_wide, [&](const auto& pair) { return !m_graph.value(pair.first).isConstant(); });
}

bool WidenedSegment::wants(NodeId id) const {
  const Node& node = m_segment->graph->node(id);
  bool halves = false, wideAlready = false;
  for (ValueId input : node.inputs) {
    halves = halves || isHalf(m_graph, input);
    wideAlready = wideAlready || (input.valid() && !m_graph.value(input).isConstant() && m_wide.contains(input));
  }
  return halves && (m_rules.computes(node) || wideAlready) && isGeneric(*m_segment->graph, node);
}

void WidenedSegment::widen(NodeId id) {
  const Node& node = m_segment->graph->node(id);
  for (std::size_t i = 0; i < node.inputs.size(); ++i)
    if (isHalf(m_graph, node.inputs[i])) m_graph.setInput(id, i, wide(node.inputs[i], id));
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    const ValueId output = node.outputs[i];
    if (!isHalf(m_graph, output)) continue;
    const ValueId twin = addTwin(output);
    m_graph.value(output).producer = {};
    m_graph.value(twin).producer = id;
    m_graph.node(id).outputs[i] = twin;
    m_wide[output] = twin;
    m_unwritten[output] = id;
  }
}

ValueId WidenedSegment::addTwin(ValueId value) {
  Value twin;
  twin.name = m_graph.value(value).name + " as float32";
  twin.desc = widened(m_graph.value(value).desc);
  twin.rankKnown = true;
  if (m_graph.value(value).isConstant()) {
    const Tensor& narrow = m_graph.value(value).constant;
    twin.constant = Tensor::uninitialized(twin.desc);
    m_rules.widenRow(narrow.type(), static_cast<const std::uint16_t*>(narrow.data()),
                     static_cast<float*>(twin.constant.mutableData()), narrow.elements());
  }
  return m_graph.addValue(std::move(twin));
}

/// The twin of `value`, made by a Cast where there is none yet.
ValueId WidenedSegment::wide(ValueId value, NodeId reader) {
  if (auto known = m_wide.find(value); known != m_wide.end()) return known->second;
  const ValueId twin = addTwin(value);
  if (!m_graph.value(twin).isConstant()) addCast(value, twin, reader);
  m_wide[value] = twin;
  return twin;
}

/// Writes a 16-bit value that only its twin holds.
void WidenedSegment::narrow(ValueId value) {
  const auto unwritten = m_unwritten.find(value);
  if (unwritten == m_unwritten.end()) return;
  addCast(m_wide.at(value), value, unwritten->second);
  m_unwritten.erase(unwritten);
}

void WidenedSegment::addCast(ValueId from, ValueId to, NodeId chargedTo) {
  Node cast;
  cast.type = "Cast";
  cast.version = 13;
  cast.name = m_graph.node(chargedTo).name;
  cast.origins = m_graph.node(chargedTo).origins;
  cast.attributes.set("to", static_cast<std::int64_t>(m_graph.value(to).desc.type));
  cast.inputs = {from};
  cast.outputs = {to};
  m_nodes.push_back(m_graph.addNode(std::move(cast)));
}

void WidenedSegment::describe(std::vector<KernelInfo>& kernels) const {
  const std::size_t own = m_segment->graph->nodes().size();
  std::erase_if(kernels, [&](const KernelInfo& info) { return info.node.index() >= own; });
  for (KernelInfo& info : kernels)
    if (m_widened.contains(info.node)) info.kernel += " as float32";
}

} // namespace tandem
