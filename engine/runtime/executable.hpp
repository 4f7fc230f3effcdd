// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device.hpp"
#include "engine/passes/pass_runner.hpp"
#include "engine/runtime/bind_inputs.hpp"
#include "engine/runtime/busy_meter.hpp"
#include "engine/runtime/device_turns.hpp"
#include "engine/runtime/segments.hpp"

#include <set>

namespace tandem {

struct CompileOptions {
  bool compiled = true;  ///< false: eager; only shape arithmetic is folded, nothing is fused, layouts stay plain
  int threads = 0;       ///< per kernel on native CPUs; 0 = all cores of the device
  CpuSet hostCores = {}; ///< where threads that feed accelerators work; empty: where the system puts them
  std::set<std::string, std::less<>> disabledPasses;
  CancelToken cancel;
  CompileProgress progress = {}; ///< may be empty
  /// Where set, devices measure their choices between kernels first (Device::tune); the budget is for all segments.
  std::optional<TuneOptions> tune;
  /// Float16 holds for the nodes on devices with DeviceInfo::halfWeights; checkPrecision() says whether there are any.
  Precision precision = Precision::Model;
};

/// Unsupported where Float16 is asked for and none of these devices has it. Null pointers do not count.
Result<void> checkPrecision(Precision precision, const std::vector<Device*>& devices);

/// What tuning a segment gave.
struct SegmentTuning {
  Device* device = nullptr;
  TuneReport report; ///< its nodes are those of the executable's graph
};

/// Memory of an executable on one device.
struct ExecutableMemory {
  Device* device = nullptr;
  std::int64_t weightsBytes = 0;     ///< once per executable
  std::int64_t activationsBytes = 0; ///< per slot
  std::int64_t stagingBytes = 0;     ///< per slot: buffers at segment borders
  WeightPieces pieces;               ///< of weightsBytes: what other executables may hold as well
};

/// Which kernel computes which nodes.
struct KernelUse {
  std::vector<NodeId> openedNodes; ///< ids in the graph the user opened
  Device* device = nullptr;
  std::string kernel;
  bool isReference = false;
};

/// What crosses devices in one run, as planned.
struct PlannedTransfer {
  std::string value;
  Device* from = nullptr; ///< nullptr: the host (model inputs)
  Device* to = nullptr;   ///< nullptr: the host (model outputs)
  std::int64_t bytes = 0;
};

class ExecutionSlot;

/// A graph with a device for every node, compiled: segments as device programs, weights resident. Immutable; any
/// thread may create slots. The devices must outlive it.
class Executable : public std::enable_shared_from_this<Executable> {
 public:
  /// `deviceOf` is indexed by node of `bound.graph`; each device supports its nodes. `host` computes what has a shape
  /// known only while running, and must be a native CPU. May take long: kernels are compiled.
  static Result<std::shared_ptr<const Executable>> compile(BoundGraph bound, std::vector<Device*> deviceOf,
                                                           Device& host, const CompileOptions& options);

  /// After the passes. Large constants that only programs read are there in their forms, and no longer here.
  const Graph& graph() const { return m_graph; }
  const std::vector<PlannedSegment>& segments() const { return m_segments; }
  const std::vector<std::shared_ptr<const Program>>& programs() const { return m_programs; } ///< null where dynamic
  Device& host() const { return *m_host; }
  const CompileOptions& options() const { return m_options; }
  const std::vector<PassReport>& passes() const { return m_passes; }
  std::vector<Device*> devices() const; ///< every device that computes, in order of first use
  const std::vector<ExecutableMemory>& memory() const { return m_memory; }
  const std::vector<SegmentTuning>& tuning() const {
    return m_tuning;
  } ///< where asked for: one per segment with choices
  std::vector<KernelUse> kernels() const;
  std::vector<PlannedTransfer> transfers() const;
  double compileMs() const { return m_compileMs; }

  /// Activations, streams and buffers for one request in flight. `meters` and `turns` may be null; they must outlive
  /// the slot. With `turns`, slots of an executable with several devices take turns on those that compute on the host,
  /// and the calling thread moves to the cores of the device whose turn it has.
  Result<std::unique_ptr<ExecutionSlot>> createSlot(BusyMeters* meters = nullptr, DeviceTurns* turns = nullptr) const;

 private:
  Executable() = default;
  Result<void> optimize(const std::vector<Device*>& deviceOf, const std::map<ValueId, Tensor>& known);
  Result<void> build(const std::vector<Device*>& deviceOf);
  Result<void> tune(const PlannedSegment& planned, const ProgramOptions& options, double& budgetSeconds);
  void accountMemory();
  void releaseConstants();

  Graph m_graph;
  Device* m_host = nullptr;
  CompileOptions m_options;
  std::vector<PassReport> m_passes;
  std::vector<PlannedSegment> m_segments;
  std::vector<std::shared_ptr<const Program>> m_programs;
  std::vector<SegmentTuning> m_tuning;
  std::vector<ExecutableMemory> m_memory;
  double m_compileMs = 0;
};

} // namespace tandem
