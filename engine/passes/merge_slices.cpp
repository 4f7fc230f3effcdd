// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passes/pass_list.hpp"
#include "engine/passes/rewrite.hpp"

#include <algorithm>
#include <array>

namespace tandem::passes {
namespace {

constexpr int kFirstWithInputs = 10; // earlier versions have attributes and no steps

/// Per axis that is cut; axes are not negative.
struct Cuts {
  std::vector<std::int64_t> starts, ends, axes, steps;
};

/// Nullopt where something is not known before the run.
std::optional<Cuts> cutsOf(const Graph& graph, const Node& node, std::size_t rank) {
  const Tensor* starts = constantInput(graph, node, 1);
  const Tensor* ends = constantInput(graph, node, 2);
  if (!starts || !ends) return std::nullopt;
  Cuts cuts{starts->toInts(), ends->toInts(), {}, {}};
  const auto optional = [&](std::size_t index, std::vector<std::int64_t>& values) {
    if (index >= node.inputs.size() || !node.inputs[index].valid()) return true;
    const Tensor* constant = constantInput(graph, node, index);
    if (constant) values = constant->toInts();
    return constant != nullptr;
  };
  if (!optional(3, cuts.axes) || !optional(4, cuts.steps)) return std::nullopt;
  if (cuts.axes.empty())
    for (std::size_t i = 0; i < cuts.starts.size(); ++i) cuts.axes.push_back(static_cast<std::int64_t>(i));
  if (cuts.steps.empty()) cuts.steps.assign(cuts.starts.size(), 1);
  if (cuts.ends.size() != cuts.starts.size() || cuts.axes.size() != cuts.starts.size() ||
      cuts.steps.size() != cuts.starts.size())
    return std::nullopt;
  for (std::int64_t& axis : cuts.axes) {
    const auto normal = normalizeAxis(axis, rank);
    if (!normal) return std::nullopt;
    axis = static_cast<std::int64_t>(*normal);
  }
  return cuts;
}

class Merging {
 public:
  Merging(Graph& graph, const PassContext& context) : m_graph(graph), m_context(context), m_names(graph) {}

  Result<int> run() {
    int changes = 0;
    for (NodeId id : topologicalOrder(m_graph)) {
      TANDEM_TRY(m_context.cancel.check());
      while (!m_graph.isDead(id) && mergeWithNext(id)) ++changes;
    }
    return changes;
  }

 private:
  bool mergeWithNext(NodeId id) {
    const Node& node = m_graph.node(id);
    if (!isOp(node, "Slice") || node.version < kFirstWithInputs) return false;
    const auto next = soleConsumer(m_graph, node.outputs[0]);
    if (!next || !isOp(m_graph.node(*next), "Slice") || m_graph.node(*next).version < kFirstWithInputs ||
        m_graph.node(*next).inputs[0] != node.outputs[0] || !m_context.allowsFusion(node, m_graph.node(*next)))
      return false;
    const Value& input = m_graph.value(node.inputs[0]);
    if (!input.rankKnown) return false;
    const std::size_t rank = input.desc.shape.rank();
    auto cuts = cutsOf(m_graph, node, rank);
    const auto others = cutsOf(m_graph, m_graph.node(*next), rank);
    // Cuts of one axis depend on each other; those of different axes do not.
    if (!cuts || !others || std::any_of(others->axes.begin(), others->axes.end(), [&](std::int64_t axis) {
          return std::find(cuts->axes.begin(), cuts->axes.end(), axis) != cuts->axes.end();
        }))
      return false;
    const std::array<std::pair<std::vector<std::int64_t>*, const std::vector<std::int64_t>*>, 4> lists{
        {{&cuts->starts, &others->starts},
         {&cuts->ends, &others->ends},
         {&cuts->axes, &others->axes},
         {&cuts->steps, &others->steps}}};
    m_graph.node(id).inputs.resize(5);
    for (std::size_t i = 0; i < lists.size(); ++i) {
      lists[i].first->insert(lists[i].first->end(), lists[i].second->begin(), lists[i].second->end());
      const std::span<const std::int64_t> values(*lists[i].first);
      const std::string name = m_names.make(m_graph.node(id).name + "/cuts");
      m_graph.setInput(
          id, i + 1,
          m_graph.addConstant(name, Tensor::of<std::int64_t>(Shape{static_cast<std::int64_t>(values.size())}, values)));
    }
    absorbConsumer(m_graph, id, *next);
    return true;
  }

  Graph& m_graph;
  const PassContext& m_context;
  UniqueNames m_names;
};

} // namespace

Result<int> mergeSlices(Graph& graph, const PassContext& context) { return Merging(graph, context).run(); }

} // namespace tandem::passes
