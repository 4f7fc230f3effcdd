// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/simulated/presets.hpp"

#include <array>
#include <mutex>

namespace tandem {

/// Failures on demand, for testing what happens around a device that fails. Thread-safe; affects work that starts
/// afterwards.
class SimulatedFailures {
 public:
  /// `kernels` more kernels succeed, then one fails with DeviceFailed.
  void failAfter(int kernels);
  /// `kernels` more kernels run, then one hangs until `release` is cancelled, and reports Cancelled.
  void hangAfter(int kernels, CancelToken release);
  /// Kernels take `factor` times as long from now on; 1: as before.
  void slowDown(double factor);
  /// Allocations beyond this many bytes in all fail with DeviceFailed, as memory running out does.
  void limitMemory(std::int64_t bytes);
  /// From now on everything fails with DeviceFailed, as after a driver reset.
  void loseDevice();
  /// Forgets all of the above.
  void clear();

 private:
  friend class SimulatedDevice;
  mutable std::mutex m_mutex;
  int m_failIn = -1; ///< kernels until the failure; negative: none
  int m_hangIn = -1;
  CancelToken m_release;
  std::optional<std::int64_t> m_memoryLimit;
  bool m_lost = false;
  double m_slowness = 1;
};

/// A device that is not here: computes with the reference kernels, so results are right, on a virtual clock that goes
/// as fast as a preset says (roofline of every kernel, latency and bandwidth of every copy). Streams of one device
/// share one compute engine and one copy engine for each direction, as streams of a GPU do: what one stream copies goes
/// on beside what another computes. The virtual clock starts at the creation of the device; trace events carry its
/// times, so they do not line up with those of real devices.
class SimulatedDevice final : public Device {
 public:
  /// `presetId` with or without "SIM:". Fails with Usage, naming the presets, for an unknown one.
  static Result<std::unique_ptr<SimulatedDevice>> create(std::string_view presetId);
  explicit SimulatedDevice(const SimulatedPreset& preset);

  const DeviceInfo& info() const override { return m_info; }
  Support supports(const Graph& graph, NodeId node) const override;
  Result<std::unique_ptr<Buffer>> allocate(std::size_t bytes) override;
  Result<std::unique_ptr<Buffer>> adopt(void* memory, std::size_t bytes) override;
  Result<std::unique_ptr<Stream>> createStream(const StreamOptions& options) override;
  Result<std::shared_ptr<const Program>> compile(const Segment& segment, const ProgramOptions& options) override;
  /// What the preset says; nothing is measured.
  Result<ProbeResult> probe(const CancelToken& cancel) override;

  SimulatedFailures& failures() { return m_failures; }
  std::int64_t allocatedBytes() const;
  /// Virtual nanoseconds until which the device is busy with what was enqueued so far.
  std::int64_t virtualNs() const;

  // --- for its own streams and programs
  enum class Engine { Compute, Upload, Download };
  struct Span {
    std::int64_t startNs = 0; ///< virtual
    std::int64_t endNs = 0;
  };
  /// Occupies an engine for `milliseconds`, not before `readyNs` and not before it is free.
  Span occupy(Engine engine, std::int64_t readyNs, double milliseconds);
  std::int64_t epochNs() const { return m_epochNs; } ///< nowNs() at virtual time 0
  const ProbeResult& speed() const { return m_speed; }
  /// Counts `bytes` as used; fails where they do not fit. Undo with release().
  Result<void> reserve(std::int64_t bytes);
  void release(std::int64_t bytes);
  double slowness() const;
  /// Takes the failures into account: called before every kernel (`kernel`) and every other command.
  Result<void> admit(bool kernel, const CancelToken& cancel);

 private:
  Error lost() const;

  DeviceInfo m_info;
  ProbeResult m_speed;
  std::int64_t m_epochNs = 0;
  SimulatedFailures m_failures;
  mutable std::mutex m_mutex;             ///< guards what follows
  std::array<std::int64_t, 3> m_freeNs{}; ///< by engine: virtual time at which it is done
  std::int64_t m_allocated = 0;
};

/// The virtual time that the stream's work has reached; 0 for a stream of another kind of device.
std::int64_t virtualNs(const Stream& stream);

} // namespace tandem
