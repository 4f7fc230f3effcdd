// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passes/pass_list.hpp"
#include "engine/passes/rewrite.hpp"

#include <algorithm>
#include <array>

namespace tandem::passes {
namespace {

constexpr int kFirstWithInputs = 10; // earlier versions have attributes and no steps

/// Starts, ends, axes and steps, as a Slice's inputs give them, for each axis that is cut. Axes are not negative.
using Cuts = std::array<std::vector<std::int64_t>, 4>;
enum : std::size_t { kStarts, kEnds, kAxes, kSteps };

/// Nullopt where something is not known before the run.
std::optional<Cuts> cutsOf(const Graph& graph, const Node& node, std::size_t rank) {
  Cuts cuts;
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    const bool isPresent = i + 1 < node.inputs.size() && node.inputs[i + 1].valid();
    const Tensor* constant = constantInput(graph, node, i + 1);
    if (constant)
      cuts[i] = constant->toInts();
    else if (isPresent || i == kStarts || i == kEnds)
      return std::nullopt;
  }
  const std::size_t count = cuts[kStarts].size();
  if (cuts[kAxes].empty())
    for (std::size_t i = 0; i < count; ++i) cuts[kAxes].push_back(static_cast<std::int64_t>(i));
  if (cuts[kSteps].empty()) cuts[kSteps].assign(count, 1);
  if (std::any_of(cuts.begin(), cuts.end(), [&](const auto& values) { return values.size() != count; }))
    return std::nullopt;
  for (std::int64_t& axis : cuts[kAxes]) {
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
    if (!cuts || !others || std::any_of((*others)[kAxes].begin(), (*others)[kAxes].end(), [&](std::int64_t axis) {
          return std::find((*cuts)[kAxes].begin(), (*cuts)[kAxes].end(), axis) != (*cuts)[kAxes].end();
        }))
      return false;
    m_graph.node(id).inputs.resize(1 + cuts->size());
    for (std::size_t i = 0; i < cuts->size(); ++i) {
      std::vector<std::int64_t>& both = (*cuts)[i];
      both.insert(both.end(), (*others)[i].begin(), (*others)[i].end());
      const Shape shape{static_cast<std::int64_t>(both.size())};
      const std::string name = m_names.make(m_graph.node(id).name + "/cuts");
      m_graph.setInput(id, i + 1,
                       m_graph.addConstant(name, Tensor::of<std::int64_t>(shape, std::span<const std::int64_t>(both))));
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
