// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/runtime/host_runner.hpp"
#include "engine/runtime/slot_plan.hpp"

namespace tandem {

/// Where the time of one run went. Kernel and transfer times come from device events and are set for traced runs only.
struct RunTimes {
  std::int64_t totalNs = 0;
  std::int64_t transferNs = 0;
  std::int64_t computeNs = 0;
  bool traced = false;
};

/// The device to which a slot binds the thread that works for it: the first native CPU that computes, else the first
/// device with cores of its own, else the first one. The last is an accelerator, which its thread only feeds. nullptr
/// where nothing computes.
Device* threadDevice(const Executable& executable);

/// One request in flight of an executable: its streams, buffers and activations. One thread at a time.
class ExecutionSlot {
 public:
  ExecutionSlot(std::shared_ptr<const Executable> executable, BusyMeters* meters, DeviceTurns* turns);
  ~ExecutionSlot();
  Result<void> initialize(); ///< allocates; called once by Executable::createSlot

  /// Binds the calling thread to threadDevice(), so that kernels run on it, or to CompileOptions::hostCores.
  void attachCurrentThread();
  /// Memory to write input `index` into before run(); undefined tensor where the model does not read that input.
  Tensor& input(std::size_t index) { return m_inputs[index]; }
  /// Copies `tensors` (graph input order; shapes as bound) into the slot.
  Result<void> setInputs(std::span<const Tensor> tensors);
  /// Runs all segments and waits for the outputs. Fails with Cancelled where `cancel` is set between two steps.
  Result<RunTimes> run(const CancelToken& cancel);
  Result<RunTimes> run() { return run(m_never); }
  /// Result `index` of the last run; valid until the next one.
  const Tensor& output(std::size_t index) const { return m_outputs[index]; }
  std::size_t outputCount() const { return m_outputs.size(); }
  const Executable& executable() const { return *m_executable; }

  /// Records the next runs under `request` until switched off with nullptr; tracks are added to the recorder, one per
  /// device, named `trackPrefix` + device id, at the first call with that recorder. Back to the last recorder, nothing
  /// is allocated.
  void setTrace(TraceRecorder* recorder, const std::string& trackPrefix, std::uint64_t request);

 private:
  struct DeviceState {
    Device* device = nullptr;
    std::unique_ptr<Stream> stream;
    BusyMeter* meter = nullptr;
    DeviceTurn* turn = nullptr; ///< null: any number of slots at a time
    CpuSet cores;               ///< where the calling thread works for it; empty: where it is
    bool busy = false;          ///< entered and not left
    bool hasTurn = false;
    TraceWriter* writer = nullptr;
  };
  Result<void> allocateBuffers();
  Result<void> step(const SlotStep& step, const CancelToken& cancel);
  Result<void> copy(const SlotStep& step);
  Result<void> runDynamic(std::size_t segment, const CancelToken& cancel);
  Result<Tensor> hostTensor(ValueId value, std::size_t buffer) const;
  DeviceState& stateOf(const Device* device);
  void enter(DeviceState& state);
  void leave(DeviceState& state);

  std::shared_ptr<const Executable> m_executable;
  BusyMeters* m_meters;
  DeviceTurns* m_turns;
  const DeviceState* m_pinnedTo = nullptr; ///< of the calling thread, where it follows its turns
  SlotPlan m_plan;
  HostRunner m_hostRunner; ///< dynamic segments
  std::vector<DeviceState> m_devices;
  std::vector<std::unique_ptr<Buffer>> m_staging;     ///< pinned memory below host buffers
  std::vector<std::unique_ptr<Buffer>> m_buffers;     ///< as in the plan
  std::vector<std::unique_ptr<Instance>> m_instances; ///< per segment; null where dynamic
  std::vector<Tensor> m_inputs, m_outputs;
  std::map<ValueId, Tensor> m_dynamic; ///< values whose shape this run found out
  CancelToken m_never;
  TraceRecorder* m_recorder = nullptr;
  std::uint64_t m_tracksOf = 0; ///< id of the recorder that the writers belong to
  std::uint64_t m_request = 0;
};

} // namespace tandem
