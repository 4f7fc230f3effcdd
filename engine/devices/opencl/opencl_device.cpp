// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/opencl_device.hpp"

#include "engine/devices/opencl/kernels/kernel_def.hpp"
#include "engine/devices/opencl/opencl_program.hpp"
#include "engine/devices/opencl/opencl_stream.hpp"

#include <cstdlib>

namespace tandem::opencl {
namespace {

/// Alignment of host-visible buffers: a page, so that no driver copies.
constexpr std::size_t kPage = 4096;

} // namespace

OpenClDevice::OpenClDevice(ContextRecipe recipe, std::shared_ptr<const DeviceContext> context)
    : m_recipe(std::move(recipe)),
      m_float64(context->float64),
      m_context(std::move(context)) {}

Support OpenClDevice::supports(const Graph& graph, NodeId node) const {
  return checkNode({graph, graph.node(node), m_float64});
}

Result<std::unique_ptr<Buffer>> OpenClDevice::allocate(std::size_t bytes) {
  auto context = TANDEM_TRY(usableContext());
  return std::unique_ptr<Buffer>(TANDEM_TRY(OpenClBuffer::create(*this, std::move(context), bytes)));
}

Result<std::unique_ptr<Stream>> OpenClDevice::createStream(const StreamOptions&) {
  auto context = TANDEM_TRY(usableContext());
  return std::unique_ptr<Stream>(TANDEM_TRY(OpenClStream::create(*this, std::move(context))));
}

Result<std::shared_ptr<const Program>> OpenClDevice::compile(const Segment& segment, const ProgramOptions& options) {
  return OpenClProgram::create(*this, TANDEM_TRY(usableContext()), segment, options);
}

Result<ProbeResult> OpenClDevice::probe(const CancelToken& cancel) {
  const auto context = TANDEM_TRY(usableContext());
  return probeDevice(*context, cancel);
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
  std::unique_ptr<OpenClBuffer> buffer(new OpenClBuffer(device, std::move(shared), bytes));
  if (bytes > SIZE_MAX - kPage) return context.allocationFailed("a buffer", INT64_MAX, CL_INVALID_BUFFER_SIZE);
  const std::size_t size = (std::max<std::size_t>(bytes, 1) + kPage - 1) / kPage * kPage;
  const auto wanted = static_cast<std::int64_t>(bytes);
  // The last page may be cut off where it would be what is too large.
  if (context.info.maxAllocationBytes > 0 && wanted > context.info.maxAllocationBytes)
    return context.allocationFailed("a buffer", wanted, CL_INVALID_BUFFER_SIZE);
  cl_int code = CL_SUCCESS;
  if (context.hostVisible) {
    buffer->m_host = std::aligned_alloc(kPage, size);
    if (!buffer->m_host) return context.allocationFailed("a buffer", wanted, CL_OUT_OF_HOST_MEMORY);
    buffer->m_mem = MemHandle(
        clCreateBuffer(context.context.get(), CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR, size, buffer->m_host, &code));
  } else {
    buffer->m_mem = MemHandle(clCreateBuffer(context.context.get(), CL_MEM_READ_WRITE, size, nullptr, &code));
  }
  if (code != CL_SUCCESS) return context.allocationFailed("a buffer", wanted, code);
  return buffer;
}

OpenClBuffer::~OpenClBuffer() {
  m_mem.reset();
  std::free(m_host);
}

} // namespace tandem::opencl
