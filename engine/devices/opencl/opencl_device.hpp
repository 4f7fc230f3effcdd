// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device.hpp"
#include "engine/devices/opencl/detail/kernel_library.hpp"
#include "engine/devices/opencl/tuning/preset.hpp"
#include "engine/devices/opencl/tuning/tuning_database.hpp"

#include <atomic>
#include <cstdlib>

namespace tandem::opencl {

enum class KernelStyle { Cpu, Gpu };

/// How the host sees a device's memory.
enum class MemoryKind {
  Shared,  ///< as its own: neither copies nor commands are needed (measured)
  Mapped,  ///< as its own between a map and an unmap
  Discrete ///< not at all: everything is copied
};

/// What a context is opened from: at enumeration, and anew after it broke.
struct ContextRecipe {
  DeviceInfo info;
  cl_platform_id platform = nullptr;
  cl_device_id device = nullptr;
  std::shared_ptr<const SubDeviceHandle> subDevice; ///< set where `device` was made by clCreateSubDevices
  KernelStyle style = KernelStyle::Gpu;
  std::size_t buildsAtOnce = 0;           ///< as OpenClOptions::buildsAtOnce
  std::optional<MemoryKind> memory;       ///< empty: to be found out
  std::shared_ptr<TuningDatabase> tuning; ///< of the device, whatever becomes of its contexts
  std::filesystem::path cacheDirectory;   ///< empty: built programs are not kept
};

/// What one OpenCL device is made of. Everything made from the context shares its ownership, so that a broken one goes
/// with the last of its children.
struct DeviceContext {
  DeviceInfo info;
  std::shared_ptr<const SubDeviceHandle> subDevice;
  cl_device_id device = nullptr;
  ContextHandle context;
  KernelStyle style = KernelStyle::Gpu;
  KernelPreset preset;
  std::size_t subBufferAlignment = 128;
  std::size_t maxWorkGroup = 1;
  bool float64 = false;  ///< the device computes in double precision
  bool hasTimer = false; ///< readDeviceTimer() works
  MemoryKind memory = MemoryKind::Discrete;
  std::unique_ptr<KernelLibrary> library;
  std::shared_ptr<TuningDatabase> tuning;
  /// Set by failures after which nothing of this context can be trusted; its device then opens another.
  mutable std::atomic<bool> broken{false};
  mutable std::mutex reasonMutex;
  mutable std::string reason; ///< the first of those failures

  Result<QueueHandle> createQueue(bool profiling) const;
  /// clFailed() on this device, which notes what breaks the context.
  Error failed(std::string_view what, cl_int code) const;
  /// The same for waiting: the results of what was queued are lost, and drivers then refuse the context for good.
  Error waitFailed(std::string_view what, cl_int code) const;
  /// The same for memory: says how much was wanted and how much there is. "allocating <what> failed with ...".
  Error allocationFailed(std::string_view what, std::int64_t bytes, cl_int code) const;
  /// Ok, or that this context broke and its work has to be compiled anew.
  Result<void> checkUsable() const;
  std::string whatBroke() const;
  void noteBroken(const Error& error) const;
};

Result<std::shared_ptr<const DeviceContext>> openContext(const ContextRecipe& recipe);

class OpenClDevice final : public Device {
 public:
  OpenClDevice(ContextRecipe recipe, std::shared_ptr<const DeviceContext> context);
  const DeviceInfo& info() const override { return m_recipe.info; }
  Support supports(const Graph& graph, NodeId node) const override;
  Result<std::unique_ptr<Buffer>> allocate(std::size_t bytes) override;
  Result<std::unique_ptr<Buffer>> adopt(void* memory, std::size_t bytes) override;
  Result<std::unique_ptr<Buffer>> allocateStaging(std::size_t bytes) override;
  Result<std::unique_ptr<Stream>> createStream(const StreamOptions& options) override;
  Result<std::shared_ptr<const Program>> compile(const Segment& segment, const ProgramOptions& options) override;
  Result<ProbeResult> probe(const CancelToken& cancel) override;
  Result<TuneReport> tune(const Segment& segment, const ProgramOptions& options, const TuneOptions& tuning) override;
  void forgetTuning() override { m_recipe.tuning->clear(); }
  /// The context that new work belongs to. One that broke is opened anew once; after that the device counts as lost,
  /// until devices are enumerated again.
  Result<std::shared_ptr<const DeviceContext>> usableContext();
  /// Programs built and loaded by all contexts so far.
  std::pair<int, int> buildCounts() const;

 private:
  const ContextRecipe m_recipe;
  const bool m_float64;
  const MemoryKind m_memory;
  mutable std::mutex m_mutex;
  std::shared_ptr<const DeviceContext> m_context; ///< null once it broke and was not opened again
  bool m_reopened = false;
  std::string m_lastFailure; ///< what broke the last context
  std::pair<int, int> m_earlierCounts{0, 0};
};

/// The last command on a buffer of one of a stream's queues, for the other queue to wait for. Of value until that
/// stream finished.
struct Fence {
  EventHandle event;
  const Stream* stream = nullptr;
  std::uint64_t epoch = 0; ///< how often the stream had finished
};

class OpenClBuffer final : public Buffer {
 public:
  static Result<std::unique_ptr<OpenClBuffer>> create(OpenClDevice& device,
                                                      std::shared_ptr<const DeviceContext> context, std::size_t bytes);
  /// On memory of somebody else, who outlives the buffer. Not on discrete devices.
  static Result<std::unique_ptr<OpenClBuffer>> adopt(OpenClDevice& device, std::shared_ptr<const DeviceContext> context,
                                                     void* memory, std::size_t bytes);
  ~OpenClBuffer() override;
  Device& device() const override { return m_device; }
  std::size_t bytes() const override { return m_bytes; }
  void* hostData() const override { return m_host; }
  cl_mem mem() const { return m_mem.get(); }
  const std::shared_ptr<const DeviceContext>& context() const { return m_context; }

  // --- MemoryKind::Mapped: whose turn it is. One thread at a time, as the stream.
  bool isMapped() const { return m_mapped; }
  /// Enqueues what gives the memory to the host, or back. `event` may be null.
  Result<void> map(cl_command_queue queue, cl_event* event) const;
  Result<void> unmap(cl_command_queue queue, cl_event* event) const;

  // --- MemoryKind::Discrete: what the two queues of a stream have to wait for.
  Fence& copied() const { return m_copied; }
  Fence& computed() const { return m_computed; }

 private:
  OpenClBuffer(OpenClDevice& device, std::shared_ptr<const DeviceContext> context, std::size_t bytes)
      : m_device(device),
        m_context(std::move(context)),
        m_bytes(bytes) {}
  Result<void> wrapHostMemory();

  OpenClDevice& m_device;
  std::shared_ptr<const DeviceContext> m_context;
  std::size_t m_bytes;
  void* m_host = nullptr;
  std::unique_ptr<void, decltype(&std::free)> m_owned{nullptr, &std::free}; ///< m_host, where it is not adopted
  MemHandle m_mem;
  mutable bool m_mapped = false;
  mutable Fence m_copied, m_computed;
};

/// The device's clock now, the one of its events; nullopt where its driver has no such timer.
std::optional<std::int64_t> readDeviceTimer(cl_device_id device);

Result<ProbeResult> probeDevice(const DeviceContext& context, const CancelToken& cancel);

} // namespace tandem::opencl
