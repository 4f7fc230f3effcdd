// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device.hpp"

#include <functional>
#include <unordered_map>
#include <unordered_set>

namespace tandem {

/// What a device says of its kernels.
struct WideningRules {
  /// Has arithmetic that is done in float32. Nodes that only move elements do not: they follow their operands.
  std::function<bool(const Node&)> computes;
  /// `count` numbers of a 16-bit type as float32.
  void (*widenRow)(DataType type, const std::uint16_t* from, float* to, std::int64_t count) = nullptr;
};

/// A segment whose arithmetic on float16 and bfloat16 is done in float32, for kernels that have no 16-bit types. Casts
/// stand where such values enter or leave; between nodes they stay in float32 (compiled) or are rounded after each
/// (eager). Ids of the segment's own nodes and values stay what they are.
class WidenedSegment {
 public:
  /// Nullopt where nothing is gained. Constants are converted at once.
  static std::optional<WidenedSegment> of(const Segment& segment, bool compiled, const WideningRules& rules);

  /// Refers to this object.
  Segment segment() const { return {&m_graph, m_nodes, m_segment->inputs, m_segment->outputs}; }
  /// Drops what the program says of nodes that are not the segment's, and says what was widened.
  void describe(std::vector<KernelInfo>& kernels) const;

 private:
  WidenedSegment(const Segment& segment, bool compiled, const WideningRules& rules);
  void addNode(NodeId id);
  bool wants(NodeId id) const;
  void widen(NodeId id);
  ValueId addTwin(ValueId value);
  ValueId wide(ValueId value, NodeId reader);
  void narrow(ValueId value);
  void addCast(ValueId from, ValueId to, NodeId chargedTo);

  const Segment* m_segment;
  WideningRules m_rules;
  bool m_compiled;
  Graph m_graph;
  std::vector<NodeId> m_nodes;
  std::unordered_map<ValueId, ValueId> m_wide; ///< the float32 twin of a 16-bit value
  std::unordered_map<ValueId, NodeId>
      m_unwritten; ///< 16-bit values that only their twin holds so far, and its producer
  std::unordered_set<NodeId> m_widened;
};

} // namespace tandem
