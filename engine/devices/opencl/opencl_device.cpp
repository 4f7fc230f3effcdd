// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/opencl_device.hpp"

#include "engine/devices/opencl/kernels/kernel_def.hpp"
#include "engine/devices/opencl/opencl_program.hpp"
#include "engine/devices/opencl/opencl_stream.hpp"
#include "engine/devices/opencl/tuning/tuner.hpp"

#include <cstdlib>

namespace tandem::opencl {
namespace {

/// Alignment of host-visible buffers: a page, so that no driver copies.
constexpr std::size_t kPage = 4096;

} // namespace

Result<QueueHandle> DeviceContext::createQueue(bool profiling) const {
  cl_int code = CL_SUCCESS;
  QueueHandle queue(clCreateCommandQueue(context.get(), device, profiling ? CL_QUEUE_PROFILING_ENABLE : 0, &code));
  if (code != CL_SUCCESS) return clFailed("clCreateCommandQueue", code, info.id);
  return queue;
}

Support OpenClDevice::supports(const Graph& graph, NodeId node) const {
  return checkNode({graph, graph.node(node), m_context->float64});
}

Result<std::unique_ptr<Buffer>> OpenClDevice::allocate(std::size_t bytes) {
  return std::unique_ptr<Buffer>(TANDEM_TRY(OpenClBuffer::create(*this, bytes)));
}

Result<std::unique_ptr<Stream>> OpenClDevice::createStream(const StreamOptions&) {
  return std::unique_ptr<Stream>(TANDEM_TRY(OpenClStream::create(*this)));
}

Result<std::shared_ptr<const Program>> OpenClDevice::compile(const Segment& segment, const ProgramOptions& options) {
  return OpenClProgram::create(*this, segment, options);
}

Result<ProbeResult> OpenClDevice::probe(const CancelToken& cancel) { return probeDevice(*m_context, cancel); }

Result<TuneReport> OpenClDevice::tune(const Segment& segment, const ProgramOptions& options,
                                      const TuneOptions& tuning) {
  return Tuner(*this, segment, options, tuning).run();
}

Result<std::unique_ptr<OpenClBuffer>> OpenClBuffer::create(OpenClDevice& device, std::size_t bytes) {
  std::unique_ptr<OpenClBuffer> buffer(new OpenClBuffer(device, bytes));
  const DeviceContext& context = device.context();
  const std::size_t size = (std::max<std::size_t>(bytes, 1) + kPage - 1) / kPage * kPage;
  if (context.info.maxAllocationBytes > 0 && size > static_cast<std::size_t>(context.info.maxAllocationBytes))
    return makeError(ErrorCode::DeviceFailed,
                     "a buffer of " + std::to_string(bytes) + " bytes is above the device's largest allocation of " +
                         std::to_string(context.info.maxAllocationBytes) + " bytes",
                     context.info.id, "use a smaller batch");
  cl_int code = CL_SUCCESS;
  if (context.hostVisible) {
    buffer->m_host = std::aligned_alloc(kPage, size);
    if (!buffer->m_host) return clFailed("allocating a buffer", CL_OUT_OF_HOST_MEMORY, context.info.id);
    buffer->m_mem = MemHandle(
        clCreateBuffer(context.context.get(), CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR, size, buffer->m_host, &code));
  } else {
    buffer->m_mem = MemHandle(clCreateBuffer(context.context.get(), CL_MEM_READ_WRITE, size, nullptr, &code));
  }
  if (code != CL_SUCCESS) return clFailed("clCreateBuffer", code, context.info.id);
  return buffer;
}

OpenClBuffer::~OpenClBuffer() {
  m_mem.reset();
  std::free(m_host);
}

} // namespace tandem::opencl
