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
      // Without waiting: all results of a device are read before the one wait for it.
      m_plan.outputBuffers.push_back(bring(output, &m_executable.host()));
    }
    for (std::size_t device = 0; device < m_plan.devices.size(); ++device) finishIfPending(device);
    returnLent();
    chooseOwners();
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
    std::erase_if(m_reads, [&](const auto& read) { return read.second == device; });
  }

  bool shareMemory(std::size_t a, std::size_t b) const {
    return m_plan.buffers[a].device->info().hostMemory && m_plan.buffers[b].device->info().hostMemory;
  }

  void copy(std::size_t from, std::size_t to) {
    m_plan.steps.push_back({SlotStep::Kind::Copy, 0, from, to});
    const bool fromHost = isHost(m_plan.buffers[from].device);
    const bool toHost = isHost(m_plan.buffers[to].device);
    if (!fromHost) m_pending.insert(deviceIndex(m_plan.buffers[from].device));
    if (!toHost) m_pending.insert(deviceIndex(m_plan.buffers[to].device));
    if (fromHost && toHost) return;
    if (shareMemory(from, to)) {
      if (fromHost) m_lent.emplace_back(from, to);
      return;
    }
    PlannedBuffer& host = m_plan.buffers[fromHost ? from : to];
    if (!host.copiedBy) host.copiedBy = m_plan.buffers[fromHost ? to : from].device;
  }

  /// Makes `value` available in a buffer of `device`, copying it there unless an earlier step has. On the host it is
  /// there after waitForReads().
  std::size_t bring(ValueId value, Device* device) {
    if (auto found = m_buffers.find({value, device}); found != m_buffers.end()) return found->second;
    const std::size_t from = m_source.at(value);
    Device* source = m_plan.buffers[from].device;
    const std::size_t to = bufferOf(value, device);
    if (isHost(source) || device == &m_executable.host()) {
      copy(from, to);
      if (!isHost(source)) m_reads[value] = deviceIndex(source);
    } else { // once to the host, from where anybody has it
      const std::size_t viaHost = bring(value, &m_executable.host());
      waitForReads(value);
      copy(viaHost, to);
    }
    return to;
  }

  void waitForReads(ValueId value) {
    if (auto read = m_reads.find(value); read != m_reads.end()) finishIfPending(read->second);
  }

  /// What the host lent to a device it writes again in the next run: it comes back before the last wait.
  void returnLent() {
    for (const auto& [host, lent] : m_lent) {
      const std::size_t device = deviceIndex(m_plan.buffers[lent].device);
      const auto last = std::find_if(m_plan.steps.rbegin(), m_plan.steps.rend(), [&](const SlotStep& step) {
        return step.kind == SlotStep::Kind::Finish && step.index == device;
      });
      TANDEM_ASSERT(last != m_plan.steps.rend());
      m_plan.steps.insert(last.base() - 1, {SlotStep::Kind::Copy, 0, lent, host});
    }
  }

  /// Of the buffers that share memory one owns it: a driver's rather than the native CPU's, since drivers are choosier
  /// about alignment.
  void chooseOwners() {
    std::map<ValueId, std::size_t> owners;
    const auto each = [&](auto apply) {
      for (std::size_t i = 0; i < m_plan.buffers.size(); ++i)
        if (m_plan.buffers[i].device->info().hostMemory) apply(i);
    };
    each([&](std::size_t i) {
      auto [owner, isNew] = owners.try_emplace(m_plan.buffers[i].value, i);
      if (!isNew && isHost(m_plan.buffers[owner->second].device) && !isHost(m_plan.buffers[i].device))
        owner->second = i;
    });
    for (std::size_t i = 0; i < m_plan.buffers.size(); ++i) m_plan.buffers[i].memory = i;
    each([&](std::size_t i) { m_plan.buffers[i].memory = owners.at(m_plan.buffers[i].value); });
  }

  Device* sourceOf(ValueId value) const { return m_plan.buffers[m_source.at(value)].device; }
  static bool isHost(const Device* device) { return device->info().kind == DeviceKind::NativeCpu; }

  void addSegment(std::size_t s) {
    const PlannedSegment& planned = m_executable.segments()[s];
    const std::size_t device = deviceIndex(planned.device);
    std::vector<std::size_t> inputs, outputs;
    const auto isBrought = [&](ValueId input) { return isPlanned(input) && m_source.contains(input); };
    // Whatever other devices have to read is asked for first, and then waited for: not each in turn.
    for (ValueId input : planned.segment.inputs)
      if (isBrought(input) && !m_buffers.contains({input, planned.device}) && !isHost(sourceOf(input)))
        bring(input, &m_executable.host());
    for (ValueId input : planned.segment.inputs) {
      inputs.push_back(isBrought(input) ? bring(input, planned.device) : kNone);
      if (inputs.back() != kNone && isHost(planned.device)) waitForReads(input);
    }
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
  std::vector<std::pair<std::size_t, std::size_t>> m_lent; ///< the host's buffer, and a device's that shares its memory
};

} // namespace

SlotPlan planSlot(const Executable& executable) { return Planner(executable).plan(); }

} // namespace tandem
