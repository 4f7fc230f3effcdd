// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/fusion.hpp"

#include <algorithm>
#include <queue>
#include <unordered_map>
#include <unordered_set>

namespace tandem::opencl {
namespace {

/// Groups have levels: where one reads from another, its level is higher. Groups of one level therefore never depend
/// on each other, and any of them may be merged without a cycle.
class Planner {
 public:
  Planner(const Segment& segment, const ChainRules& rules, const ChainLimits& limits)
      : m_segment(segment),
        m_rules(rules),
        m_limits(limits) {
    m_outputs.insert(segment.outputs.begin(), segment.outputs.end());
    const Graph& graph = *segment.graph;
    for (std::size_t i = 0; i < segment.nodes.size(); ++i)
      for (ValueId value : graph.node(segment.nodes[i]).outputs)
        if (value.valid()) m_producer[value] = i;
    m_readers.resize(segment.nodes.size());
    for (std::size_t i = 0; i < segment.nodes.size(); ++i)
      for (std::size_t producer : producersOf(i)) m_readers[producer].push_back(i);
  }

  std::vector<std::vector<NodeId>> run() {
    for (std::size_t i = 0; i < m_segment.nodes.size(); ++i) place(i);
    for (std::size_t i = m_segment.nodes.size(); i-- > 0;) delay(i);
    return inOrder();
  }

 private:
  struct Group {
    std::vector<std::size_t> nodes; ///< places in the segment; empty: merged into another
    int level = 0;
    bool joins = false;
  };

  const Node& node(std::size_t i) const { return m_segment.graph->node(m_segment.nodes[i]); }
  const Shape& shape(std::size_t i) const { return m_segment.graph->value(node(i).outputs[0]).desc.shape; }

  std::vector<std::size_t> producersOf(std::size_t i) const {
    std::vector<std::size_t> result;
    for (ValueId value : node(i).inputs)
      if (const auto found = m_producer.find(value); found != m_producer.end()) result.push_back(found->second);
    std::sort(result.begin(), result.end());
    result.erase(std::unique(result.begin(), result.end()), result.end());
    return result;
  }

  bool fits(const std::vector<std::size_t>& places) const {
    if (places.size() > m_limits.nodes) return false;
    std::vector<NodeId> nodes;
    for (std::size_t i : places) nodes.push_back(m_segment.nodes[i]);
    std::size_t outputs = 0;
    for (std::size_t i : places) outputs += isNeededOutside(i, places) ? 1 : 0;
    if (outputs > m_limits.outputs) return false;
    const std::vector<ValueId> inputs = outsideInputs(m_segment, nodes);
    return static_cast<std::size_t>(std::count_if(inputs.begin(), inputs.end(), m_rules.isCounted)) <= m_limits.inputs;
  }

  bool isNeededOutside(std::size_t i, const std::vector<std::size_t>& places) const {
    return m_outputs.contains(node(i).outputs[0]) ||
           std::any_of(m_readers[i].begin(), m_readers[i].end(), [&](std::size_t reader) {
             return std::find(places.begin(), places.end(), reader) == places.end();
           });
  }

  /// Remembers a group once; more than can be merged need not be known.
  void note(std::vector<std::size_t>& groups, std::size_t g) const {
    if (groups.size() <= m_limits.nodes && std::find(groups.begin(), groups.end(), g) == groups.end())
      groups.push_back(g);
  }

  /// Gives node i, whose producers have groups, a group: theirs, where all that are on the highest level can be one
  /// with it, else one of its own.
  void place(std::size_t i) {
    if (const auto head = m_headOf.find(m_segment.nodes[i]); head != m_headOf.end()) {
      m_groupOf.push_back(head->second);
      m_groups[head->second].nodes.push_back(i);
      return;
    }
    if (m_rules.tailOf)
      for (NodeId tail : m_rules.tailOf(m_segment.nodes[i])) m_headOf[tail] = m_groups.size();
    const bool joins = m_rules.joins(m_segment.nodes[i]);
    int level = -1;
    std::vector<std::size_t> highest;
    for (std::size_t producer : producersOf(i)) {
      const int itsLevel = m_groups[m_groupOf[producer]].level;
      if (itsLevel > level) highest.clear();
      level = std::max(level, itsLevel);
      if (itsLevel == level) note(highest, m_groupOf[producer]);
    }
    m_groupOf.push_back(m_groups.size());
    m_groups.push_back({{i}, level + 1, joins});
    if (joins) tryMerge(m_groups.size() - 1, highest, level);
  }

  /// Merges `with` and group g on `level`, if all of it may be one kernel.
  void tryMerge(std::size_t g, const std::vector<std::size_t>& with, int level) {
    if (with.empty()) return;
    std::vector<std::size_t> places = m_groups[g].nodes;
    for (std::size_t other : with) {
      if (!m_groups[other].joins || shape(m_groups[other].nodes[0]) != shape(places[0])) return;
      places.insert(places.end(), m_groups[other].nodes.begin(), m_groups[other].nodes.end());
      if (places.size() > m_limits.nodes) return;
    }
    if (!fits(places)) return;
    std::sort(places.begin(), places.end());
    for (std::size_t other : with) m_groups[other].nodes.clear();
    m_groups[g].nodes = std::move(places);
    m_groups[g].level = level;
    for (std::size_t i : m_groups[g].nodes) m_groupOf[i] = g;
  }

  /// Moves the group that starts with node i up to its first readers, where it can be one with them: what is computed
  /// early and added late need not be stored in between.
  void delay(std::size_t i) {
    const std::size_t g = m_groupOf[i];
    if (!m_groups[g].joins || m_groups[g].nodes.front() != i) return;
    std::vector<std::size_t> first;
    int level = 0;
    for (std::size_t member : m_groups[g].nodes)
      for (std::size_t reader : m_readers[member]) {
        const std::size_t r = m_groupOf[reader];
        if (r == g) continue;
        if (first.empty() || m_groups[r].level < level) {
          first.clear();
          level = m_groups[r].level;
        }
        if (m_groups[r].level == level) note(first, r);
      }
    tryMerge(g, first, level);
  }

  /// Kahn's algorithm over the groups; of those that may run, the one whose first node comes first.
  std::vector<std::vector<NodeId>> inOrder() const {
    std::vector<int> waitsFor(m_groups.size(), 0);
    std::vector<std::vector<std::size_t>> readers(m_groups.size());
    for (std::size_t i = 0; i < m_segment.nodes.size(); ++i)
      for (std::size_t reader : m_readers[i])
        if (m_groupOf[reader] != m_groupOf[i]) {
          ++waitsFor[m_groupOf[reader]];
          readers[m_groupOf[i]].push_back(m_groupOf[reader]);
        }
    using Entry = std::pair<std::size_t, std::size_t>; // first node, group
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ready;
    const auto add = [&](std::size_t g) {
      if (!m_groups[g].nodes.empty() && waitsFor[g] == 0) ready.emplace(m_groups[g].nodes.front(), g);
    };
    for (std::size_t g = 0; g < m_groups.size(); ++g) add(g);
    std::vector<std::vector<NodeId>> result;
    std::size_t count = 0;
    while (!ready.empty()) {
      const std::size_t g = ready.top().second;
      ready.pop();
      std::vector<NodeId>& nodes = result.emplace_back();
      for (std::size_t i : m_groups[g].nodes) nodes.push_back(m_segment.nodes[i]);
      count += nodes.size();
      for (std::size_t reader : readers[g])
        if (--waitsFor[reader] == 0) add(reader);
    }
    TANDEM_ASSERT(count == m_segment.nodes.size());
    return result;
  }

  const Segment& m_segment;
  const ChainRules& m_rules;
  const ChainLimits& m_limits;
  std::unordered_set<ValueId> m_outputs;
  std::unordered_map<ValueId, std::size_t> m_producer; ///< by place in the segment
  std::vector<std::vector<std::size_t>> m_readers;     ///< of every node, each once
  std::unordered_map<NodeId, std::size_t> m_headOf;    ///< groups of nodes that another's kernel computes
  std::vector<std::size_t> m_groupOf;
  std::vector<Group> m_groups;
};

} // namespace

std::vector<ValueId> outsideInputs(const Segment& segment, const std::vector<NodeId>& nodes) {
  std::vector<ValueId> made, result;
  for (NodeId id : nodes) {
    const auto& outputs = segment.graph->node(id).outputs;
    made.insert(made.end(), outputs.begin(), outputs.end());
  }
  const auto has = [](const std::vector<ValueId>& list, ValueId value) {
    return std::find(list.begin(), list.end(), value) != list.end();
  };
  for (NodeId id : nodes)
    for (ValueId value : segment.graph->node(id).inputs)
      if (value.valid() && !has(made, value) && !has(result, value)) result.push_back(value);
  return result;
}

std::vector<ValueId> outsideOutputs(const Segment& segment, const std::vector<NodeId>& nodes) {
  const auto isInside = [&](NodeId reader) { return std::find(nodes.begin(), nodes.end(), reader) != nodes.end(); };
  std::vector<ValueId> result;
  for (NodeId id : nodes)
    for (ValueId value : segment.graph->node(id).outputs) {
      if (!value.valid()) continue;
      const auto& readers = segment.graph->value(value).consumers;
      if (std::find(segment.outputs.begin(), segment.outputs.end(), value) != segment.outputs.end() ||
          !std::all_of(readers.begin(), readers.end(), isInside))
        result.push_back(value);
    }
  return result;
}

std::vector<std::vector<NodeId>> planChains(const Segment& segment, const ChainRules& rules,
                                            const ChainLimits& limits) {
  return Planner(segment, rules, limits).run();
}

} // namespace tandem::opencl
