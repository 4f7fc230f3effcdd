// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/opencl_stream.hpp"

#include "engine/base/clock.hpp"
#include "engine/devices/device_watch.hpp"
#include "engine/devices/opencl/opencl_program.hpp"

#include <cstdlib>
#include <utility>

namespace tandem::opencl {

Result<std::unique_ptr<OpenClStream>> OpenClStream::create(OpenClDevice& device,
                                                           std::shared_ptr<const DeviceContext> context) {
  std::unique_ptr<OpenClStream> stream(new OpenClStream(device, std::move(context)));
  TANDEM_TRY(stream->openQueue(false));
  return stream;
}

OpenClStream::~OpenClStream() {
  // Memory that queued commands touch is freed by its owners right after the stream.
  const DeviceWait wait(m_device.id());
  if (m_queue) clFinish(m_queue.get());
}

Result<void> OpenClStream::openQueue(bool profiling) {
  m_queue = TANDEM_TRY(m_context->createQueue(profiling));
  m_profiling = profiling;
  return {};
}

void OpenClStream::attachCurrentThread() {
  const CpuSet& cores = m_device.info().cores;
  if (!cores.empty()) pinCurrentThread(cores);
}

Error OpenClStream::failed(std::string_view what, cl_int code) const { return m_context->failed(what, code); }

Result<void> OpenClStream::write(Buffer& dst, const void* src, std::size_t bytes) {
  if (bytes == 0) return {};
  auto& buffer = static_cast<OpenClBuffer&>(dst);
  TANDEM_ASSERT(&dst.device() == &m_device && bytes <= dst.bytes());
  cl_event event = nullptr;
  const cl_int code = clEnqueueWriteBuffer(m_queue.get(), buffer.mem(), CL_FALSE, 0, bytes, src, 0, nullptr,
                                           m_profiling ? &event : nullptr);
  if (code != CL_SUCCESS) return failed("copying to the device", code);
  if (event) note(EventHandle(event), TraceKind::Transfer, m_writeLabel, NodeId(), static_cast<std::int64_t>(bytes));
  return {};
}

Result<void> OpenClStream::read(const Buffer& src, void* dst, std::size_t bytes) {
  if (bytes == 0) return {};
  const auto& buffer = static_cast<const OpenClBuffer&>(src);
  TANDEM_ASSERT(&src.device() == &m_device && bytes <= src.bytes());
  cl_event event = nullptr;
  const cl_int code = clEnqueueReadBuffer(m_queue.get(), buffer.mem(), CL_FALSE, 0, bytes, dst, 0, nullptr,
                                          m_profiling ? &event : nullptr);
  if (code != CL_SUCCESS) return failed("copying from the device", code);
  if (event) note(EventHandle(event), TraceKind::Transfer, m_readLabel, NodeId(), static_cast<std::int64_t>(bytes));
  return {};
}

Result<void> OpenClStream::finish() {
  const DeviceWait wait(m_device.id());
  const cl_int code = clFinish(m_queue.get());
  if (code != CL_SUCCESS) {
    m_pending.clear();
    m_expected.clear();
    return m_context->waitFailed("finishing the queue", code);
  }
  collectEvents();
  Result<void> verdict;
  for (const OpenClInstance* instance : std::exchange(m_expected, {}))
    if (verdict) verdict = instance->verdict();
  return verdict;
}

void OpenClStream::setTrace(TraceRecorder* recorder, TraceWriter* writer, std::uint64_t request) {
  const bool wanted = recorder != nullptr && writer != nullptr;
  m_request = request;
  if (wanted == m_profiling && recorder == m_recorder && writer == m_writer) return;
  if (m_queue) clFinish(m_queue.get());
  collectEvents();
  m_recorder = wanted ? recorder : nullptr;
  m_writer = wanted ? writer : nullptr;
  if (wanted) {
    m_writeLabel = recorder->intern("host to " + m_device.id());
    m_readLabel = recorder->intern(m_device.id() + " to host");
  }
  if (wanted == m_profiling) return;
  // A queue profiles or it does not, for life. Without a profiling queue the run simply has no kernel events.
  if (openQueue(wanted).ok() && m_profiling) measureClockOffset();
}

void OpenClStream::note(EventHandle event, TraceKind kind, std::uint32_t label, NodeId node, std::int64_t bytes) {
  TraceEvent trace;
  trace.bytes = bytes;
  trace.request = m_request;
  trace.label = label;
  trace.node = node;
  trace.kind = kind;
  m_pending.push_back({std::move(event), trace});
}

void OpenClStream::measureClockOffset() {
  m_clockOffset = 0;
  const std::int64_t before = nowNs();
  cl_event raw = nullptr;
  if (clEnqueueMarkerWithWaitList(m_queue.get(), 0, nullptr, &raw) != CL_SUCCESS) return;
  const EventHandle event(raw);
  if (clFinish(m_queue.get()) != CL_SUCCESS) return;
  const std::int64_t after = nowNs();
  cl_ulong queued = 0;
  cl_ulong end = 0;
  if (clGetEventProfilingInfo(raw, CL_PROFILING_COMMAND_QUEUED, sizeof queued, &queued, nullptr) != CL_SUCCESS) return;
  if (clGetEventProfilingInfo(raw, CL_PROFILING_COMMAND_END, sizeof end, &end, nullptr) != CL_SUCCESS) return;
  const auto first = static_cast<std::int64_t>(queued);
  const auto last = static_cast<std::int64_t>(end);
  // The device's stamps lie between ours: its clock is ours (PoCL). Otherwise lay the middles on each other.
  if (before <= first && first <= last && last <= after) return;
  m_clockOffset = (before + after) / 2 - (first + (last - first) / 2);
}

void OpenClStream::collectEvents() {
  for (Pending& pending : m_pending) {
    cl_ulong start = 0;
    cl_ulong end = 0;
    cl_event event = pending.event.get();
    if (clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_START, sizeof start, &start, nullptr) != CL_SUCCESS ||
        clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof end, &end, nullptr) != CL_SUCCESS)
      continue;
    pending.trace.startNs = static_cast<std::int64_t>(start) + m_clockOffset;
    pending.trace.endNs = static_cast<std::int64_t>(end) + m_clockOffset;
    if (m_writer) m_writer->record(pending.trace);
  }
  m_pending.clear();
}

} // namespace tandem::opencl
