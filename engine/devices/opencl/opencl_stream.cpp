// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/opencl_stream.hpp"

#include "engine/base/clock.hpp"
#include "engine/devices/device_watch.hpp"
#include "engine/devices/opencl/detail/flight_gate.hpp"
#include "engine/devices/opencl/opencl_program.hpp"

#include <utility>

namespace tandem::opencl {
namespace {

EventHandle shared(cl_event event) {
  clRetainEvent(event);
  return EventHandle(event);
}

std::optional<std::int64_t> stamp(cl_event event, cl_profiling_info which) {
  cl_ulong value = 0;
  if (clGetEventProfilingInfo(event, which, sizeof value, &value, nullptr) != CL_SUCCESS) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

} // namespace

Result<std::unique_ptr<OpenClStream>> OpenClStream::create(OpenClDevice& device,
                                                           std::shared_ptr<const DeviceContext> context, CpuSet cores) {
  std::unique_ptr<OpenClStream> stream(new OpenClStream(device, std::move(context), std::move(cores)));
  TANDEM_TRY(stream->openQueues(false));
  return stream;
}

OpenClStream::~OpenClStream() {
  // Memory that queued commands touch is freed by its owners right after the stream.
  const DeviceWait wait(m_device.id());
  static_cast<void>(finishQueues());
}

Result<void> OpenClStream::openQueues(bool profiling) {
  Queues queues;
  queues.compute = TANDEM_TRY(m_context->createQueue(profiling));
  if (m_context->memory == MemoryKind::Discrete) queues.transfer = TANDEM_TRY(m_context->createQueue(profiling));
  m_queues[profiling] = std::move(queues);
  return {};
}

void OpenClStream::attachCurrentThread() {
  if (!m_cores.empty()) pinCurrentThread(m_cores);
}

Error OpenClStream::failed(std::string_view what, cl_int code) const { return m_context->failed(what, code); }

bool OpenClStream::isOpen(const Fence& fence) const {
  return fence.event && fence.stream == this && fence.epoch == m_epoch;
}

void OpenClStream::set(Fence& fence, cl_event event) {
  fence.event = shared(event);
  fence.stream = this;
  fence.epoch = m_epoch;
}

Result<void> OpenClStream::write(Buffer& dst, const void* src, std::size_t bytes) {
  TANDEM_ASSERT(&dst.device() == &m_device && bytes <= dst.bytes());
  const auto& buffer = static_cast<const OpenClBuffer&>(dst);
  if (src == buffer.hostData()) return handOver(buffer, kToDevice);
  return transfer(buffer, src, nullptr, bytes);
}

Result<void> OpenClStream::read(const Buffer& src, void* dst, std::size_t bytes) {
  TANDEM_ASSERT(&src.device() == &m_device && bytes <= src.bytes());
  const auto& buffer = static_cast<const OpenClBuffer&>(src);
  if (dst == buffer.hostData()) return handOver(buffer, kToHost);
  return transfer(buffer, nullptr, dst, bytes);
}

Result<void> OpenClStream::handOver(const OpenClBuffer& buffer, Direction direction) {
  if (m_context->memory != MemoryKind::Mapped || buffer.isMapped() == (direction == kToHost)) return {};
  cl_event event = nullptr;
  cl_event* wanted = m_recorder ? &event : nullptr;
  TANDEM_TRY(direction == kToHost ? buffer.map(queue(), wanted) : buffer.unmap(queue(), wanted));
  if (event) note(EventHandle(event), {TraceKind::Transfer, m_labels[direction]});
  return {};
}

/// Copies to the device where `src` is set, else to `dst`.
Result<void> OpenClStream::transfer(const OpenClBuffer& buffer, const void* src, void* dst, std::size_t bytes) {
  if (bytes == 0) return {};
  TANDEM_TRY(handOver(buffer, kToDevice));
  const bool fenced = m_active->transfer.get() != nullptr;
  const cl_command_queue queue = fenced ? m_active->transfer.get() : m_active->compute.get();
  // The queue itself keeps transfers in order; kernels are on the other one.
  const bool waits = fenced && isOpen(buffer.computed());
  const cl_event before = waits ? buffer.computed().event.get() : nullptr;
  cl_event event = nullptr;
  cl_event* wanted = fenced || m_recorder ? &event : nullptr;
  const std::int64_t clock = timeBefore();
  const cl_int code = src ? clEnqueueWriteBuffer(queue, buffer.mem(), CL_FALSE, 0, bytes, src, waits ? 1 : 0,
                                                 waits ? &before : nullptr, wanted)
                          : clEnqueueReadBuffer(queue, buffer.mem(), CL_FALSE, 0, bytes, dst, waits ? 1 : 0,
                                                waits ? &before : nullptr, wanted);
  if (code != CL_SUCCESS) return failed(src ? "copying to the device" : "copying from the device", code);
  EventHandle handle(event);
  if (fenced) {
    set(buffer.copied(), event);
    m_transferring = true;
    // The other queue may wait for this one, and only a flush promises that a queue ever starts.
    if (const cl_int flushed = clFlush(queue); flushed != CL_SUCCESS) return failed("starting a copy", flushed);
  }
  if (m_recorder)
    note(std::move(handle),
         {TraceKind::Transfer, m_labels[src ? kToDevice : kToHost], NodeId(), static_cast<std::int64_t>(bytes), clock});
  return {};
}

void OpenClStream::beginFlight() {
  if (std::exchange(m_inFlight, true)) return;
  FlightGate::ofProcess().enter();
}

Result<void> OpenClStream::acquire(std::span<OpenClBuffer* const> buffers) {
  const MemoryKind memory = m_context->memory;
  if (memory == MemoryKind::Shared) return {};
  m_waitList.clear();
  for (const OpenClBuffer* buffer : buffers) {
    TANDEM_TRY(handOver(*buffer, kToDevice));
    if (memory == MemoryKind::Discrete && isOpen(buffer->copied())) m_waitList.push_back(buffer->copied().event.get());
  }
  if (m_waitList.empty()) return {};
  const cl_int code =
      clEnqueueBarrierWithWaitList(queue(), static_cast<cl_uint>(m_waitList.size()), m_waitList.data(), nullptr);
  if (code != CL_SUCCESS) return failed("waiting for copies", code);
  return {};
}

void OpenClStream::release(std::span<OpenClBuffer* const> buffers, cl_event last) {
  for (const OpenClBuffer* buffer : buffers) set(buffer->computed(), last);
}

/// Waits for both queues; the first failure.
cl_int OpenClStream::finishQueues() {
  cl_int code = CL_SUCCESS;
  // Results come last, on the queue of the transfers, so that the second wait finds nothing left to do.
  if (m_transferring) code = clFinish(m_active->transfer.get());
  if (m_active->compute)
    if (const cl_int compute = clFinish(m_active->compute.get()); code == CL_SUCCESS) code = compute;
  m_transferring = false;
  if (std::exchange(m_inFlight, false)) FlightGate::ofProcess().leave();
  ++m_epoch;
  return code;
}

Result<void> OpenClStream::finish() {
  const DeviceWait wait(m_device.id());
  const cl_int code = finishQueues();
  if (code != CL_SUCCESS) {
    m_pending.clear();
    m_reading.reset();
  }
  if (!m_pending.empty()) collectEvents();
  Result<void> verdict;
  for (OpenClInstance* instance : m_expected)
    if (Result<void> own = instance->verdict(); verdict) verdict = std::move(own);
  m_expected.clear();
  if (code != CL_SUCCESS) return m_context->waitFailed("finishing the queue", code);
  return verdict;
}

void OpenClStream::setTrace(TraceRecorder* recorder, TraceWriter* writer, std::uint64_t request) {
  const bool wanted = recorder != nullptr && writer != nullptr;
  m_request = request;
  if (!wanted && !m_recorder) return;
  if (wanted && recorder == m_recorder && writer == m_writer) return;
  static_cast<void>(finishQueues()); // a failure is told by the next finish(), as everything after it fails, too
  collectEvents();
  // A queue profiles or it does not, for life. Without profiling queues the run simply has no events.
  if (wanted && !m_queues[1].compute && !openQueues(true).ok()) return setTrace(nullptr, nullptr, request);
  m_active = &m_queues[wanted];
  m_recorder = wanted ? recorder : nullptr;
  if (!wanted) return;
  if (m_labelsOf != recorder->id()) {
    m_labelsOf = recorder->id();
    m_labels[kToDevice] = recorder->intern("host to " + m_device.id());
    m_labels[kToHost] = recorder->intern(m_device.id() + " to host");
    m_writer = nullptr;
  }
  if (m_writer != writer)
    m_transferWriter = m_active->transfer ? recorder->addTrack(writer->track() + " transfers") : writer;
  m_writer = writer;
  if (m_clock.wantsReading(nowNs())) readClock();
}

void OpenClStream::note(EventHandle event, const Command& command) {
  if (command.clock != 0) m_reading = Reading{m_pending.size(), command.clock, nowNs()};
  TraceEvent trace;
  trace.bytes = command.bytes;
  trace.request = m_request;
  trace.label = command.label;
  trace.node = command.node;
  trace.kind = command.kind;
  m_pending.push_back({std::move(event), trace});
}

std::int64_t OpenClStream::timeBefore() const {
  if (!m_recorder || m_reading || m_context->hasTimer) return 0;
  const std::int64_t now = nowNs();
  return m_clock.wantsReading(now) ? now : 0;
}

/// A reading apart from the events of a run: by the device's timer, or by a command that does nothing.
void OpenClStream::readClock() {
  if (m_context->hasTimer) {
    ClockReading reading;
    reading.hostBefore = nowNs();
    const std::optional<std::int64_t> device = readDeviceTimer(m_context->device);
    reading.hostAfter = nowNs();
    if (!device) return;
    reading.device = *device;
    m_clock.add(reading);
    return;
  }
  const std::int64_t before = nowNs();
  cl_event event = nullptr;
  if (clEnqueueMarkerWithWaitList(queue(), 0, nullptr, &event) != CL_SUCCESS) return;
  const std::int64_t after = nowNs();
  const EventHandle handle(event);
  if (clFinish(queue()) != CL_SUCCESS) return;
  if (const auto queued = stamp(event, CL_PROFILING_COMMAND_QUEUED)) m_clock.add({*queued, before, after});
}

void OpenClStream::collectEvents() {
  if (m_context->hasTimer && m_recorder && m_clock.wantsReading(nowNs())) readClock();
  if (m_reading && m_reading->index < m_pending.size())
    if (const auto queued = stamp(m_pending[m_reading->index].event.get(), CL_PROFILING_COMMAND_QUEUED))
      m_clock.add({*queued, m_reading->before, m_reading->after});
  m_reading.reset();
  for (Pending& pending : m_pending) {
    const auto start = stamp(pending.event.get(), CL_PROFILING_COMMAND_START);
    const auto end = stamp(pending.event.get(), CL_PROFILING_COMMAND_END);
    if (!start || !end) continue;
    pending.trace.startNs = m_clock.toHost(*start);
    pending.trace.endNs = m_clock.toHost(*end);
    TraceWriter* writer = pending.trace.kind == TraceKind::Transfer ? m_transferWriter : m_writer;
    if (writer) writer->record(pending.trace);
  }
  m_pending.clear();
}

} // namespace tandem::opencl
