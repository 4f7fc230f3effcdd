// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/graph/graph.hpp"

#include <functional>
#include <queue>

namespace tandem {

std::vector<NodeId> topologicalOrder(const Graph& graph) {
  const std::size_t count = graph.nodes().size();
  std::vector<std::uint32_t> waiting(count, 0);
  std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> ready;
  for (std::uint32_t i = 0; i < count; ++i) {
    const NodeId id(i);
    if (graph.isDead(id)) continue;
    for (ValueId input : graph.node(id).inputs)
      if (input.valid() && graph.value(input).producer.valid()) ++waiting[i];
    if (waiting[i] == 0) ready.push(i);
  }
  std::vector<NodeId> order;
  order.reserve(count);
  while (!ready.empty()) {
    const NodeId id(ready.top());
    ready.pop();
    order.push_back(id);
    for (ValueId output : graph.node(id).outputs) {
      if (!output.valid()) continue;
      for (NodeId consumer : graph.value(output).consumers)
        if (--waiting[consumer.index()] == 0) ready.push(consumer.index());
    }
  }
  return order;
}

} // namespace tandem
