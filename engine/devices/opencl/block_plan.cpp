// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/block_plan.hpp"

#include "engine/devices/opencl/kernels/kernel_def.hpp"

#include <algorithm>

namespace tandem::opencl {
namespace {

class Planner {
 public:
  Planner(const DeviceContext& device, const Segment& segment) : m_device(device), m_segment(segment) {}

  BlockPlan run(bool compiled) {
    if (m_device.style == KernelStyle::Gpu) return {};
    findPictures();
    findHalos();
    if (compiled) {
      // The last first: of a chain of concatenations it is the last whose memory has room for all.
      for (auto id = m_segment.nodes.rbegin(); id != m_segment.nodes.rend(); ++id)
        if (isJoin(graph().node(*id))) placeParts(graph().node(*id));
      shareHalos();
    }
    return std::move(m_plan);
  }

 private:
  const Graph& graph() const { return *m_segment.graph; }
  bool canBlock(ValueId value) const { return opencl::canBlock(m_device, graph(), value); }
  std::int64_t blocksOf(ValueId value) const { return (graph().value(value).desc.shape[1] + 15) / 16; }

  /// Pictures: as many channels per pixel as they have, or the first convolution would work on zeros mostly.
  void findPictures() {
    for (ValueId value : m_segment.inputs)
      if (const std::int64_t channels = canBlock(value) ? graph().value(value).desc.shape[1] : 0;
          channels > 0 && channels <= 4)
        m_plan.blockings[value].block = channels;
  }

  void findHalos() {
    for (NodeId id : m_segment.nodes) {
      const Node& node = graph().node(id);
      const KernelDef* def = findKernel(node);
      if (!def || !def->halo || !canBlock(node.inputs[0])) continue;
      const auto [h, w] = def->halo({graph(), node});
      widen(node.inputs[0], h, w);
    }
  }

  void widen(ValueId value, std::int64_t h, std::int64_t w) {
    Blocking& blocking = m_plan.blockings[value];
    blocking.haloH = std::max(blocking.haloH, h);
    blocking.haloW = std::max(blocking.haloW, w);
  }

  /// A concatenation of channels where every part but the last fills its blocks.
  bool isJoin(const Node& node) const {
    if (node.type != "Concat" || !node.domain.empty() || !node.outputs[0].valid() || !canBlock(node.outputs[0]))
      return false;
    const auto axis =
        normalizeAxis(node.attributes.getInt("axis", 1), graph().value(node.outputs[0]).desc.shape.rank());
    if (axis != 1) return false;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId part = node.inputs[i];
      if (!part.valid() || !canBlock(part) || m_plan.blockingOf(part).block != 16) return false;
      if (i + 1 < node.inputs.size() && graph().value(part).desc.shape[1] % 16 != 0) return false;
    }
    return true;
  }

  void placeParts(const Node& node) {
    BlockPlace place = m_plan.placeOf(node.outputs[0]);
    if (place.whole == node.outputs[0] && isRun(node)) {
      m_plan.places[node.outputs[0]] = m_plan.places.at(node.inputs[0]);
      return;
    }
    for (ValueId part : node.inputs) {
      // A part of two concatenations lies in the later one, and is copied into the other.
      if (part != place.whole) m_plan.places.try_emplace(part, place);
      place.first += blocksOf(part);
    }
  }

  /// The parts lie one behind the other in a later concatenation already, so this one is a stretch of it.
  bool isRun(const Node& node) const {
    BlockPlace next;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const auto found = m_plan.places.find(node.inputs[i]);
      if (found == m_plan.places.end()) return false;
      if (i > 0 && (found->second.whole != next.whole || found->second.first != next.first)) return false;
      next = {found->second.whole, found->second.first + blocksOf(node.inputs[i])};
    }
    return !node.inputs.empty();
  }

  /// What lies in one memory has the same zeros around it.
  void shareHalos() {
    for (const auto& [part, place] : m_plan.places) {
      const Blocking blocking = m_plan.blockingOf(part);
      widen(place.whole, blocking.haloH, blocking.haloW);
    }
    for (const auto& [part, place] : m_plan.places) m_plan.blockings[part] = m_plan.blockingOf(place.whole);
  }

  const DeviceContext& m_device;
  const Segment& m_segment;
  BlockPlan m_plan;
};

} // namespace

bool canBlock(const DeviceContext& device, const Graph& graph, ValueId value) {
  const TensorDesc& desc = graph.value(value).desc;
  return device.style == KernelStyle::Cpu && !graph.value(value).isConstant() && desc.type == DataType::Float32 &&
         (desc.shape.rank() == 3 || desc.shape.rank() == 4) && desc.isStatic() && desc.shape.elements() > 0;
}

BlockPlan planBlocks(const DeviceContext& device, const Segment& segment, bool compiled) {
  return Planner(device, segment).run(compiled);
}

} // namespace tandem::opencl
