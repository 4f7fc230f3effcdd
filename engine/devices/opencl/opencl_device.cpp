// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/opencl_device.hpp"

#include "engine/devices/opencl/kernels/kernel_def.hpp"
#include "engine/devices/opencl/opencl_program.hpp"
#include "engine/devices/opencl/opencl_stream.hpp"
#include "engine/devices/opencl/tuning/tuner.hpp"

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
  const auto wanted = static_cast<std::int64_t>(std::min<std::size_t>(bytes, INT64_MAX));
  // The last page may be cut off where it would be what is too large.
  if ((context.info.maxAllocationBytes > 0 && wanted > context.info.maxAllocationBytes) || bytes > SIZE_MAX - kPage)
    return context.allocationFailed("a buffer", wanted, CL_INVALID_BUFFER_SIZE);
  return (std::max<std::size_t>(bytes, 1) + kPage - 1) / kPage * kPage;
}

/// Host memory that the driver keeps in place for the device's copy engine, mapped for as long as it lives.
class PinnedMemory final : public Buffer {
 public:
  PinnedMemory(OpenClDevice& device, std::shared_ptr<const DeviceContext> context, std::size_t bytes)
      : m_device(device),
        m_context(std::move(context)),
        m_bytes(bytes) {}
  ~PinnedMemory() override {
    if (m_data && clEnqueueUnmapMemObject(m_queue.get(), m_mem.get(), m_data, 0, nullptr, nullptr) == CL_SUCCESS)
      clFinish(m_queue.get());
  }
  Result<void> allocate() {
    const DeviceContext& context = *m_context;
    const std::size_t size = TANDEM_TRY(allocatedSize(m_bytes, context));
    m_queue = TANDEM_TRY(context.createQueue(false));
    cl_int code = CL_SUCCESS;
    m_mem = MemHandle(
        clCreateBuffer(context.context.get(), CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR, size, nullptr, &code));
    if (code != CL_SUCCESS) return context.allocationFailed("pinned memory", static_cast<std::int64_t>(m_bytes), code);
    m_data = clEnqueueMapBuffer(m_queue.get(), m_mem.get(), CL_TRUE, CL_MAP_READ | CL_MAP_WRITE, 0, size, 0, nullptr,
                                nullptr, &code);
    if (code != CL_SUCCESS) return context.failed("mapping pinned memory", code);
    return {};
  }
  Device& device() const override { return m_device; }
  std::size_t bytes() const override { return m_bytes; }
  void* hostData() const override { return m_data; }

 private:
  OpenClDevice& m_device;
  std::shared_ptr<const DeviceContext> m_context;
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

OpenClDevice::OpenClDevice(ContextRecipe recipe, std::shared_ptr<const DeviceContext> context)
    : m_recipe(std::move(recipe)),
      m_float64(context->float64),
      m_memory(context->memory),
      m_context(std::move(context)) {}

Support OpenClDevice::supports(const Graph& graph, NodeId node) const {
  return checkNode({graph, graph.node(node), m_float64});
}

Result<std::unique_ptr<Buffer>> OpenClDevice::allocate(std::size_t bytes) {
  auto context = TANDEM_TRY(usableContext());
  return std::unique_ptr<Buffer>(TANDEM_TRY(OpenClBuffer::create(*this, std::move(context), bytes)));
}

Result<std::unique_ptr<Buffer>> OpenClDevice::adopt(void* memory, std::size_t bytes) {
  if (m_memory == MemoryKind::Discrete) return Device::adopt(memory, bytes);
  auto context = TANDEM_TRY(usableContext());
  return std::unique_ptr<Buffer>(TANDEM_TRY(OpenClBuffer::adopt(*this, std::move(context), memory, bytes)));
}

Result<std::unique_ptr<Buffer>> OpenClDevice::allocateStaging(std::size_t bytes) {
  if (m_memory != MemoryKind::Discrete) return Device::allocateStaging(bytes);
  auto pinned = std::make_unique<PinnedMemory>(*this, TANDEM_TRY(usableContext()), bytes);
  TANDEM_TRY(pinned->allocate());
  constexpr std::uintptr_t kHostAlignment = 64; // what kernels of the native CPU expect of a buffer
  if (reinterpret_cast<std::uintptr_t>(pinned->hostData()) % kHostAlignment != 0) return std::unique_ptr<Buffer>();
  return std::unique_ptr<Buffer>(std::move(pinned));
}

Result<std::unique_ptr<Stream>> OpenClDevice::createStream(const StreamOptions& options) {
  auto context = TANDEM_TRY(usableContext());
  // A CPU's driver may compute on the thread that waits, so that one belongs on the device's own cores.
  const bool isFed = context->style == KernelStyle::Gpu && !options.hostCores.empty();
  const CpuSet& cores = isFed ? options.hostCores : info().cores;
  return std::unique_ptr<Stream>(TANDEM_TRY(OpenClStream::create(*this, std::move(context), cores)));
}

Result<std::shared_ptr<const Program>> OpenClDevice::compile(const Segment& segment, const ProgramOptions& options) {
  return OpenClProgram::create(*this, TANDEM_TRY(usableContext()), segment, options);
}

Result<ProbeResult> OpenClDevice::probe(const CancelToken& cancel) {
  const auto context = TANDEM_TRY(usableContext());
  return probeDevice(*context, cancel);
}

Result<TuneReport> OpenClDevice::tune(const Segment& segment, const ProgramOptions& options,
                                      const TuneOptions& tuning) {
  return Tuner(*this, TANDEM_TRY(usableContext()), segment, options, tuning).run();
}

Result<std::shared_ptr<const DeviceContext>> OpenClDevice::usableContext() {
  std::lock_guard lock(m_mutex);
  if (m_context && !m_context->broken) return m_context;
  if (m_context) m_lastFailure = m_context->whatBroke();
  if (m_reopened)
    return makeError(ErrorCode::DeviceFailed,
                     "the device is lost: it failed again after it had been set up anew (" + m_lastFailure + ")", id(),
                     "place these layers on another device; list the devices anew once this one works again");
  m_reopened = true;
  m_earlierCounts = {m_context->library->builtCount(), m_context->library->loadedCount()};
  m_context.reset(); // first, as memory that the old one still holds may be what is missing
  auto opened = openContext(m_recipe);
  if (!opened) m_lastFailure = opened.error().message;
  m_context = TANDEM_TRY(std::move(opened));
  return m_context;
}

std::pair<int, int> OpenClDevice::buildCounts() const {
  std::lock_guard lock(m_mutex);
  if (!m_context) return m_earlierCounts;
  return {m_earlierCounts.first + m_context->library->builtCount(),
          m_earlierCounts.second + m_context->library->loadedCount()};
}

Result<std::unique_ptr<OpenClBuffer>>
OpenClBuffer::create(OpenClDevice& device, std::shared_ptr<const DeviceContext> shared, std::size_t bytes) {
  const DeviceContext& context = *shared;
  const std::size_t size = TANDEM_TRY(allocatedSize(bytes, context));
  std::unique_ptr<OpenClBuffer> buffer(new OpenClBuffer(device, std::move(shared), bytes));
  const auto wanted = static_cast<std::int64_t>(bytes);
  if (context.memory != MemoryKind::Discrete) {
    buffer->m_owned.reset(std::aligned_alloc(kPage, size));
    buffer->m_host = buffer->m_owned.get();
    if (!buffer->m_host) return context.allocationFailed("a buffer", wanted, CL_OUT_OF_HOST_MEMORY);
    TANDEM_TRY(buffer->wrapHostMemory());
    return buffer;
  }
  cl_int code = CL_SUCCESS;
  buffer->m_mem = MemHandle(clCreateBuffer(context.context.get(), CL_MEM_READ_WRITE, size, nullptr, &code));
  if (code != CL_SUCCESS) return context.allocationFailed("a buffer", wanted, code);
  return buffer;
}

Result<std::unique_ptr<OpenClBuffer>> OpenClBuffer::adopt(OpenClDevice& device,
                                                          std::shared_ptr<const DeviceContext> context, void* memory,
                                                          std::size_t bytes) {
  TANDEM_ASSERT(context->memory != MemoryKind::Discrete);
  std::unique_ptr<OpenClBuffer> buffer(new OpenClBuffer(device, std::move(context), bytes));
  buffer->m_host = memory;
  TANDEM_TRY(buffer->wrapHostMemory());
  return buffer;
}

/// A buffer on m_host, the host's for now.
Result<void> OpenClBuffer::wrapHostMemory() {
  const DeviceContext& context = *m_context;
  // Adopted memory may end with the last element; drivers that copy nothing want whole pages, so its own is rounded up.
  const std::size_t size = m_owned ? TANDEM_TRY(allocatedSize(m_bytes, context)) : m_bytes;
  cl_int code = CL_SUCCESS;
  m_mem =
      MemHandle(clCreateBuffer(context.context.get(), CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR, size, m_host, &code));
  if (code != CL_SUCCESS) return context.allocationFailed("a buffer", static_cast<std::int64_t>(m_bytes), code);
  if (context.memory != MemoryKind::Mapped) return {};
  const QueueHandle queue = TANDEM_TRY(context.createQueue(false));
  TANDEM_TRY(map(queue.get(), nullptr));
  if (code = clFinish(queue.get()); code != CL_SUCCESS) return context.waitFailed("mapping a buffer", code);
  return {};
}

Result<void> OpenClBuffer::map(cl_command_queue queue, cl_event* event) const {
  cl_int code = CL_SUCCESS;
  // With CL_MEM_USE_HOST_PTR the address is m_host, as the standard says.
  static_cast<void>(clEnqueueMapBuffer(queue, m_mem.get(), CL_FALSE, CL_MAP_READ | CL_MAP_WRITE, 0,
                                       std::max<std::size_t>(m_bytes, 1), 0, nullptr, event, &code));
  if (code != CL_SUCCESS) return m_context->failed("mapping a buffer", code);
  m_mapped = true;
  return {};
}

Result<void> OpenClBuffer::unmap(cl_command_queue queue, cl_event* event) const {
  const cl_int code = clEnqueueUnmapMemObject(queue, m_mem.get(), m_host, 0, nullptr, event);
  if (code != CL_SUCCESS) return m_context->failed("unmapping a buffer", code);
  m_mapped = false;
  return {};
}

OpenClBuffer::~OpenClBuffer() {
  if (!m_mapped) return;
  const auto queue = m_context->createQueue(false);
  if (queue.ok() && unmap(queue->get(), nullptr).ok()) clFinish(queue->get());
}

} // namespace tandem::opencl
