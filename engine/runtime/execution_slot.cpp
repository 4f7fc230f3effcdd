// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/execution_slot.hpp"

#include "engine/base/checked.hpp"
#include "engine/base/clock.hpp"
#include "engine/base/host_memory.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tandem {
namespace {

constexpr std::size_t kNone = SIZE_MAX;

/// The system promises memory that it does not have, and kills who uses it: what a slot will touch must be there.
Result<void> requireHostMemory(const Executable& executable, const SlotPlan& plan) {
  const auto onHost = [](const Device& device) {
    return device.info().kind == DeviceKind::NativeCpu || device.info().kind == DeviceKind::OpenClCpu;
  };
  std::optional<std::int64_t> bytes = 0;
  const auto add = [&](std::int64_t more) { bytes = bytes ? checkedAdd(*bytes, more) : bytes; };
  for (std::size_t i = 0; i < plan.buffers.size(); ++i)
    if (plan.buffers[i].memory == i && onHost(*plan.buffers[i].device))
      add(static_cast<std::int64_t>(plan.buffers[i].bytes));
  for (std::size_t s = 0; s < executable.segments().size(); ++s)
    if (executable.programs()[s] && onHost(*executable.segments()[s].device))
      add(executable.programs()[s]->memory().activationsBytes);
  if (bytes && fitsHostMemory(*bytes)) return {};
  return makeError(ErrorCode::DeviceFailed,
                   "not enough memory: a run needs " + (bytes ? std::to_string(*bytes) : std::string("over 2^63")) +
                       " bytes, " + std::to_string(availableHostMemory()) + " are free",
                   executable.host().id(), "use a smaller batch, fewer replicas or smaller inputs");
}

} // namespace

Device* threadDevice(const Executable& executable) {
  Device* withCores = nullptr;
  Device* first = nullptr;
  for (const PlannedSegment& planned : executable.segments()) {
    if (planned.device->info().kind == DeviceKind::NativeCpu) return planned.device;
    if (!withCores && !planned.device->info().cores.empty()) withCores = planned.device;
    if (!first) first = planned.device;
  }
  return withCores ? withCores : first;
}

ExecutionSlot::ExecutionSlot(std::shared_ptr<const Executable> executable, BusyMeters* meters, DeviceTurns* turns)
    : m_executable(std::move(executable)),
      m_meters(meters),
      m_turns(turns),
      m_hostRunner(m_executable->host(), m_executable->options().threads, m_executable->options().compiled) {}

ExecutionSlot::~ExecutionSlot() {
  // A failed run may have left work queued; buffers must not be freed under it.
  for (DeviceState& state : m_devices)
    if (state.stream) {
      const Result<void> drained = state.stream->finish();
      static_cast<void>(drained); // nobody is left to tell
      leave(state);
    }
  // Those that share another's memory go before it.
  m_instances.clear();
  for (std::size_t i = 0; i < m_buffers.size(); ++i)
    if (m_plan.buffers[i].memory != i) m_buffers[i].reset();
}

Result<void> ExecutionSlot::initialize() {
  m_plan = planSlot(*m_executable);
  TANDEM_TRY(requireHostMemory(*m_executable, m_plan));
  for (Device* device : m_plan.devices) {
    DeviceState state;
    state.device = device;
    state.stream =
        TANDEM_TRY(device->createStream({m_executable->options().threads, m_executable->options().hostCores}));
    if (m_meters) state.meter = &m_meters->of(device->id());
    // A GPU copies for one request while it computes another; cores can only be divided.
    const DeviceKind kind = device->info().kind;
    const bool onHost = kind == DeviceKind::NativeCpu || kind == DeviceKind::OpenClCpu;
    if (m_turns && m_executable->devices().size() > 1) {
      if (onHost) state.turn = &m_turns->of(device->id());
      state.cores = onHost ? device->info().cores : m_executable->options().hostCores;
    }
    m_devices.push_back(std::move(state));
  }
  TANDEM_TRY(allocateBuffers());

  auto collect = [&](const std::vector<std::size_t>& indices) {
    std::vector<Buffer*> buffers;
    for (std::size_t index : indices) buffers.push_back(m_buffers[index].get());
    return buffers;
  };
  for (std::size_t s = 0; s < m_executable->segments().size(); ++s) {
    if (m_executable->segments()[s].dynamic) {
      m_instances.push_back(nullptr);
      continue;
    }
    const auto inputs = collect(m_plan.segmentInputs[s]);
    const auto outputs = collect(m_plan.segmentOutputs[s]);
    m_instances.push_back(TANDEM_TRY(m_executable->programs()[s]->instantiate(inputs, outputs)));
  }

  const Graph& graph = m_executable->graph();
  auto view = [&](ValueId value, std::size_t buffer) {
    return Tensor::wrap(graph.value(value).desc, m_buffers[buffer]->hostData(), nullptr);
  };
  for (std::size_t i = 0; i < graph.inputs().size(); ++i)
    m_inputs.push_back(m_plan.inputBuffers[i] == kNone ? Tensor() : view(graph.inputs()[i], m_plan.inputBuffers[i]));
  for (std::size_t i = 0; i < graph.outputs().size(); ++i) {
    const ValueId value = graph.outputs()[i];
    if (m_plan.outputBuffers[i] != kNone)
      m_outputs.push_back(view(value, m_plan.outputBuffers[i]));
    else
      m_outputs.push_back(graph.value(value).constant); // undefined for dynamic values until a run
  }
  return {};
}

Result<void> ExecutionSlot::allocateBuffers() {
  m_buffers.resize(m_plan.buffers.size());
  const auto bytesOf = [](const PlannedBuffer& planned) { return std::max<std::size_t>(planned.bytes, 1); };
  for (std::size_t i = 0; i < m_buffers.size(); ++i) {
    const PlannedBuffer& planned = m_plan.buffers[i];
    if (planned.memory != i) continue;
    if (planned.copiedBy && planned.device->info().kind == DeviceKind::NativeCpu) {
      // Pinned memory is scarce. Without it copies are slower, and that is all.
      auto staging = planned.copiedBy->allocateStaging(bytesOf(planned));
      if (staging.ok() && *staging) {
        m_buffers[i] = TANDEM_TRY(planned.device->adopt((*staging)->hostData(), bytesOf(planned)));
        m_staging.push_back(std::move(*staging));
        continue;
      }
    }
    m_buffers[i] = TANDEM_TRY(planned.device->allocate(bytesOf(planned)));
  }
  for (std::size_t i = 0; i < m_buffers.size(); ++i) {
    const PlannedBuffer& planned = m_plan.buffers[i];
    if (planned.memory == i) continue;
    m_buffers[i] = TANDEM_TRY(planned.device->adopt(m_buffers[planned.memory]->hostData(), bytesOf(planned)));
  }
  return {};
}

void ExecutionSlot::attachCurrentThread() {
  // The slot's kernels on the first segment's CPU run on this thread; streams of other core sets use their own.
  const Device* device = threadDevice(*m_executable);
  if (device) stateOf(device).stream->attachCurrentThread();
  if (!device || device == &m_executable->host()) m_hostRunner.useCallingThread();
}

Result<void> ExecutionSlot::setInputs(std::span<const Tensor> tensors) {
  if (tensors.size() != m_inputs.size())
    return makeError(ErrorCode::InputRejected, "the model has " + std::to_string(m_inputs.size()) + " inputs", {},
                     "give all of them");
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (!m_inputs[i].defined()) continue;
    if (tensors[i].desc() != m_inputs[i].desc())
      return makeError(ErrorCode::InputRejected,
                       "the input is " + tensors[i].desc().toString() + ", compiled was " +
                           m_inputs[i].desc().toString(),
                       m_executable->graph().value(m_executable->graph().inputs()[i]).name, "compile for this shape");
    std::memcpy(m_inputs[i].mutableData(), tensors[i].data(), tensors[i].bytes());
  }
  return {};
}

Result<RunTimes> ExecutionSlot::run(const CancelToken& cancel) {
  RunTimes times;
  const std::int64_t start = nowNs();
  m_dynamic.clear();
  for (DeviceState& state : m_devices) state.stream->setCancel(cancel);
  Result<void> status;
  for (const SlotStep& each : m_plan.steps) {
    status = cancel.cancelled() ? cancel.check() : step(each, cancel);
    if (!status) break;
  }
  for (DeviceState& state : m_devices) {
    if (!status) static_cast<void>(state.stream->finish().ok()); // the first failure is the one to tell
    leave(state);
  }
  if (!status) return status.error();

  const Graph& graph = m_executable->graph();
  for (std::size_t i = 0; !m_dynamic.empty() && i < graph.outputs().size(); ++i) {
    auto found = m_dynamic.find(graph.outputs()[i]);
    if (found != m_dynamic.end()) m_outputs[i] = found->second;
  }
  times.totalNs = nowNs() - start;
  return times;
}

Result<void> ExecutionSlot::step(const SlotStep& each, const CancelToken& cancel) {
  switch (each.kind) {
  case SlotStep::Kind::Copy: return copy(each);
  case SlotStep::Kind::Dynamic: {
    DeviceState& state = stateOf(m_executable->segments()[each.index].device);
    enter(state);
    Result<void> result = runDynamic(each.index, cancel);
    leave(state);
    return result;
  }
  case SlotStep::Kind::Run: {
    DeviceState& state = stateOf(m_executable->segments()[each.index].device);
    enter(state);
    Result<void> result = m_instances[each.index]->run(*state.stream);
    if (state.device->info().kind == DeviceKind::NativeCpu) leave(state);
    return result;
  }
  case SlotStep::Kind::Finish: {
    DeviceState& state = m_devices[each.index];
    Result<void> result = state.stream->finish();
    leave(state);
    return result;
  }
  }
  return {};
}

Result<void> ExecutionSlot::copy(const SlotStep& each) {
  const PlannedBuffer& from = m_plan.buffers[each.from];
  const PlannedBuffer& to = m_plan.buffers[each.to];
  const bool fromHost = from.device->info().kind == DeviceKind::NativeCpu;
  const bool toHost = to.device->info().kind == DeviceKind::NativeCpu;
  if (fromHost && toHost) {
    if (from.memory == to.memory) return {};
    std::memcpy(m_buffers[each.to]->hostData(), m_buffers[each.from]->hostData(), from.bytes);
    return {};
  }
  DeviceState& state = stateOf(fromHost ? to.device : from.device);
  enter(state);
  if (fromHost) return state.stream->write(*m_buffers[each.to], m_buffers[each.from]->hostData(), from.bytes);
  return state.stream->read(*m_buffers[each.from], m_buffers[each.to]->hostData(), from.bytes);
}

Result<Tensor> ExecutionSlot::hostTensor(ValueId id, std::size_t buffer) const {
  const Value& value = m_executable->graph().value(id);
  if (value.isConstant()) return value.constant;
  if (buffer != kNone) return Tensor::wrap(value.desc, m_buffers[buffer]->hostData(), nullptr);
  auto found = m_dynamic.find(id);
  if (found == m_dynamic.end())
    return makeError(ErrorCode::Internal, "the tensor was not computed", value.name, "report this model");
  return found->second;
}

Result<void> ExecutionSlot::runDynamic(std::size_t s, const CancelToken& cancel) {
  const Graph& graph = m_executable->graph();
  const Segment& segment = m_executable->segments()[s].segment;
  std::map<ValueId, std::size_t> bufferOf;
  for (std::size_t i = 0; i < segment.inputs.size(); ++i) bufferOf[segment.inputs[i]] = m_plan.segmentInputs[s][i];
  DeviceState& state = stateOf(m_executable->segments()[s].device);

  for (NodeId id : segment.nodes) {
    const Node& node = graph.node(id);
    std::vector<Tensor> inputs(node.inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!node.inputs[i].valid()) continue;
      auto found = bufferOf.find(node.inputs[i]);
      const bool local = m_dynamic.contains(node.inputs[i]);
      inputs[i] = TANDEM_TRY(hostTensor(node.inputs[i], local || found == bufferOf.end() ? kNone : found->second));
    }
    const std::int64_t start = nowNs();
    std::vector<Tensor> outputs = TANDEM_TRY(m_hostRunner.run(graph, id, inputs, cancel));
    if (m_recorder && state.writer)
      state.writer->record({start, nowNs(), 0, m_request, m_recorder->intern(node.type + " " + node.name),
                            node.origins.front(), TraceKind::Kernel});
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (node.outputs[i].valid() && outputs[i].defined()) m_dynamic[node.outputs[i]] = std::move(outputs[i]);
  }
  for (std::size_t i = 0; i < segment.outputs.size(); ++i) {
    const std::size_t buffer = m_plan.segmentOutputs[s][i];
    if (buffer == kNone) continue;
    const Tensor& result = m_dynamic.at(segment.outputs[i]);
    if (result.bytes() != m_plan.buffers[buffer].bytes)
      return makeError(ErrorCode::Internal, "the tensor came out as " + result.desc().toString(),
                       graph.value(segment.outputs[i]).name, "report this model");
    std::memcpy(m_buffers[buffer]->hostData(), result.data(), result.bytes());
  }
  return {};
}

void ExecutionSlot::setTrace(TraceRecorder* recorder, const std::string& trackPrefix, std::uint64_t request) {
  m_request = request;
  const bool isNew = recorder && recorder->id() != m_tracksOf;
  for (DeviceState& state : m_devices) {
    if (isNew) state.writer = recorder->addTrack(trackPrefix + state.device->id());
    state.stream->setTrace(recorder, recorder ? state.writer : nullptr, request);
  }
  if (isNew) m_tracksOf = recorder->id();
  m_recorder = recorder;
}

ExecutionSlot::DeviceState& ExecutionSlot::stateOf(const Device* device) {
  for (DeviceState& state : m_devices)
    if (state.device == device) return state;
  assertionFailed("the device belongs to the slot's plan", __FILE__, __LINE__);
}

void ExecutionSlot::enter(DeviceState& state) {
  if (state.busy) return;
  state.busy = true;
  // The thread goes along, and first, so that it wakes where it will work: on cores that another request computes on it
  // would wait for milliseconds although its own device is idle.
  if (!state.cores.empty() && m_pinnedTo != &state) {
    pinCurrentThread(state.cores);
    m_pinnedTo = &state;
  }
  if (state.turn) {
    // Whoever holds a turn does not wait for another one: two that wait for each other's would wait for ever.
    const bool holdsOne =
        std::any_of(m_devices.begin(), m_devices.end(), [](const DeviceState& each) { return each.hasTurn; });
    if (!holdsOne) state.turn->take();
    state.hasTurn = !holdsOne || state.turn->tryTake();
  }
  if (state.meter) state.meter->enter();
}

void ExecutionSlot::leave(DeviceState& state) {
  if (!state.busy) return;
  state.busy = false;
  if (state.meter) state.meter->leave();
  if (std::exchange(state.hasTurn, false)) state.turn->give();
}

} // namespace tandem
