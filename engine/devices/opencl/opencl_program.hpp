// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/opencl/lowering.hpp"
#include "engine/devices/opencl/opencl_stream.hpp"

namespace tandem::opencl {

class OpenClProgram final : public Program, public std::enable_shared_from_this<OpenClProgram> {
 public:
  static Result<std::shared_ptr<const Program>> create(OpenClDevice& device,
                                                       std::shared_ptr<const DeviceContext> context,
                                                       const Segment& segment, const ProgramOptions& options);
  /// The same with kernels chosen by `policy`.
  static Result<std::shared_ptr<const OpenClProgram>> create(OpenClDevice& device,
                                                             std::shared_ptr<const DeviceContext> context,
                                                             const Segment& segment, const ProgramOptions& options,
                                                             ChoicePolicy& policy);
  ProgramMemory memory() const override { return m_memory; }
  const std::vector<KernelInfo>& kernels() const override { return m_kernels; }
  Result<std::unique_ptr<Instance>> instantiate(std::span<Buffer* const> inputs,
                                                std::span<Buffer* const> outputs) const override;

  OpenClDevice& device() const { return m_device; }
  const DeviceContext& context() const { return *m_context; }
  const std::vector<Step>& steps() const { return m_steps; }
  const std::vector<cl_program>& programs() const { return m_programs; }
  const std::vector<MemHandle>& weights() const { return m_weights; }
  const std::vector<ArenaRequest>& arenaRequests() const { return m_requests; }
  const ArenaPlan& arena() const { return m_arena; }
  bool hasChecks() const { return m_hasChecks; }
  const std::deque<NodeChoice>& choices() const { return m_choices; }
  /// Kernels rely on zeros in the arena that none of them writes.
  bool startsAsZeros() const { return m_startsAsZeros; }

 private:
  OpenClProgram(OpenClDevice& device, std::shared_ptr<const DeviceContext> context)
      : m_device(device),
        m_context(std::move(context)) {}
  Result<void> checkMemory(const std::vector<WeightData>& weights) const;
  Result<void> build(const ProgramOptions& options);
  Result<void> upload(std::vector<WeightData> weights);
  Result<void> warmUp(const ProgramOptions& options) const;

  OpenClDevice& m_device;
  std::shared_ptr<const DeviceContext> m_context;
  std::vector<Step> m_steps;
  std::vector<cl_program> m_programs; ///< per step; owned by the device's library
  std::vector<MemHandle> m_weights;
  std::vector<ArenaRequest> m_requests;
  ArenaPlan m_arena;
  bool m_hasChecks = false; ///< kernels report wrong data (an index out of range) through the error word
  bool m_startsAsZeros = false;
  std::vector<std::int64_t> m_inputBytes;
  std::vector<std::int64_t> m_outputBytes;
  std::vector<KernelInfo> m_kernels;
  std::deque<NodeChoice> m_choices;
  ProgramMemory m_memory;
};

class OpenClInstance final : public Instance {
 public:
  static Result<std::unique_ptr<OpenClInstance>> create(std::shared_ptr<const OpenClProgram> program,
                                                        std::span<Buffer* const> inputs,
                                                        std::span<Buffer* const> outputs);
  Result<void> run(Stream& stream) override;
  /// run() without looking at what the kernels say of the data.
  Result<void> enqueue(Stream& stream);
  /// enqueue() and finish, step by step, for the first time that the program's kernels run.
  Result<void> firstRun(OpenClStream& stream, const ProgramOptions& options);
  /// After the stream finished: InputRejected where a kernel found wrong data. Asking again finds nothing.
  Result<void> verdict();

 private:
  Result<void> allocateArena();
  Result<void> allocateStatus();
  Result<void> setArguments(std::span<Buffer* const> inputs, std::span<Buffer* const> outputs);
  cl_int launch(const OpenClStream& stream, std::size_t step, cl_event* event) const;
  Error launchFailed(std::size_t step, cl_int code) const;
  void internLabels(TraceRecorder& recorder);

  std::shared_ptr<const OpenClProgram> m_program;
  MemHandle m_arena;
  std::vector<OpenClBuffer*> m_boundary; ///< inputs and outputs, each once
  /// Node + 1 (0: nothing wrong), the index in two halves, and the extent; see common.cl. The device's own memory where
  /// that is the host's, and zero between runs; else a copy of it.
  alignas(64) std::array<std::int32_t, 16> m_statusWords{};
  MemHandle m_status;
  std::vector<MemHandle> m_slots;            ///< sub-buffers of m_arena, one per arena request
  std::vector<std::array<cl_mem, 3>> m_blas; ///< per step: A, B and C of a product by CLBlast
  std::vector<KernelHandle> m_kernels; ///< own ones: setting arguments of a shared kernel object is not thread-safe
  std::uint64_t m_labelsOf = 0;        ///< the recorder that knows the labels
  std::vector<std::uint32_t> m_labels;
};

} // namespace tandem::opencl
