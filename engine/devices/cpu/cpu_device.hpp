// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/cpu/timing_cache.hpp"
#include "engine/devices/cpu/weights.hpp"
#include "engine/devices/device.hpp"

namespace tandem::cpu {

/// Host memory as a device's buffer.
class CpuBuffer final : public Buffer {
 public:
  CpuBuffer(Device& device, AlignedMemory memory)
      : m_device(device),
        m_memory(std::move(memory)),
        m_data(m_memory.data()),
        m_bytes(m_memory.bytes()) {}
  /// Memory of somebody else, who outlives the buffer.
  CpuBuffer(Device& device, void* data, std::size_t bytes) : m_device(device), m_data(data), m_bytes(bytes) {}
  Device& device() const override { return m_device; }
  std::size_t bytes() const override { return m_bytes; }
  void* hostData() const override { return m_data; }

 private:
  Device& m_device;
  AlignedMemory m_memory;
  void* m_data;
  std::size_t m_bytes;
};

/// One set of cores of this machine.
class CpuDevice final : public Device {
 public:
  CpuDevice(DeviceInfo info, std::shared_ptr<TimingCache> timings)
      : m_info(std::move(info)),
        m_timings(std::move(timings)) {}
  const DeviceInfo& info() const override { return m_info; }
  Support supports(const Graph& graph, NodeId node) const override;
  Result<std::unique_ptr<Buffer>> allocate(std::size_t bytes) override;
  Result<std::unique_ptr<Buffer>> adopt(void* memory, std::size_t bytes) override;
  Result<std::unique_ptr<Stream>> createStream(const StreamOptions& options) override;
  Result<std::shared_ptr<const Program>> compile(const Segment& segment, const ProgramOptions& options) override;
  Result<ProbeResult> probe(const CancelToken& cancel) override { return probe(0, cancel); }
  /// The same with as many threads as kernels would use; 0 = all cores.
  Result<ProbeResult> probe(int threads, const CancelToken& cancel);

 private:
  /// Microseconds from giving the stream's own thread something to do until it is done, median.
  Result<double> measureRoundTrip();
  Error outOfMemory(std::size_t bytes) const;
  DeviceInfo m_info;
  std::shared_ptr<TimingCache> m_timings; ///< shared by the devices of the process
};

/// Measures the cores the calling thread is pinned to.
Result<ProbeResult> probeCores(int threads, const CancelToken& cancel);

} // namespace tandem::cpu
