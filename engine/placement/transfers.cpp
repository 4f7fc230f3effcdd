// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/placement/transfers.hpp"

#include "engine/ops/op_def.hpp"

#include <optional>
#include <set>

namespace tandem {
namespace {

/// Where this use of the value reads its elements: nullopt for Shape and Size, which look at the extents only. Shape
/// inputs are read on the host, which needs them before it can enqueue the node.
std::optional<std::string> readerOf(const EffectivePlacement& placement, const Node& node, NodeId id,
                                    std::size_t input) {
  if (node.domain.empty() && (node.type == "Shape" || node.type == "Size")) return std::nullopt;
  const OpDef* def = findOp(node);
  if (def && input < 32 && (def->shapeInputs >> input & 1u)) return placement.host;
  return placement.deviceOf(id);
}

bool isResident(const Graph& graph, const Value& value) {
  return value.isConstant() || (value.producer.valid() && graph.node(value.producer).type == "Constant");
}

} // namespace

std::vector<TransferEdge> crossDeviceTransfers(const Graph& graph, const EffectivePlacement& placement) {
  std::vector<std::set<std::string>> readers(graph.values().size());
  for (std::uint32_t n = 0; n < graph.nodes().size(); ++n) {
    if (graph.isDead(NodeId(n))) continue;
    const Node& node = graph.node(NodeId(n));
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (!node.inputs[i].valid()) continue;
      if (auto reader = readerOf(placement, node, NodeId(n), i)) readers[node.inputs[i].index()].insert(*reader);
    }
  }
  for (ValueId output : graph.outputs()) readers[output.index()].insert(placement.host);

  auto isHost = [&](const std::string& device) { return placement.hostMemory.contains(device); };
  std::vector<TransferEdge> transfers;
  for (std::uint32_t v = 0; v < graph.values().size(); ++v) {
    const Value& value = graph.value(ValueId(v));
    if (isResident(graph, value)) continue;
    const std::string& from = value.producer.valid() ? placement.deviceOf(value.producer) : placement.host;
    const std::int64_t bytes = value.isStatic() ? value.desc.checkedBytes().value_or(0) : 0;
    bool toHost = false; // one copy in host memory serves every native CPU device
    for (const std::string& to : readers[v]) {
      if (to == from || (isHost(to) && (isHost(from) || toHost))) continue;
      toHost = toHost || isHost(to);
      transfers.push_back({ValueId(v), from, to, bytes});
    }
  }
  return transfers;
}

TransferTotals totalOf(const std::vector<TransferEdge>& transfers) {
  TransferTotals totals;
  for (const TransferEdge& edge : transfers) {
    ++totals.count;
    totals.bytes += edge.bytes;
  }
  return totals;
}

} // namespace tandem
