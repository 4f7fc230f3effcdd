// SPDX-License-Identifier: GPL-3.0-or-later
// The channel shuffle of ShuffleNet (Zhang et al., CVPR 2018) is written as Reshape, Transpose and Reshape. As a Gather
// of channels it can keep the layout that convolutions like.
#include "engine/passes/pass_list.hpp"
#include "engine/passes/rewrite.hpp"

namespace tandem::passes {
namespace {

constexpr int kGatherVersion = 13;

/// The groups that a shuffle splits the channels into, if `split`, `transposition` and `join` are one.
std::optional<std::int64_t> groupsOf(const Graph& graph, const Node& split, const Node& transposition,
                                     const Node& join) {
  const Value& x = graph.value(split.inputs[0]);
  const Value& parts = graph.value(split.outputs[0]);
  if (!x.isStatic() || !parts.isStatic() || !graph.value(join.outputs[0]).isStatic()) return std::nullopt;
  const Shape& whole = x.desc.shape;
  const Shape& cut = parts.desc.shape;
  if (whole.rank() < 3 || cut.rank() != whole.rank() + 1 || graph.value(join.outputs[0]).desc != x.desc)
    return std::nullopt;
  if (cut[0] != whole[0] || cut[1] * cut[2] != whole[1] || cut[1] < 2 || cut[2] < 2) return std::nullopt;
  for (std::size_t i = 2; i < whole.rank(); ++i)
    if (cut[i + 1] != whole[i]) return std::nullopt;
  std::vector<std::int64_t> swapped(cut.rank());
  for (std::size_t i = 0; i < swapped.size(); ++i) swapped[i] = static_cast<std::int64_t>(i);
  std::swap(swapped[1], swapped[2]);
  if (transposition.attributes.getInts("perm", {}) != swapped) return std::nullopt;
  return cut[1];
}

bool fuse(Graph& graph, const PassContext& context, UniqueNames& names, NodeId id) {
  const auto split = producerOf(graph, id, 0);
  const auto join = soleConsumer(graph, graph.node(id).outputs[0]);
  if (!split || !join || !isOp(graph.node(*split), "Reshape") || !isOp(graph.node(*join), "Reshape") ||
      graph.node(*join).inputs[0] != graph.node(id).outputs[0])
    return false;
  const auto groups = groupsOf(graph, graph.node(*split), graph.node(id), graph.node(*join));
  if (!groups) return false;
  Node gather;
  gather.type = "Gather";
  gather.version = kGatherVersion;
  gather.attributes.set("axis", std::int64_t{1});
  const ValueId x = graph.node(*split).inputs[0];
  const std::int64_t channels = graph.value(x).desc.shape[1], width = channels / *groups;
  std::vector<std::int64_t> sources;
  for (std::int64_t i = 0; i < channels; ++i) sources.push_back(i % *groups * width + i / *groups);
  gather.inputs = {
      x, graph.addConstant(names.make(graph.node(id).name + "/channels"),
                           Tensor::of<std::int64_t>(Shape{channels}, std::span<const std::int64_t>(sources)))};
  return replaceNodes(graph, context, {*split, id, *join}, std::move(gather));
}

} // namespace

Result<int> fuseShuffle(Graph& graph, const PassContext& context) {
  int changes = 0;
  UniqueNames names(graph);
  for (NodeId id : topologicalOrder(graph)) {
    TANDEM_TRY(context.cancel.check());
    if (!graph.isDead(id) && isOp(graph.node(id), "Transpose") && fuse(graph, context, names, id)) ++changes;
  }
  return changes;
}

} // namespace tandem::passes
