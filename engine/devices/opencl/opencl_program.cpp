// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/opencl_program.hpp"

#include "engine/devices/opencl/detail/blas.hpp"
#include "engine/devices/opencl/kernels/kernel_def.hpp"
#include "engine/devices/widened_segment.hpp"
#include "engine/tensor/half.hpp"

#include <algorithm>

namespace tandem::opencl {
namespace {

Result<void> checkSegment(const Segment& segment, const DeviceContext& context) {
  for (NodeId id : segment.nodes) {
    const Node& node = segment.graph->node(id);
    const NodeView view{*segment.graph, node, context.float64};
    const std::string where = node.type + " '" + node.name + "' on " + context.info.id;
    if (!view.isStatic())
      return makeError(ErrorCode::Unsupported, "a shape is not known before the run", where, "bind the input shapes");
    if (const Support support = checkNode(view); !support.ok())
      return makeError(ErrorCode::Unsupported, std::string(toString(support.reason)) + ": " + support.detail, where,
                       "place this layer on CPU:0");
  }
  return {};
}

bool computesInFloat32(const Node& node) {
  const KernelDef* def = findKernel(node);
  return def && def->widens;
}

void widenRow(DataType type, const std::uint16_t* from, float* to, std::int64_t count) {
  std::transform(from, from + count, to, type == DataType::Float16 ? halfBitsToFloat : bfloat16BitsToFloat);
}

} // namespace

Result<std::shared_ptr<const Program>> OpenClProgram::create(OpenClDevice& device, const Segment& segment,
                                                             const ProgramOptions& options) {
  TANDEM_TRY(checkSegment(segment, device.context()));
  // Compiled, 16-bit values become float32 once and stay it; eager, Lowering converts around every kernel.
  std::optional<WidenedSegment> widened;
  if (options.compiled) widened = WidenedSegment::of(segment, true, {&computesInFloat32, &widenRow});
  const Segment lowered = widened ? widened->segment() : segment;
  Lowering lowering(device.context(), lowered, options.compiled);
  TANDEM_TRY(lowering.run(options.cancel));

  std::shared_ptr<OpenClProgram> program(new OpenClProgram(device));
  program->m_steps = std::move(lowering.steps());
  program->m_kernels = std::move(lowering.kernels());
  if (widened) widened->describe(program->m_kernels);
  program->m_requests = lowering.arena();
  program->m_hasChecks = lowering.hasChecks();
  // Requests that no step uses keep a place in the list, so that indices stay what they are, but need no memory.
  for (ArenaRequest& request : program->m_requests)
    if (request.first < 0) request = {0, 0, 0};
  program->m_arena = planArena(program->m_requests, static_cast<std::int64_t>(device.context().subBufferAlignment));
  for (ValueId value : segment.inputs) program->m_inputBytes.push_back(segment.graph->value(value).desc.bytes());
  for (ValueId value : segment.outputs) program->m_outputBytes.push_back(segment.graph->value(value).desc.bytes());
  program->m_memory.activationsBytes = program->m_arena.bytes;

  TANDEM_TRY(program->build(options.cancel));
  TANDEM_TRY(program->upload(std::move(lowering.weightData())));
  TANDEM_TRY(program->warmUp(segment));
  device.context().library->persist();
  return std::shared_ptr<const Program>(std::move(program));
}

Result<void> OpenClProgram::build(const CancelToken& cancel) {
  for (const Step& step : m_steps) {
    TANDEM_TRY(cancel.check());
    if (step.blas) {
      m_programs.push_back(nullptr); // CLBlast keeps its programs itself
      continue;
    }
    m_programs.push_back(TANDEM_TRY(m_device.context().library->get(step.source, step.options, step.generated)));
  }
  return {};
}

Result<void> OpenClProgram::upload(std::vector<WeightData> weights) {
  for (WeightData& weight : weights) {
    const void* data = weight.tensor.defined() ? weight.tensor.data() : weight.bytes.data();
    const std::size_t bytes = weight.tensor.defined() ? weight.tensor.bytes() : weight.bytes.size();
    static const unsigned char kNothing[64] = {};
    cl_int code = CL_SUCCESS;
    MemHandle mem(clCreateBuffer(m_device.context().context.get(), CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR,
                                 bytes > 0 ? bytes : sizeof kNothing,
                                 bytes > 0 ? const_cast<void*>(data) : const_cast<unsigned char*>(kNothing), &code));
    if (code != CL_SUCCESS)
      return clFailed("storing " + std::to_string(bytes) + " bytes of weights", code, m_device.id());
    m_weights.push_back(std::move(mem));
    m_memory.weightsBytes += static_cast<std::int64_t>(bytes);
    weight = {};
  }
  return {};
}

/// Runs once on scratch buffers: drivers compile at the first launch of a kernel, and the first request should not
/// pay for it. Also brings out what a driver refuses only at launch.
Result<void> OpenClProgram::warmUp(const Segment&) const {
  if (m_steps.empty()) return {};
  std::vector<std::unique_ptr<Buffer>> buffers;
  std::vector<Buffer*> inputs;
  std::vector<Buffer*> outputs;
  const QueueHandle queue = TANDEM_TRY(m_device.context().createQueue(false));
  for (const auto* list : {&m_inputBytes, &m_outputBytes}) {
    for (std::int64_t bytes : *list) {
      buffers.push_back(TANDEM_TRY(m_device.allocate(static_cast<std::size_t>(bytes))));
      (list == &m_inputBytes ? inputs : outputs).push_back(buffers.back().get());
      // Zeros: indices among the inputs must stay inside their tables.
      const auto& buffer = static_cast<const OpenClBuffer&>(*buffers.back());
      const cl_uchar zero = 0;
      const auto size = static_cast<std::size_t>(std::max<std::int64_t>(bytes, 1));
      if (const cl_int code = clEnqueueFillBuffer(queue.get(), buffer.mem(), &zero, 1, 0, size, 0, nullptr, nullptr);
          code != CL_SUCCESS)
        return clFailed("filling a buffer", code, m_device.id());
    }
  }
  if (const cl_int code = clFinish(queue.get()); code != CL_SUCCESS)
    return clFailed("filling a buffer", code, m_device.id());
  auto instance = TANDEM_TRY(instantiate(inputs, outputs));
  auto stream = TANDEM_TRY(OpenClStream::create(m_device));
  // Zeros may be wrong data (a divisor); the kernels ran, which is all that counts here.
  TANDEM_TRY(static_cast<OpenClInstance&>(*instance).enqueue(*stream));
  return stream->finish();
}

Result<std::unique_ptr<Instance>> OpenClProgram::instantiate(std::span<Buffer* const> inputs,
                                                             std::span<Buffer* const> outputs) const {
  TANDEM_ASSERT(inputs.size() == m_inputBytes.size() && outputs.size() == m_outputBytes.size());
  for (std::size_t i = 0; i < inputs.size(); ++i)
    TANDEM_ASSERT(&inputs[i]->device() == &m_device && inputs[i]->bytes() >= static_cast<std::size_t>(m_inputBytes[i]));
  for (std::size_t i = 0; i < outputs.size(); ++i)
    TANDEM_ASSERT(&outputs[i]->device() == &m_device &&
                  outputs[i]->bytes() >= static_cast<std::size_t>(m_outputBytes[i]));
  // The warm-up in create() calls this before anybody shares the program's ownership with us, hence the check.
  return std::unique_ptr<Instance>(TANDEM_TRY(OpenClInstance::create(shared_from_this(), inputs, outputs)));
}

Result<std::unique_ptr<OpenClInstance>> OpenClInstance::create(std::shared_ptr<const OpenClProgram> program,
                                                               std::span<Buffer* const> inputs,
                                                               std::span<Buffer* const> outputs) {
  std::unique_ptr<OpenClInstance> instance(new OpenClInstance());
  instance->m_program = std::move(program);
  TANDEM_TRY(instance->allocateArena());
  TANDEM_TRY(instance->allocateStatus());
  TANDEM_TRY(instance->setArguments(inputs, outputs));
  return instance;
}

Result<void> OpenClInstance::allocateArena() {
  const DeviceContext& context = m_program->device().context();
  const ArenaPlan& plan = m_program->arena();
  if (plan.bytes == 0) return {};
  cl_int code = CL_SUCCESS;
  m_arena = MemHandle(
      clCreateBuffer(context.context.get(), CL_MEM_READ_WRITE, static_cast<std::size_t>(plan.bytes), nullptr, &code));
  if (code != CL_SUCCESS)
    return clFailed("allocating " + std::to_string(plan.bytes) + " bytes for activations", code, context.info.id);
  for (std::size_t i = 0; i < plan.offsets.size(); ++i) {
    const ArenaRequest& request = m_program->arenaRequests()[i];
    if (request.bytes == 0) {
      m_slots.emplace_back();
      continue;
    }
    const cl_buffer_region region{static_cast<std::size_t>(plan.offsets[i]), static_cast<std::size_t>(request.bytes)};
    m_slots.emplace_back(
        clCreateSubBuffer(m_arena.get(), CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &code));
    if (code != CL_SUCCESS) return clFailed("clCreateSubBuffer", code, context.info.id);
  }
  return {};
}

Result<void> OpenClInstance::allocateStatus() {
  if (!m_program->hasChecks()) return {};
  cl_int code = CL_SUCCESS;
  m_status = MemHandle(clCreateBuffer(m_program->device().context().context.get(), CL_MEM_READ_WRITE,
                                      sizeof m_statusWords, nullptr, &code));
  if (code != CL_SUCCESS) return clFailed("allocating the error word", code, m_program->device().id());
  return {};
}

Result<void> OpenClInstance::setArguments(std::span<Buffer* const> inputs, std::span<Buffer* const> outputs) {
  const auto memOf = [&](const Ref& ref) -> cl_mem {
    const auto index = static_cast<std::size_t>(ref.index);
    switch (ref.kind) {
    case Ref::Kind::None: return nullptr;
    case Ref::Kind::Input: return static_cast<const OpenClBuffer*>(inputs[index])->mem();
    case Ref::Kind::Output: return static_cast<const OpenClBuffer*>(outputs[index])->mem();
    case Ref::Kind::Arena: return m_slots[index].get();
    case Ref::Kind::Weight: return m_program->weights()[index].get();
    case Ref::Kind::Status: return m_status.get();
    }
    return nullptr;
  };
  const auto& steps = m_program->steps();
  for (std::size_t s = 0; s < steps.size(); ++s) {
    const Step& step = steps[s];
    m_blas.emplace_back();
    if (step.blas) {
      for (std::size_t a = 0; a < 3; ++a) m_blas[s][a] = memOf(std::get<Ref>(step.args[a]));
      m_kernels.emplace_back();
      continue;
    }
    cl_int code = CL_SUCCESS;
    KernelHandle kernel(clCreateKernel(m_program->programs()[s], step.kernel.c_str(), &code));
    if (code != CL_SUCCESS) return clFailed("creating kernel " + step.kernel, code, m_program->device().id());
    for (cl_uint a = 0; a < step.args.size(); ++a) {
      const Arg& arg = step.args[a];
      if (const Ref* ref = std::get_if<Ref>(&arg)) {
        const cl_mem mem = memOf(*ref);
        code = clSetKernelArg(kernel.get(), a, sizeof mem, mem ? &mem : nullptr);
      } else if (const auto* integer = std::get_if<std::int32_t>(&arg)) {
        code = clSetKernelArg(kernel.get(), a, sizeof *integer, integer);
      } else if (const auto* real = std::get_if<float>(&arg)) {
        code = clSetKernelArg(kernel.get(), a, sizeof *real, real);
      } else {
        const Int8& vector = std::get<Int8>(arg);
        code = clSetKernelArg(kernel.get(), a, sizeof vector.v, vector.v.data());
      }
      if (code != CL_SUCCESS)
        return clFailed("setting argument " + std::to_string(a) + " of kernel " + step.kernel, code,
                        step.label + " on " + m_program->device().id());
    }
    m_kernels.push_back(std::move(kernel));
  }
  return {};
}

void OpenClInstance::internLabels(TraceRecorder* recorder) {
  m_labels.clear();
  for (const Step& step : m_program->steps()) m_labels.push_back(recorder->intern(step.label));
  m_labelsOf = recorder;
}

Result<void> OpenClInstance::run(Stream& stream) {
  TANDEM_TRY(enqueue(stream));
  if (!m_status) return {};
  auto& own = static_cast<OpenClStream&>(stream);
  const cl_int code = clEnqueueReadBuffer(own.queue(), m_status.get(), CL_FALSE, 0, sizeof m_statusWords,
                                          m_statusWords.data(), 0, nullptr, nullptr);
  if (code != CL_SUCCESS) return clFailed("reading the error word", code, m_program->device().id());
  own.expect(*this);
  return {};
}

Result<void> OpenClInstance::verdict() const {
  if (m_statusWords[0] == 0) return {};
  const auto step = std::find_if(m_program->steps().begin(), m_program->steps().end(), [&](const Step& each) {
    return each.node.index() + 1 == static_cast<unsigned>(m_statusWords[0]);
  });
  const std::string where = step == m_program->steps().end() ? m_program->device().id() : step->label;
  const std::int64_t index = static_cast<std::int64_t>(static_cast<std::uint32_t>(m_statusWords[1])) |
                             static_cast<std::int64_t>(m_statusWords[2]) << 32;
  // The reference kernels use the same words, so that an error does not depend on the device.
  const std::string what = m_statusWords[3] < 0 ? "integer division by zero"
                                                : "index " + std::to_string(index) + " is outside a dimension of " +
                                                      std::to_string(m_statusWords[3]);
  return makeError(ErrorCode::InputRejected, what, where);
}

Result<void> OpenClInstance::enqueue(Stream& stream) {
  TANDEM_ASSERT(&stream.device() == &m_program->device());
  auto& own = static_cast<OpenClStream&>(stream);
  TraceRecorder* recorder = own.recorder();
  if (recorder && recorder != m_labelsOf) internLabels(recorder);
  if (m_status) {
    static constexpr cl_int kZero = 0;
    const cl_int code = clEnqueueFillBuffer(own.queue(), m_status.get(), &kZero, sizeof kZero, 0, sizeof m_statusWords,
                                            0, nullptr, nullptr);
    if (code != CL_SUCCESS) return clFailed("clearing the error word", code, m_program->device().id());
  }
  const auto& steps = m_program->steps();
  for (std::size_t s = 0; s < steps.size(); ++s) {
    const Step& step = steps[s];
    cl_event event = nullptr;
    const cl_int code = step.blas
                            ? enqueueProduct(own.queue(), *step.blas, m_blas[s], recorder ? &event : nullptr)
                            : clEnqueueNDRangeKernel(own.queue(), m_kernels[s].get(), 3, nullptr, step.global.data(),
                                                     step.local.data(), 0, nullptr, recorder ? &event : nullptr);
    if (code != CL_SUCCESS)
      return clFailed("starting kernel " + step.kernel, code, step.label + " on " + m_program->device().id());
    if (event) own.note(EventHandle(event), TraceKind::Kernel, m_labels[s], step.traceNode, 0);
  }
  if (const cl_int code = clFlush(own.queue()); code != CL_SUCCESS)
    return clFailed("flushing the queue", code, m_program->device().id());
  return {};
}

} // namespace tandem::opencl
