// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/placement/effective.hpp"

#include <algorithm>
#include <cstdio>
#include <numeric>

namespace tandem {
namespace {

constexpr std::size_t kNamedInErrors = 5;

std::string megabytes(std::int64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MB", static_cast<double>(bytes) * 1e-6);
  return text;
}

bool isNativeCpu(const Device& device) { return device.info().kind == DeviceKind::NativeCpu; }

bool onlyMakesConstants(const Graph& graph, const Node& node) {
  if (node.type == "Constant" && node.domain.empty()) return true;
  return !node.outputs.empty() && std::all_of(node.outputs.begin(), node.outputs.end(), [&](ValueId output) {
    return !output.valid() || graph.value(output).isConstant();
  });
}

/// One computation of an effective placement; the steps run in the order of computeEffective().
class Solver {
 public:
  Solver(const Graph& graph, const Placement& placement, const DeviceRegistry& registry)
      : m_graph(graph),
        m_placement(placement),
        m_registry(registry) {
    const std::size_t count = graph.nodes().size();
    m_result.requested.resize(count);
    m_result.effective.resize(count);
    m_result.reason.resize(count, MoveReason::None);
    m_result.detail.resize(count);
    m_byUser.resize(count, false);
    m_host = chooseHost();
    m_result.host = m_host->id();
    for (Device* device : registry.nativeCpus()) m_result.hostMemory.insert(device->id());
  }

  void placeNodes() {
    const std::vector<bool> shapeNodes = shapeComputations(m_graph);
    const std::vector<bool> dependent = dataDependentNodes(m_graph);
    for (std::uint32_t n = 0; n < m_graph.nodes().size(); ++n) {
      if (m_graph.isDead(NodeId(n))) continue;
      const PlacementChoice choice = m_placement.choiceFor(m_graph.node(NodeId(n)));
      m_result.requested[n] = m_result.effective[n] = choice.device;
      m_byUser[n] = choice.byUser();
      if (onlyMakesConstants(m_graph, m_graph.node(NodeId(n)))) continue;
      const Support support = judge(NodeId(n), shapeNodes[n], dependent[n]);
      if (!support.ok()) moveAway(NodeId(n), support);
    }
  }

  void fitMemory() {
    const std::set<std::string> used(m_result.effective.begin(), m_result.effective.end());
    const bool native = std::all_of(used.begin(), used.end(), [&](const std::string& id) {
      return id.empty() || m_result.hostMemory.contains(id);
    });
    // A device that nothing was placed on need not be looked for.
    for (Device* device : native ? m_registry.nativeCpus() : m_registry.devices())
      if (device != m_host && !m_registry.isHidden(device->id())) fitMemory(*device);
    const auto limit = m_registry.memoryLimit(m_host->id());
    if (!limit) return;
    const std::int64_t need = estimateMemory(m_graph, m_result.effective, m_host->id());
    if (need > *limit) warnOver(*m_host, need, *limit);
  }

  void placeConstants() {
    const std::vector<NodeId> order = topologicalOrder(m_graph);
    for (auto it = order.rbegin(); it != order.rend(); ++it) {
      const Node& node = m_graph.node(*it);
      if (!onlyMakesConstants(m_graph, node)) continue;
      std::string device = firstConsumerDevice(node);
      if (device.empty()) {
        const Device* wanted = m_registry.find(m_result.requested[it->index()]);
        device = wanted && !m_registry.isHidden(wanted->id()) ? wanted->id() : m_host->id();
      }
      m_result.requested[it->index()] = m_result.effective[it->index()] = device;
      m_byUser[it->index()] = false;
    }
  }

  EffectivePlacement finish() {
    for (std::uint32_t n = 0; n < m_graph.nodes().size(); ++n) {
      if (m_graph.isDead(NodeId(n))) continue;
      ++m_result.nodesPerDevice[m_result.effective[n]];
      if (m_result.reason[n] != MoveReason::None) ++m_result.moves[m_result.reason[n]];
    }
    m_result.summary = summary();
    return std::move(m_result);
  }

 private:
  Device* chooseHost() const {
    Device* host = &m_registry.host();
    if (!m_registry.isHidden(host->id())) return host;
    for (Device* device : m_registry.nativeCpus())
      if (!m_registry.isHidden(device->id())) return device;
    return host; // hidden, but somebody has to do it
  }

  Support judge(NodeId id, bool computesShapes, bool dataDependent) const {
    const std::string& wanted = m_result.requested[id.index()];
    const Device* device = m_registry.find(wanted);
    if (!device) return Support::no(MoveReason::DeviceAbsent, wanted + " is not on this machine");
    if (m_registry.isHidden(wanted)) return Support::no(MoveReason::DeviceHidden, wanted + " is hidden");
    if (!isNativeCpu(*device)) {
      if (computesShapes)
        return Support::no(MoveReason::ShapeComputation, "its integers only steer the shapes of others");
      if (dataDependent)
        return Support::no(MoveReason::DataDependentShape, "the shapes around it are known only during the run");
    }
    return device->supports(m_graph, id);
  }

  /// The host where it can, else any visible device that can, else the host (listed as unsupported).
  void moveAway(NodeId id, const Support& why) {
    m_result.reason[id.index()] = why.reason;
    m_result.detail[id.index()] = why.detail;
    const std::string& wanted = m_result.requested[id.index()];
    const bool hostIsWanted = m_host->id() == wanted;
    if (!hostIsWanted && m_host->supports(m_graph, id).ok()) {
      m_result.effective[id.index()] = m_host->id();
      return;
    }
    // Of the others only native CPUs can follow shapes that are known during the run alone.
    const bool needsHost = why.reason == MoveReason::ShapeComputation || why.reason == MoveReason::DataDependentShape;
    for (Device* device : m_registry.devices()) {
      if (device->id() == wanted || m_registry.isHidden(device->id()) || (needsHost && !isNativeCpu(*device))) continue;
      if (!device->supports(m_graph, id).ok()) continue;
      m_result.effective[id.index()] = device->id();
      return;
    }
    m_result.effective[id.index()] = m_host->id();
    m_result.unsupported.push_back(id);
  }

  void fitMemory(const Device& device) {
    std::optional<std::int64_t> limit = m_registry.memoryLimit(device.id());
    if (!isNativeCpu(device) && device.info().memoryBytes > 0)
      limit = std::min(limit.value_or(device.info().memoryBytes), device.info().memoryBytes);
    if (!limit) return;
    const std::int64_t need = estimateMemory(m_graph, m_result.effective, device.id());
    if (need <= *limit) return;

    std::vector<NodeId> movable;
    for (NodeId id : topologicalOrder(m_graph))
      if (m_result.effective[id.index()] == device.id() && m_host->supports(m_graph, id).ok()) movable.push_back(id);
    // With every node that leaves, the tensors left on the device and their lifetimes shrink: the estimate never
    // grows, so the smallest number of nodes to move can be found by bisection.
    auto without = [&](std::size_t moved) {
      std::vector<std::string> trial = m_result.effective;
      for (std::size_t i = movable.size() - moved; i < movable.size(); ++i) trial[movable[i].index()] = m_host->id();
      return trial;
    };
    std::size_t low = 1, high = movable.size();
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      if (estimateMemory(m_graph, without(middle), device.id()) <= *limit)
        high = middle;
      else
        low = middle + 1;
    }
    m_result.effective = without(high);
    for (std::size_t i = movable.size() - high; i < movable.size(); ++i) {
      const std::size_t n = movable[i].index();
      // A node that came here because its own device refused it and now goes on keeps its first reason.
      if (m_result.reason[n] != MoveReason::None) continue;
      if (m_result.requested[n] == m_result.effective[n]) continue;
      m_result.reason[n] = MoveReason::OverMemoryLimit;
      m_result.detail[n] = "all nodes asked for on " + device.id() + " need about " + megabytes(need) +
                           ", the limit is " + megabytes(*limit);
    }
    const std::int64_t left = estimateMemory(m_graph, m_result.effective, device.id());
    if (left > *limit) warnOver(device, left, *limit);
  }

  void warnOver(const Device& device, std::int64_t need, std::int64_t limit) {
    m_result.warnings.push_back(device.id() + " needs about " + megabytes(need) + ", its limit is " + megabytes(limit) +
                                ", and nothing else can take the rest");
  }

  std::string firstConsumerDevice(const Node& node) const {
    for (ValueId output : node.outputs)
      if (output.valid())
        for (NodeId consumer : m_graph.value(output).consumers) return m_result.effective[consumer.index()];
    return {};
  }

  std::string summary() const {
    struct Row {
      int nodes = 0;
      std::map<MoveReason, int> moved;
      int byUser = 0;
    };
    std::map<std::string, Row> rows;
    int total = 0;
    for (std::size_t n = 0; n < m_result.effective.size(); ++n) {
      if (m_graph.isDead(NodeId(static_cast<std::uint32_t>(n)))) continue;
      Row& row = rows[m_result.effective[n]];
      ++total;
      ++row.nodes;
      if (m_result.reason[n] != MoveReason::None)
        ++row.moved[m_result.reason[n]];
      else if (m_byUser[n] && m_result.effective[n] != m_placement.defaultDevice())
        ++row.byUser;
    }
    std::vector<std::pair<std::string, Row>> sorted(rows.begin(), rows.end());
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& a, const auto& b) { return a.second.nodes > b.second.nodes; });
    std::string text = std::to_string(total) + (total == 1 ? " node" : " nodes");
    const char* separator = ": ";
    for (const auto& [device, row] : sorted) {
      text += separator + std::to_string(row.nodes) + " " + device;
      separator = ", ";
      std::string why;
      auto append = [&](int count, std::string_view what) {
        why += (why.empty() ? "" : ", ") + std::to_string(count) + " " + std::string(what);
      };
      for (const auto& [reason, count] : row.moved) append(count, toString(reason));
      if (row.byUser > 0) append(row.byUser, "by you");
      if (!why.empty()) text += " (" + why + ")";
    }
    return text;
  }

  const Graph& m_graph;
  const Placement& m_placement;
  const DeviceRegistry& m_registry;
  Device* m_host = nullptr;
  std::vector<bool> m_byUser;
  EffectivePlacement m_result;
};

Error strictError(const Graph& graph, const EffectivePlacement& placement) {
  std::string where;
  std::size_t named = 0;
  for (std::size_t n = 0; n < placement.reason.size() && named < kNamedInErrors; ++n) {
    if (placement.reason[n] == MoveReason::None) continue;
    where += (named++ ? ", " : "") + graph.nodes()[n].name + " (" + placement.requested[n] + ": " +
             std::string(toString(placement.reason[n])) + ")";
  }
  const int moved = placement.movedNodes();
  if (static_cast<std::size_t>(moved) > named)
    where += ", and " + std::to_string(moved - static_cast<int>(named)) + " more";
  return makeError(ErrorCode::Unsupported,
                   std::to_string(moved) + (moved == 1 ? " node" : " nodes") + " cannot run where the placement asks",
                   std::move(where), "change the placement of these nodes, or leave strict mode");
}

} // namespace

int EffectivePlacement::movedNodes() const {
  return std::accumulate(moves.begin(), moves.end(), 0, [](int sum, const auto& move) { return sum + move.second; });
}

Result<EffectivePlacement> computeEffective(const Graph& graph, const Placement& placement,
                                            const DeviceRegistry& registry, const EffectiveOptions& options) {
  Solver solver(graph, placement, registry);
  solver.placeNodes();
  solver.fitMemory();
  solver.placeConstants();
  EffectivePlacement effective = solver.finish();
  if (options.strict && effective.movedNodes() > 0) return strictError(graph, effective);
  return effective;
}

} // namespace tandem
