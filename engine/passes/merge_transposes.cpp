// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passes/pass_list.hpp"
#include "engine/passes/rewrite.hpp"

#include <algorithm>
#include <numeric>

namespace tandem::passes {
namespace {

using Permutation = std::vector<std::int64_t>;

/// Empty where it is not known or not a permutation.
Permutation permutationOf(const Graph& graph, const Node& node) {
  const Value& input = graph.value(node.inputs[0]);
  if (!input.rankKnown) return {};
  Permutation reversed(input.desc.shape.rank());
  std::iota(reversed.rbegin(), reversed.rend(), std::int64_t{0});
  Permutation permutation = node.attributes.getInts("perm", reversed);
  Permutation sorted = permutation, ascending(reversed.rbegin(), reversed.rend());
  std::sort(sorted.begin(), sorted.end());
  return sorted == ascending ? permutation : Permutation{};
}

} // namespace

Result<int> mergeTransposes(Graph& graph, const PassContext& context) {
  int changes = 0;
  for (NodeId second : topologicalOrder(graph)) {
    TANDEM_TRY(context.cancel.check());
    if (!isOp(graph.node(second), "Transpose")) continue;
    const auto first = producerOf(graph, second, 0);
    if (!first || !isOp(graph.node(*first), "Transpose")) continue;
    if (!context.allowsFusion(graph.node(*first), graph.node(second))) continue;
    const Permutation a = permutationOf(graph, graph.node(*first)), b = permutationOf(graph, graph.node(second));
    if (a.empty() || a.size() != b.size()) continue;

    // Axis i of the result is axis b[i] of the middle, which is axis a[b[i]] of the source.
    Permutation merged(a.size());
    for (std::size_t i = 0; i < merged.size(); ++i) merged[i] = a[static_cast<std::size_t>(b[i])];
    const bool firstDies = soleConsumer(graph, graph.node(*first).outputs[0]).has_value();
    graph.setInput(second, 0, graph.node(*first).inputs[0]);
    graph.node(second).attributes.set("perm", merged);
    if (firstDies) {
      addOrigins(graph.node(second), graph.node(*first));
      graph.removeNode(*first);
    }
    if (std::is_sorted(merged.begin(), merged.end())) bypass(graph, second);
    ++changes;
  }
  return changes;
}

} // namespace tandem::passes
