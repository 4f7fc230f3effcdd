// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/simulated/simulated_stream.hpp"

#include "engine/devices/roofline.hpp"

#include <cstring>

namespace tandem {

Error SimulatedStream::fail(Error error) {
  if (!m_failure) m_failure = error;
  return error;
}

void SimulatedStream::record(SimulatedDevice::Span span, const std::string& label, TraceKind kind, std::int64_t bytes,
                             NodeId node) {
  m_virtualNs = span.endNs;
  if (!m_writer || !m_recorder) return;
  const std::int64_t epoch = m_device.epochNs();
  m_writer->record({epoch + span.startNs, epoch + span.endNs, bytes, m_request, m_recorder->intern(label), node, kind});
}

Result<void> SimulatedStream::copy(SimulatedDevice::Engine engine, std::size_t bytes, double milliseconds,
                                   const char* what) {
  if (m_failure) return *m_failure;
  if (auto admitted = m_device.admit(false, {}); !admitted) return fail(admitted.error());
  const auto span = m_device.occupy(engine, m_virtualNs, milliseconds);
  record(span, what + m_device.id(), TraceKind::Transfer, static_cast<std::int64_t>(bytes), NodeId());
  return {};
}

Result<void> SimulatedStream::write(Buffer& dst, const void* src, std::size_t bytes) {
  TANDEM_ASSERT(&dst.device() == &m_device && bytes <= dst.bytes());
  if (src == dst.hostData()) return {};
  const double ms = copyToDeviceMs(static_cast<std::int64_t>(bytes), m_device.speed());
  TANDEM_TRY(copy(SimulatedDevice::Engine::Upload, bytes, ms, "Write to "));
  std::memcpy(static_cast<SimulatedBuffer&>(dst).memory(), src, bytes);
  return {};
}

Result<void> SimulatedStream::read(const Buffer& src, void* dst, std::size_t bytes) {
  TANDEM_ASSERT(&src.device() == &m_device && bytes <= src.bytes());
  if (dst == src.hostData()) return {};
  const double ms = copyToHostMs(static_cast<std::int64_t>(bytes), m_device.speed());
  TANDEM_TRY(copy(SimulatedDevice::Engine::Download, bytes, ms, "Read from "));
  std::memcpy(dst, static_cast<const SimulatedBuffer&>(src).memory(), bytes);
  return {};
}

Result<void> SimulatedStream::finish() {
  if (!m_failure) return {};
  Error first = *std::move(m_failure);
  m_failure.reset();
  return first;
}

void SimulatedStream::setTrace(TraceRecorder* recorder, TraceWriter* writer, std::uint64_t request) {
  m_recorder = recorder;
  m_writer = writer;
  m_request = request;
}

Result<void> SimulatedStream::runKernel(const Node& node, double milliseconds, const CancelToken& cancel) {
  if (m_failure) return *m_failure;
  if (auto admitted = m_device.admit(true, cancel); !admitted) {
    Error error = admitted.error();
    error.where += ", " + node.type + " '" + node.name + "'";
    return fail(std::move(error));
  }
  const auto span = m_device.occupy(SimulatedDevice::Engine::Compute, m_virtualNs, milliseconds * m_device.slowness());
  record(span, node.type + " " + node.name, TraceKind::Kernel, 0, node.origins.empty() ? NodeId() : node.origins[0]);
  return {};
}

std::int64_t virtualNs(const Stream& stream) {
  const auto* simulated = dynamic_cast<const SimulatedStream*>(&stream);
  return simulated ? simulated->virtualNs() : 0;
}

} // namespace tandem
