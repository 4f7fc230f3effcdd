// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/simulated/simulated_device.hpp"
#include "engine/tensor/tensor.hpp"

/// Private to devices/simulated.
namespace tandem {

/// Host memory that plays device memory: the host does not see it, except on a device with unified memory.
class SimulatedBuffer final : public Buffer {
 public:
  SimulatedBuffer(SimulatedDevice& device, std::int64_t bytes)
      : m_device(device),
        m_memory(Tensor::uninitialized({DataType::UInt8, Shape{bytes}})),
        m_reserved(bytes) {}
  /// On memory of somebody else.
  SimulatedBuffer(SimulatedDevice& device, void* memory, std::int64_t bytes)
      : m_device(device),
        m_memory(Tensor::wrap({DataType::UInt8, Shape{bytes}}, memory, nullptr)) {}
  ~SimulatedBuffer() override { m_device.release(m_reserved); }
  SimulatedBuffer(const SimulatedBuffer&) = delete;
  SimulatedBuffer& operator=(const SimulatedBuffer&) = delete;
  Device& device() const override { return m_device; }
  std::size_t bytes() const override { return m_memory.bytes(); }
  void* hostData() const override { return m_device.info().unifiedMemory ? memory() : nullptr; }
  void* memory() const { return Tensor(m_memory).mutableData(); }

 private:
  SimulatedDevice& m_device;
  Tensor m_memory;
  std::int64_t m_reserved = 0;
};

/// Works on the calling thread; only its virtual clock differs from a CPU's.
class SimulatedStream final : public Stream {
 public:
  SimulatedStream(SimulatedDevice& device, CpuSet hostCores) : m_device(device), m_hostCores(std::move(hostCores)) {}
  Device& device() const override { return m_device; }
  void attachCurrentThread() override {
    if (!m_hostCores.empty()) pinCurrentThread(m_hostCores);
  }
  Result<void> write(Buffer& dst, const void* src, std::size_t bytes) override;
  Result<void> read(const Buffer& src, void* dst, std::size_t bytes) override;
  Result<void> finish() override;
  void setTrace(TraceRecorder* recorder, TraceWriter* writer, std::uint64_t request) override;

  /// Lets one kernel pass on the virtual clock; the caller computes it. Fails as the injected failures say.
  Result<void> runKernel(const Node& node, double milliseconds, const CancelToken& cancel);
  std::int64_t virtualNs() const { return m_virtualNs; }
  const std::optional<Error>& failure() const { return m_failure; }

 private:
  Result<void> copy(SimulatedDevice::Engine engine, std::size_t bytes, double milliseconds, const char* what);
  Error fail(Error error);
  void record(SimulatedDevice::Span span, const std::string& label, TraceKind kind, std::int64_t bytes, NodeId node);

  SimulatedDevice& m_device;
  CpuSet m_hostCores;
  std::int64_t m_virtualNs = 0;
  std::optional<Error> m_failure; ///< the first since finish()
  TraceRecorder* m_recorder = nullptr;
  TraceWriter* m_writer = nullptr;
  std::uint64_t m_request = 0;
};

Result<std::shared_ptr<const Program>> makeSimulatedProgram(SimulatedDevice& device, const Segment& segment,
                                                            const ProgramOptions& options);

} // namespace tandem
