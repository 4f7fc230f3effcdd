// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/opencl_device.hpp"

#include "engine/devices/opencl/kernels/kernel_def.hpp"
#include "engine/devices/opencl/opencl_program.hpp"
#include "engine/devices/opencl/opencl_stream.hpp"

#include <algorithm>

// OpenCL 2.1, which the rest of this back end does not ask for; called only on drivers that say they have it.
extern "C" CL_API_ENTRY cl_int CL_API_CALL clGetDeviceAndHostTimer(cl_device_id device, cl_ulong* deviceTime,
                                                                   cl_ulong* hostTime);

namespace tandem::opencl {
namespace {

/// Alignment of host-visible buffers: a page, so that no driver copies.
constexpr std::size_t kPage = 4096;

/// `bytes` in whole pages, where the device has buffers that large.
Result<std::size_t> allocatedSize(std::size_t bytes, const DeviceContext& context) {
  const auto largest = static_cast<std::size_t>(std::max<std::int64_t>(context.info.maxAllocationBytes, 0));
  const std::size_t most = largest > 0 ? largest : SIZE_MAX - kPage;
  const std::size_t size = (std::max<std::size_t>(bytes, 1) + kPage - 1) / kPage * kPage; // used where bytes <= most
  if (bytes <= most && size <= most) return size;
  return makeError(ErrorCode::DeviceFailed,
                   "a buffer of " + std::to_string(bytes) + " bytes is above the device's largest allocation of " +
                       std::to_string(most) + " bytes",
                   context.info.id, "use a smaller batch");
}

/// Host memory that the driver keeps in place for the device's copy engine, mapped for as long as it lives.
class PinnedMemory final : public Buffer {
 public:
  PinnedMemory(OpenClDevice& device, std::size_t bytes) : m_device(device), m_bytes(bytes) {}
  ~PinnedMemory() override {
    if (m_data && clEnqueueUnmapMemObject(m_queue.get(), m_mem.get(), m_data, 0, nullptr, nullptr) == CL_SUCCESS)
      clFinish(m_queue.get());
  }
  Result<void> allocate() {
    const DeviceContext& context = m_device.context();
    const std::size_t size = TANDEM_TRY(allocatedSize(m_bytes, context));
    m_queue = TANDEM_TRY(context.createQueue(false));
    cl_int code = CL_SUCCESS;
    m_mem = MemHandle(
        clCreateBuffer(context.context.get(), CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR, size, nullptr, &code));
    if (code != CL_SUCCESS) return clFailed("allocating pinned memory", code, context.info.id);
    m_data = clEnqueueMapBuffer(m_queue.get(), m_mem.get(), CL_TRUE, CL_MAP_READ | CL_MAP_WRITE, 0, size, 0, nullptr,
                                nullptr, &code);
    if (code != CL_SUCCESS) return clFailed("mapping pinned memory", code, context.info.id);
    return {};
  }
  Device& device() const override { return m_device; }
  std::size_t bytes() const override { return m_bytes; }
  void* hostData() const override { return m_data; }

 private:
  OpenClDevice& m_device;
  std::size_t m_bytes;
  QueueHandle m_queue;
  MemHandle m_mem;
  void* m_data = nullptr;
};

} // namespace

std::optional<std::int64_t> readDeviceTimer(cl_device_id device) {
  cl_ulong ours = 0;
  cl_ulong hosts = 0;
  if (clGetDeviceAndHostTimer(device, &ours, &hosts) != CL_SUCCESS) return std::nullopt;
  return static_cast<std::int64_t>(ours);
}

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

Result<std::unique_ptr<Buffer>> OpenClDevice::adopt(void* memory, std::size_t bytes) {
  if (m_context->memory == MemoryKind::Discrete) return Device::adopt(memory, bytes);
  return std::unique_ptr<Buffer>(TANDEM_TRY(OpenClBuffer::adopt(*this, memory, bytes)));
}

Result<std::unique_ptr<Buffer>> OpenClDevice::allocateStaging(std::size_t bytes) {
  if (m_context->memory != MemoryKind::Discrete) return Device::allocateStaging(bytes);
  auto pinned = std::make_unique<PinnedMemory>(*this, bytes);
  TANDEM_TRY(pinned->allocate());
  constexpr std::uintptr_t kHostAlignment = 64; // what kernels of the native CPU expect of a buffer
  if (reinterpret_cast<std::uintptr_t>(pinned->hostData()) % kHostAlignment != 0) return std::unique_ptr<Buffer>();
  return std::unique_ptr<Buffer>(std::move(pinned));
}

Result<std::unique_ptr<Stream>> OpenClDevice::createStream(const StreamOptions&) {
  return std::unique_ptr<Stream>(TANDEM_TRY(OpenClStream::create(*this)));
}

Result<std::shared_ptr<const Program>> OpenClDevice::compile(const Segment& segment, const ProgramOptions& options) {
  return OpenClProgram::create(*this, segment, options);
}

Result<ProbeResult> OpenClDevice::probe(const CancelToken& cancel) { return probeDevice(*m_context, cancel); }

Result<std::unique_ptr<OpenClBuffer>> OpenClBuffer::create(OpenClDevice& device, std::size_t bytes) {
  const DeviceContext& context = device.context();
  const std::size_t size = TANDEM_TRY(allocatedSize(bytes, context));
  std::unique_ptr<OpenClBuffer> buffer(new OpenClBuffer(device, bytes));
  if (context.memory != MemoryKind::Discrete) {
    buffer->m_owned.reset(std::aligned_alloc(kPage, size));
    buffer->m_host = buffer->m_owned.get();
    if (!buffer->m_host) return clFailed("allocating a buffer", CL_OUT_OF_HOST_MEMORY, context.info.id);
    TANDEM_TRY(buffer->wrapHostMemory());
    return buffer;
  }
  cl_int code = CL_SUCCESS;
  buffer->m_mem = MemHandle(clCreateBuffer(context.context.get(), CL_MEM_READ_WRITE, size, nullptr, &code));
  if (code != CL_SUCCESS) return clFailed("clCreateBuffer", code, context.info.id);
  return buffer;
}

Result<std::unique_ptr<OpenClBuffer>> OpenClBuffer::adopt(OpenClDevice& device, void* memory, std::size_t bytes) {
  TANDEM_ASSERT(device.context().memory != MemoryKind::Discrete);
  std::unique_ptr<OpenClBuffer> buffer(new OpenClBuffer(device, bytes));
  buffer->m_host = memory;
  TANDEM_TRY(buffer->wrapHostMemory());
  return buffer;
}

/// A buffer on m_host, the host's for now.
Result<void> OpenClBuffer::wrapHostMemory() {
  const DeviceContext& context = m_device.context();
  // Adopted memory may end with the last element; drivers that copy nothing want whole pages, so its own is rounded up.
  const std::size_t size = m_owned ? TANDEM_TRY(allocatedSize(m_bytes, context)) : m_bytes;
  cl_int code = CL_SUCCESS;
  m_mem =
      MemHandle(clCreateBuffer(context.context.get(), CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR, size, m_host, &code));
  if (code != CL_SUCCESS) return clFailed("clCreateBuffer", code, context.info.id);
  if (context.memory != MemoryKind::Mapped) return {};
  const QueueHandle queue = TANDEM_TRY(context.createQueue(false));
  TANDEM_TRY(map(queue.get(), nullptr));
  if (code = clFinish(queue.get()); code != CL_SUCCESS) return clFailed("mapping a buffer", code, context.info.id);
  return {};
}

Result<void> OpenClBuffer::map(cl_command_queue queue, cl_event* event) const {
  cl_int code = CL_SUCCESS;
  // With CL_MEM_USE_HOST_PTR the address is m_host, as the standard says.
  static_cast<void>(clEnqueueMapBuffer(queue, m_mem.get(), CL_FALSE, CL_MAP_READ | CL_MAP_WRITE, 0,
                                       std::max<std::size_t>(m_bytes, 1), 0, nullptr, event, &code));
  if (code != CL_SUCCESS) return clFailed("mapping a buffer", code, m_device.id());
  m_mapped = true;
  return {};
}

Result<void> OpenClBuffer::unmap(cl_command_queue queue, cl_event* event) const {
  const cl_int code = clEnqueueUnmapMemObject(queue, m_mem.get(), m_host, 0, nullptr, event);
  if (code != CL_SUCCESS) return clFailed("unmapping a buffer", code, m_device.id());
  m_mapped = false;
  return {};
}

OpenClBuffer::~OpenClBuffer() {
  if (!m_mapped) return;
  const auto queue = m_device.context().createQueue(false);
  if (queue.ok() && unmap(queue->get(), nullptr).ok()) clFinish(queue->get());
}

} // namespace tandem::opencl
