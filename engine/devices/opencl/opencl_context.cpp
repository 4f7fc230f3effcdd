// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/detail/device_facts.hpp"
#include "engine/devices/opencl/opencl_device.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace tandem::opencl {
namespace {

/// Drivers say these of a context, queue or device that is gone; -9999 is NVIDIA's for a kernel that touched memory
/// which is not its own, after which the context refuses everything.
bool breaksContext(cl_int code) {
  constexpr cl_int kIllegalAccess = -9999;
  constexpr std::array kCodes{CL_DEVICE_NOT_AVAILABLE, CL_INVALID_CONTEXT, CL_INVALID_COMMAND_QUEUE, CL_INVALID_DEVICE,
                              kIllegalAccess};
  return std::find(kCodes.begin(), kCodes.end(), code) != kCodes.end();
}

std::string megabytes(std::int64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MB", static_cast<double>(bytes) * 1e-6);
  return text;
}

/// Does a kernel-side write show up in CL_MEM_USE_HOST_PTR memory, and a host write on the device, without mapping?
/// True on PoCL and other CPU drivers; OpenCL does not promise it, hence the trial.
bool hostMemoryIsDeviceMemory(const DeviceContext& context) {
  constexpr std::size_t kBytes = 4096;
  alignas(4096) static thread_local unsigned char host[kBytes];
  auto queue = context.createQueue(false);
  if (!queue.ok()) return false;
  cl_int code = CL_SUCCESS;
  const MemHandle mem(
      clCreateBuffer(context.context.get(), CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR, kBytes, host, &code));
  if (code != CL_SUCCESS) return false;
  const cl_uint pattern = 0x5a17c0deu;
  if (clEnqueueFillBuffer(queue->get(), mem.get(), &pattern, sizeof pattern, 0, kBytes, 0, nullptr, nullptr) !=
          CL_SUCCESS ||
      clFinish(queue->get()) != CL_SUCCESS)
    return false;
  cl_uint seen = 0;
  std::copy_n(host + kBytes - sizeof seen, sizeof seen, reinterpret_cast<unsigned char*>(&seen));
  if (seen != pattern) return false;
  host[7] = 0x42;
  unsigned char read = 0;
  if (clEnqueueReadBuffer(queue->get(), mem.get(), CL_TRUE, 7, 1, &read, 0, nullptr, nullptr) != CL_SUCCESS)
    return false;
  return read == 0x42;
}

MemoryKind memoryOf(const DeviceContext& context) {
  if (!context.info.unifiedMemory) return MemoryKind::Discrete;
  const bool isCpu = context.info.kind == DeviceKind::OpenClCpu;
  return isCpu && hostMemoryIsDeviceMemory(context) ? MemoryKind::Shared : MemoryKind::Mapped;
}

/// Does "OpenCL 2.1 ..." say 2.1 or more?
bool isSince21(const std::string& version) {
  int major = 0;
  int minor = 0;
  return std::sscanf(version.c_str(), "OpenCL %d.%d", &major, &minor) == 2 && (major > 2 || (major == 2 && minor > 0));
}

} // namespace

Result<QueueHandle> DeviceContext::createQueue(bool profiling) const {
  cl_int code = CL_SUCCESS;
  QueueHandle queue(clCreateCommandQueue(context.get(), device, profiling ? CL_QUEUE_PROFILING_ENABLE : 0, &code));
  if (code != CL_SUCCESS) return failed("clCreateCommandQueue", code);
  return queue;
}

Error DeviceContext::failed(std::string_view what, cl_int code) const {
  Error error = clFailed(what, code, info.id);
  if (breaksContext(code)) noteBroken(error);
  return error;
}

void DeviceContext::noteBroken(const Error& error) const {
  std::lock_guard lock(reasonMutex);
  if (!broken.exchange(true)) reason = error.message;
}

std::string DeviceContext::whatBroke() const {
  std::lock_guard lock(reasonMutex);
  return reason;
}

Error DeviceContext::waitFailed(std::string_view what, cl_int code) const {
  Error error = clFailed(what, code, info.id);
  noteBroken(error);
  error.hint = "what ran there is lost, and the device is set up anew for the next run; if it fails again, use another "
               "device, a smaller batch, or another driver";
  return error;
}

Error DeviceContext::allocationFailed(std::string_view what, std::int64_t bytes, cl_int code) const {
  Error error = failed("allocating " + std::string(what), code);
  error.message += ": it needs " + megabytes(bytes) + ", the device has " + megabytes(info.memoryBytes);
  if (info.maxAllocationBytes > 0) error.message += ", at most " + megabytes(info.maxAllocationBytes) + " in one piece";
  error.hint = "use a smaller batch, fewer replicas, smaller inputs or another device";
  return error;
}

Result<void> DeviceContext::checkUsable() const {
  if (!broken) return {};
  return makeError(ErrorCode::DeviceFailed,
                   "the device failed before (" + whatBroke() + "), and what was compiled for it is lost", info.id,
                   "run again: the model is compiled anew");
}

Result<std::shared_ptr<const DeviceContext>> openContext(const ContextRecipe& recipe) {
  auto context = std::make_shared<DeviceContext>();
  context->info = recipe.info;
  context->subDevice = recipe.subDevice;
  context->device = recipe.device;
  context->style = recipe.style;
  cl_int code = CL_SUCCESS;
  const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM,
                                              reinterpret_cast<cl_context_properties>(recipe.platform), 0};
  context->context = ContextHandle(clCreateContext(properties, 1, &recipe.device, nullptr, nullptr, &code));
  if (code != CL_SUCCESS) return clFailed("clCreateContext", code, recipe.info.id);
  const auto alignBits = deviceNumber<cl_uint>(recipe.device, CL_DEVICE_MEM_BASE_ADDR_ALIGN, 4096 * 8);
  context->subBufferAlignment = std::max<std::size_t>(alignBits / 8, 64);
  context->maxWorkGroup = deviceNumber<std::size_t>(recipe.device, CL_DEVICE_MAX_WORK_GROUP_SIZE, 1);
  context->float64 = deviceNumber<cl_device_fp_config>(recipe.device, CL_DEVICE_DOUBLE_FP_CONFIG, 0) != 0;
  context->preset = recipe.style == KernelStyle::Cpu ? cpuPreset() : gpuPreset(recipe.info.vendor);
  context->memory = recipe.memory ? *recipe.memory : memoryOf(*context);
  context->info.hostMemory = context->memory != MemoryKind::Discrete;
  // Below 2.1 the loader has nothing to call.
  context->hasTimer = isSince21(platformText(recipe.platform, CL_PLATFORM_VERSION)) &&
                      isSince21(deviceText(recipe.device, CL_DEVICE_VERSION)) && readDeviceTimer(recipe.device);
  context->tuning = recipe.tuning;
  context->library =
      std::make_unique<KernelLibrary>(*context, programKey(recipe), recipe.cacheDirectory, recipe.buildsAtOnce);
  return std::shared_ptr<const DeviceContext>(std::move(context));
}

} // namespace tandem::opencl
