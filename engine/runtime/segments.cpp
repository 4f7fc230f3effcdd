// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/segments.hpp"

#include "engine/ops/op_def.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <set>

namespace tandem {
namespace {

bool isDynamic(const Graph& graph, const Node& node) {
  const OpDef* def = findOp(node);
  if (def && def->has(OpTrait::Control)) return true;
  auto unknown = [&](ValueId id) { return id.valid() && !graph.value(id).isStatic(); };
  return std::any_of(node.inputs.begin(), node.inputs.end(), unknown) ||
         std::any_of(node.outputs.begin(), node.outputs.end(), unknown);
}

using Key = std::pair<std::size_t, bool>; // device number, dynamic
using ReadyNodes = std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>>;

void fillBoundaries(const Graph& graph, std::vector<PlannedSegment>& segments) {
  std::vector<std::size_t> segmentOf(graph.nodes().size(), SIZE_MAX);
  for (std::size_t s = 0; s < segments.size(); ++s)
    for (NodeId id : segments[s].segment.nodes) segmentOf[id.index()] = s;
  const std::set<ValueId> graphOutputs(graph.outputs().begin(), graph.outputs().end());

  for (std::size_t s = 0; s < segments.size(); ++s) {
    Segment& segment = segments[s].segment;
    std::set<ValueId> seen;
    for (NodeId id : segment.nodes) {
      for (ValueId input : graph.node(id).inputs) {
        if (!input.valid() || graph.value(input).isConstant()) continue;
        const NodeId producer = graph.value(input).producer;
        const bool inside = producer.valid() && segmentOf[producer.index()] == s;
        if (!inside && seen.insert(input).second) segment.inputs.push_back(input);
      }
      for (ValueId output : graph.node(id).outputs) {
        if (!output.valid()) continue;
        const auto& consumers = graph.value(output).consumers;
        const bool leaves = graphOutputs.contains(output) ||
                            std::any_of(consumers.begin(), consumers.end(),
                                        [&](NodeId consumer) { return segmentOf[consumer.index()] != s; });
        if (leaves) segment.outputs.push_back(output);
      }
    }
  }
}

} // namespace

std::vector<PlannedSegment> planSegments(const Graph& graph, const std::vector<Device*>& deviceOf, Device& host) {
  std::vector<Device*> devices;
  std::vector<Key> keyOf(graph.nodes().size());
  auto deviceNumber = [&](Device* device) {
    auto it = std::find(devices.begin(), devices.end(), device);
    if (it == devices.end()) it = devices.insert(devices.end(), device);
    return static_cast<std::size_t>(it - devices.begin());
  };

  std::vector<std::uint32_t> waiting(graph.nodes().size(), 0);
  std::map<Key, ReadyNodes> ready;
  std::size_t left = 0;
  for (std::uint32_t i = 0; i < graph.nodes().size(); ++i) {
    const NodeId id(i);
    if (graph.isDead(id)) continue;
    ++left;
    const bool dynamic = isDynamic(graph, graph.node(id));
    keyOf[i] = {deviceNumber(dynamic ? &host : deviceOf[i]), dynamic};
    for (ValueId input : graph.node(id).inputs)
      if (input.valid() && graph.value(input).producer.valid()) ++waiting[i];
    if (waiting[i] == 0) ready[keyOf[i]].push(i);
  }

  std::vector<PlannedSegment> segments;
  while (left > 0) {
    // Start with the key whose first ready node comes earliest in the graph.
    auto best = ready.end();
    for (auto it = ready.begin(); it != ready.end(); ++it)
      if (!it->second.empty() && (best == ready.end() || it->second.top() < best->second.top())) best = it;
    TANDEM_ASSERT(best != ready.end());
    const Key key = best->first;
    PlannedSegment planned{devices[key.first], key.second, {}};
    planned.segment.graph = &graph;
    while (!ready[key].empty()) {
      const NodeId id(ready[key].top());
      ready[key].pop();
      planned.segment.nodes.push_back(id);
      --left;
      for (ValueId output : graph.node(id).outputs) {
        if (!output.valid()) continue;
        for (NodeId consumer : graph.value(output).consumers)
          if (--waiting[consumer.index()] == 0) ready[keyOf[consumer.index()]].push(consumer.index());
      }
    }
    segments.push_back(std::move(planned));
  }
  fillBoundaries(graph, segments);
  return segments;
}

} // namespace tandem
