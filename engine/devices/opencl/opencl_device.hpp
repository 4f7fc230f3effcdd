// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device.hpp"
#include "engine/devices/opencl/detail/kernel_library.hpp"
#include "engine/devices/opencl/tuning/preset.hpp"
#include "engine/devices/opencl/tuning/tuning_database.hpp"

namespace tandem::opencl {

enum class KernelStyle { Cpu, Gpu };

/// What one OpenCL device is made of; shared by its buffers, streams and programs, which it outlives.
struct DeviceContext {
  DeviceInfo info;
  SubDeviceHandle subDevice; ///< set where `device` was made by clCreateSubDevices
  cl_device_id device = nullptr;
  ContextHandle context;
  KernelStyle style = KernelStyle::Gpu;
  KernelPreset preset;
  std::size_t subBufferAlignment = 128;
  std::size_t maxWorkGroup = 1;
  bool float64 = false;     ///< the device computes in double precision
  bool hostVisible = false; ///< CL_MEM_USE_HOST_PTR memory is the device's memory (measured)
  std::unique_ptr<KernelLibrary> library;
  std::unique_ptr<TuningDatabase> tuning;

  Result<QueueHandle> createQueue(bool profiling) const;
};

class OpenClDevice final : public Device {
 public:
  explicit OpenClDevice(std::unique_ptr<DeviceContext> context) : m_context(std::move(context)) {}
  const DeviceInfo& info() const override { return m_context->info; }
  Support supports(const Graph& graph, NodeId node) const override;
  Result<std::unique_ptr<Buffer>> allocate(std::size_t bytes) override;
  Result<std::unique_ptr<Stream>> createStream(const StreamOptions& options) override;
  Result<std::shared_ptr<const Program>> compile(const Segment& segment, const ProgramOptions& options) override;
  Result<ProbeResult> probe(const CancelToken& cancel) override;
  const DeviceContext& context() const { return *m_context; }

 private:
  std::unique_ptr<DeviceContext> m_context;
};

class OpenClBuffer final : public Buffer {
 public:
  static Result<std::unique_ptr<OpenClBuffer>> create(OpenClDevice& device, std::size_t bytes);
  ~OpenClBuffer() override;
  Device& device() const override { return m_device; }
  std::size_t bytes() const override { return m_bytes; }
  void* hostData() const override { return m_host; }
  cl_mem mem() const { return m_mem.get(); }

 private:
  OpenClBuffer(OpenClDevice& device, std::size_t bytes) : m_device(device), m_bytes(bytes) {}
  OpenClDevice& m_device;
  std::size_t m_bytes;
  void* m_host = nullptr;
  MemHandle m_mem;
};

Result<ProbeResult> probeDevice(const DeviceContext& context, const CancelToken& cancel);

} // namespace tandem::opencl
