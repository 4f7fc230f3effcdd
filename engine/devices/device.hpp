// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/cancel.hpp"
#include "engine/base/cpu_set.hpp"
#include "engine/base/error.hpp"
#include "engine/devices/tuning.hpp"
#include "engine/graph/graph.hpp"
#include "engine/metrics/trace.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tandem {

enum class DeviceKind { NativeCpu, OpenClGpu, OpenClCpu, OpenClAccelerator, Simulated };
std::string_view toString(DeviceKind kind); ///< "cpu", "opencl-gpu", "opencl-cpu", "opencl-accelerator", "simulated"

/// What weights are stored in. Arithmetic is done in float32 either way, and inputs and outputs keep the model's types.
enum class Precision {
  Model,  ///< as the model says
  Float16 ///< weights of convolutions, matrix products and recurrent layers as halves: half the memory, a little error
};
std::string_view toString(Precision precision); ///< "model", "float16"
std::optional<Precision> precisionFrom(std::string_view text);

/// What a micro-benchmark of the device measured; 0 = not measurable on this device.
struct ProbeResult {
  double gflops = 0;       ///< single precision multiply-adds, two operations each
  double memoryGbPerS = 0; ///< device memory, read plus written bytes
  double toDeviceGbPerS = 0;
  double toHostGbPerS = 0;
  double launchUs = 0;    ///< per kernel in a long queue
  double roundTripUs = 0; ///< enqueue one empty kernel and wait for it, median
};

/// Facts about a device, fixed after enumeration except `probe`.
struct DeviceInfo {
  std::string id; ///< "CPU:0", "GPU:0", "OPENCL-CPU:0", "SIM:preset" (DESIGN.md section 5)
  DeviceKind kind = DeviceKind::NativeCpu;
  std::string name; ///< "AMD EPYC 9B45", "NVIDIA H200"
  std::string vendor;
  std::string driver;   ///< driver or library version: "PoCL 3.1", "oneDNN 2.6.3"
  std::string platform; ///< OpenCL platform name and version; empty for the native CPU
  std::string note;     ///< for people: "OpenCL hosted on the CPU; shares cores 0-1 with CPU:0"
  int computeUnits = 0;
  std::int64_t memoryBytes = 0;
  std::int64_t maxAllocationBytes = 0;
  bool unifiedMemory = false; ///< device memory is host memory
  bool hostMemory = false;    ///< buffers have hostData(), and adopt() takes memory of others
  bool float16 = false;       ///< kernels in half precision
  bool int8 = false;          ///< fast kernels for products of 8-bit integers
  bool halfWeights = false;   ///< compile() takes Precision::Float16
  CpuSet cores;               ///< processors the device computes on; empty for a GPU
  std::optional<ProbeResult> probe;
};

/// Why a node is not on the device that was asked for. Texts are part of the contract (DESIGN.md section 6).
enum class MoveReason {
  None,
  UnsupportedOp,        ///< "unsupported op"
  UnsupportedType,      ///< "unsupported data type"
  UnsupportedAttribute, ///< "unsupported attribute"
  ShapeComputation,     ///< "shape computation stays on the host"
  DataDependentShape,   ///< "data-dependent shape stays on the host"
  DeviceHidden,         ///< "device hidden"
  DeviceAbsent,         ///< "device absent"
  OverMemoryLimit,      ///< "over memory limit"
};
std::string_view toString(MoveReason reason);

/// Unsupported, for devices without DeviceInfo::halfWeights.
Error noFloat16(const std::string& deviceId);

/// Can this device run this node? If not, why, with the detail that a person needs.
struct Support {
  MoveReason reason = MoveReason::None;
  std::string detail; ///< no: "Resize with cubic interpolation"; yes: empty
  bool ok() const { return reason == MoveReason::None; }
  static Support yes() { return {}; }
  static Support no(MoveReason reason, std::string detail) { return {reason, std::move(detail)}; }
};

class Device;

/// Memory on one device, aligned for it. Freed with the object; whoever enqueued work on it finishes the stream first.
class Buffer {
 public:
  virtual ~Buffer() = default;
  virtual Device& device() const = 0;
  virtual std::size_t bytes() const = 0;
  /// The elements, where they lie in host memory; else nullptr. They are the host's at first, and again after a
  /// finished Stream::read(buffer, hostData()); Stream::write(buffer, hostData()) and every other command that uses the
  /// buffer hand them to the device. On devices that see each of the host's writes at once those two do nothing.
  virtual void* hostData() const = 0;
};

struct StreamOptions {
  int threads = 0;       ///< native CPU: threads per kernel; 0 = all cores of the device
  CpuSet hostCores = {}; ///< accelerators: where the attached thread works; empty: where the system puts it
};

/// An ordered queue on one device. Used by one thread at a time. Work is done in the order it was enqueued; on a
/// device that computes on the calling thread, a call returns when the work is done.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual Device& device() const = 0;
  /// Makes the calling thread the one that works for this stream (native CPU: pins it to the device's cores and sets
  /// its thread count; OpenCL on CPU: pins it to the same cores; accelerators: pins it to StreamOptions::hostCores,
  /// where there are any). Without it the native CPU runs kernels on a thread of the stream's own.
  virtual void attachCurrentThread() = 0;
  /// Enqueues a copy between host memory and a buffer of this device. `src`/`dst` must stay valid until finish().
  /// With the buffer's own hostData() nothing is copied: it changes hands.
  virtual Result<void> write(Buffer& dst, const void* src, std::size_t bytes) = 0;
  virtual Result<void> read(const Buffer& src, void* dst, std::size_t bytes) = 0;
  /// Waits until everything enqueued is done, and reports the first failure. Afterwards the trace holds its events.
  virtual Result<void> finish() = 0;
  /// Where kernels and transfers are recorded from now on; nullptr (the default) switches profiling off. The request
  /// number goes into the events. The writer must outlive the stream or be replaced.
  virtual void setTrace(TraceRecorder* recorder, TraceWriter* writer, std::uint64_t request) = 0;
  /// Work that a device computes on the calling thread stops between two kernels, with ErrorCode::Cancelled, once
  /// `cancel` is set. Devices that only enqueue have nothing to stop.
  virtual void setCancel(const CancelToken& cancel) { static_cast<void>(cancel); }
};

/// Nodes of a graph that run together on one device. Every value has a static desc. `inputs` are produced outside and
/// not constant; `outputs` are needed outside. Nodes are in topological order.
struct Segment {
  const Graph* graph = nullptr;
  std::vector<NodeId> nodes;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
};

/// Told while kernels are compiled: `done` of `total`, and a text such as "compiling kernel 12 of 40 for GPU:0". Called
/// by one thread at a time, not always the same.
using CompileProgress = std::function<void(std::int64_t done, std::int64_t total, const std::string& text)>;

struct ProgramOptions {
  bool compiled = true; ///< false: eager, one node after the other in plain layout, to show what compilation gives
  int threads = 0;      ///< as StreamOptions::threads; instances run on streams of the same setting
  CancelToken cancel;
  CompileProgress progress = {};          ///< may be empty
  Precision precision = Precision::Model; ///< Float16 only on devices with info().halfWeights; others refuse
};

struct KernelInfo {
  NodeId node;              ///< in the segment's graph
  std::string kernel;       ///< "onednn jit:avx512_core", "eigen", "reference", "opencl conv_tile_8x2"
  bool isReference = false; ///< plain loops: correct, slow
  /// The same for all nodes that one kernel computes; invalid where it computes this one alone.
  NodeId together = {};
};

/// Pieces of weights: what each is known by, and its bytes. A piece that several programs hold is resident once.
using WeightPieces = std::vector<std::pair<const void*, std::int64_t>>;

struct ProgramMemory {
  std::int64_t weightsBytes = 0;     ///< resident once per program, apart from what programs share
  std::int64_t activationsBytes = 0; ///< per instance: the planned arena, scratch included, boundary buffers not
  WeightPieces pieces;               ///< of the weights; empty where they are this program's alone
};

/// One in-flight execution of a program: its activations. Used by one thread at a time.
class Instance {
 public:
  virtual ~Instance() = default;
  /// Enqueues all nodes on `stream` (of the program's device).
  virtual Result<void> run(Stream& stream) = 0;
};

/// A segment compiled for one device: kernels chosen, weights prepared and resident. Immutable, thread-safe.
class Program {
 public:
  virtual ~Program() = default;
  virtual ProgramMemory memory() const = 0;
  virtual const std::vector<KernelInfo>& kernels() const = 0;
  /// Buffers in the order of Segment::inputs and outputs, of this device, row-major, at least desc.bytes() long; they
  /// must outlive the instance. A buffer may be both an input here and an output elsewhere.
  virtual Result<std::unique_ptr<Instance>> instantiate(std::span<Buffer* const> inputs,
                                                        std::span<Buffer* const> outputs) const = 0;
};

/// One piece of hardware, or one core set. Thread-safe. Outlives everything it made.
class Device {
 public:
  virtual ~Device() = default;
  virtual const DeviceInfo& info() const = 0;
  const std::string& id() const { return info().id; }
  /// Values of `node` have their inferred descs; a node with unknown shapes is judged by type and operator alone.
  virtual Support supports(const Graph& graph, NodeId node) const = 0;
  virtual Result<std::unique_ptr<Buffer>> allocate(std::size_t bytes) = 0;
  /// A buffer whose elements are `memory` itself, for devices with info().hostMemory. `memory` is aligned as allocate()
  /// of some device aligned it, and outlives the buffer.
  virtual Result<std::unique_ptr<Buffer>> adopt(void* memory, std::size_t bytes);
  /// Host memory that this device copies from and to at its best (pinned); nullptr where any memory is as good.
  virtual Result<std::unique_ptr<Buffer>> allocateStaging(std::size_t bytes);
  virtual Result<std::unique_ptr<Stream>> createStream(const StreamOptions& options) = 0;
  /// Compiles a segment whose nodes are all supported. May take long (kernel compilation); honours options.cancel.
  virtual Result<std::shared_ptr<const Program>> compile(const Segment& segment, const ProgramOptions& options) = 0;
  /// Measures the kernels that could compute a segment's nodes, and remembers the fastest for every later compile().
  /// Takes as long as the budget allows. Devices without choices report none.
  virtual Result<TuneReport> tune(const Segment& segment, const ProgramOptions& options, const TuneOptions& tuning);
  /// Forgets what tune() measured, in this process and on disk.
  virtual void forgetTuning() {}
  /// Runs the micro-benchmarks (about a second) and returns what they measured.
  virtual Result<ProbeResult> probe(const CancelToken& cancel) = 0;
};

} // namespace tandem
