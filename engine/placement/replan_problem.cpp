// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/op_def.hpp"
#include "engine/placement/cost_model.hpp"
#include "engine/placement/replan.hpp"

#include <algorithm>
#include <numeric>

namespace tandem {

std::vector<int> unitsOf(const Graph& graph, const std::vector<std::vector<NodeId>>& together) {
  std::vector<std::size_t> parent(graph.nodes().size());
  std::iota(parent.begin(), parent.end(), std::size_t{0});
  std::vector<bool> isIn(parent.size());
  const auto root = [&](std::size_t node) {
    while (parent[node] != node) node = parent[node] = parent[parent[node]];
    return node;
  };
  for (const std::vector<NodeId>& group : together)
    for (NodeId node : group) {
      isIn[node.index()] = true;
      parent[root(node.index())] = root(group.front().index());
    }
  std::vector<int> unitOf(parent.size(), -1), unitOfRoot(parent.size(), -1);
  int next = 0;
  for (NodeId node : topologicalOrder(graph)) {
    if (!isIn[node.index()]) continue;
    int& unit = unitOfRoot[root(node.index())];
    if (unit < 0) unit = next++;
    unitOf[node.index()] = unit;
  }
  return unitOf;
}

ReplanProblem replanProblem(const Graph& graph, const std::vector<int>& unitOf, const std::vector<Device*>& devices,
                            const Device& host) {
  ReplanProblem problem;
  problem.devices = static_cast<int>(devices.size());
  constexpr double kWakeUpMs = 0.005; // of a thread; above all, what costs nothing stays with its neighbours
  problem.handOverMs = kWakeUpMs;
  for (std::size_t d = 0; d < devices.size(); ++d) {
    problem.hostMemory.push_back(devices[d]->info().kind == DeviceKind::NativeCpu);
    if (devices[d]->id() == host.id()) problem.host = static_cast<int>(d);
  }
  const int units = unitOf.empty() ? 0 : *std::max_element(unitOf.begin(), unitOf.end()) + 1;
  problem.units.resize(static_cast<std::size_t>(units), ReplanUnit{std::vector<double>(devices.size()), 0});
  for (int unit : unitOf)
    if (unit >= 0) ++problem.units[static_cast<std::size_t>(unit)].layers;

  std::vector<bool> isOutput(graph.values().size());
  for (ValueId output : graph.outputs()) isOutput[output.index()] = true;
  for (std::uint32_t v = 0; v < graph.values().size(); ++v) {
    const Value& value = graph.value(ValueId(v));
    if (value.isConstant() || !value.isStatic()) continue;
    ReplanTensor tensor;
    if (value.producer.valid()) tensor.producer = unitOf[value.producer.index()];
    if (value.producer.valid() && tensor.producer < 0) continue; // known before the run
    tensor.toHost = isOutput[v];
    for (NodeId id : value.consumers) {
      const Node& node = graph.node(id);
      const int unit = unitOf[id.index()];
      if (unit < 0 || (node.domain.empty() && (node.type == "Shape" || node.type == "Size"))) continue;
      const OpDef* def = findOp(node);
      bool isRead = false;
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        if (node.inputs[i] != ValueId(v)) continue;
        const bool isShape = def && i < 32 && (def->shapeInputs >> i & 1u);
        (isShape ? tensor.toHost : isRead) = true;
      }
      if (isRead && unit != tensor.producer) tensor.readers.push_back(unit);
    }
    std::sort(tensor.readers.begin(), tensor.readers.end());
    tensor.readers.erase(std::unique(tensor.readers.begin(), tensor.readers.end()), tensor.readers.end());
    if (tensor.readers.empty() && (!tensor.toHost || tensor.producer < 0)) continue;
    const std::int64_t bytes = value.desc.checkedBytes().value_or(0);
    for (const Device* from : devices)
      for (const Device* to : devices) tensor.ms.push_back(estimateTransfer(bytes, from->info(), to->info()).ms);
    problem.tensors.push_back(std::move(tensor));
  }
  return problem;
}

} // namespace tandem
