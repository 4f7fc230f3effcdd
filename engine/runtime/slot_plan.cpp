// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/slot_plan.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace tandem {
namespace {

constexpr std::size_t kNone = SIZE_MAX;

class Planner {
 public:
  explicit Planner(const Executable& executable) : m_executable(executable), m_graph(executable.graph()) {}

  SlotPlan plan() {
    deviceIndex(&m_executable.host());
    for (ValueId input : m_graph.inputs()) {
      const bool planned = isPlanned(input);
      const std::size_t buffer = planned ? bufferOf(input, &m_executable.host()) : kNone;
      m_plan.inputBuffers.push_back(buffer);
      if (planned) m_source[input] = buffer;
    }
    for (std::size_t s = 0; s < m_executable.segments().size(); ++s) addSegment(s);
    for (ValueId output : m_graph.outputs()) {
      if (!isPlanned(output) || !m_source.contains(output)) {
        m_plan.outputBuffers.push_back(kNone);
        continue;
      }
      m_plan.outputBuffers.push_back(bring(output, &m_executable.host()));
    }
    for (std::size_t device = 0; device < m_plan.devices.size(); ++device) finishIfPending(device);
    return std::move(m_plan);
  }

 private:
  bool isPlanned(ValueId id) const { return m_graph.value(id).isStatic() && !m_graph.value(id).isConstant(); }

  std::size_t deviceIndex(Device* device) {
    auto it = std::find(m_plan.devices.begin(), m_plan.devices.end(), device);
    if (it == m_plan.devices.end()) it = m_plan.devices.insert(m_plan.devices.end(), device);
    return static_cast<std::size_t>(it - m_plan.devices.begin());
  }

  std::size_t bufferOf(ValueId value, Device* device) {
    auto [it, isNew] = m_buffers.try_emplace({value, device}, m_plan.buffers.size());
    if (isNew) m_plan.buffers.push_back({value, device, static_cast<std::size_t>(m_graph.value(value).desc.bytes())});
    return it->second;
  }

  void finishIfPending(std::size_t device) {
    if (!m_pending.erase(device)) return;
    m_plan.steps.push_back({SlotStep::Kind::Finish, device, 0, 0});
  }

  /// Makes `value` available in a buffer of `device`, copying it there unless an earlier step has.
  std::size_t bring(ValueId value, Device* device) {
    auto found = m_buffers.find({value, device});
    if (found != m_buffers.end()) {
      if (isHost(device)) waitForReads(value);
      return found->second;
    }
    const std::size_t from = m_source.at(value);
    const std::size_t to = bufferOf(value, device);
    Device* source = m_plan.buffers[from].device;
    // Reading from an asynchronous device leaves a read in its queue; only a host reader has to wait for it.
    if (!isHost(source) && !isHost(device)) {
      const std::size_t viaHost = bring(value, &m_executable.host());
      waitForReads(value);
      m_plan.steps.push_back({SlotStep::Kind::Copy, 0, viaHost, to});
    } else {
      m_plan.steps.push_back({SlotStep::Kind::Copy, 0, from, to});
      if (!isHost(source)) {
        m_reads[value] = deviceIndex(source);
        if (isHost(device)) waitForReads(value);
      }
    }
    if (!isHost(device)) m_pending.insert(deviceIndex(device));
    return to;
  }

  void waitForReads(ValueId value) {
    auto it = m_reads.find(value);
    if (it == m_reads.end()) return;
    m_pending.insert(it->second);
    finishIfPending(it->second);
    m_reads.erase(it);
  }

  static bool isHost(const Device* device) { return device->info().kind == DeviceKind::NativeCpu; }

  void addSegment(std::size_t s) {
    const PlannedSegment& planned = m_executable.segments()[s];
    const std::size_t device = deviceIndex(planned.device);
    std::vector<std::size_t> inputs, outputs;
    for (ValueId input : planned.segment.inputs)
      inputs.push_back(isPlanned(input) && m_source.contains(input) ? bring(input, planned.device) : kNone);
    for (ValueId output : planned.segment.outputs) {
      if (!isPlanned(output)) {
        outputs.push_back(kNone);
        continue;
      }
      outputs.push_back(bufferOf(output, planned.device));
      m_source[output] = outputs.back();
    }
    m_plan.segmentInputs.push_back(std::move(inputs));
    m_plan.segmentOutputs.push_back(std::move(outputs));
    m_plan.steps.push_back({planned.dynamic ? SlotStep::Kind::Dynamic : SlotStep::Kind::Run, s, 0, 0});
    if (!isHost(planned.device)) m_pending.insert(device);
  }

  const Executable& m_executable;
  const Graph& m_graph;
  SlotPlan m_plan;
  std::map<std::pair<ValueId, Device*>, std::size_t> m_buffers;
  std::map<ValueId, std::size_t> m_source; ///< where each value was produced
  std::map<ValueId, std::size_t> m_reads;  ///< values whose copy to the host is still queued on this device
  std::set<std::size_t> m_pending;         ///< devices with work that nobody has waited for
};

} // namespace

SlotPlan planSlot(const Executable& executable) { return Planner(executable).plan(); }

} // namespace tandem
