// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/opencl_program.hpp"

#include "engine/base/checked.hpp"
#include "engine/devices/opencl/detail/arena_classes.hpp"
#include "engine/devices/opencl/detail/blas.hpp"
#include "engine/devices/opencl/kernels/kernel_def.hpp"
#include "engine/devices/widened_segment.hpp"
#include "engine/tensor/half.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace tandem::opencl {
namespace {

std::string layerOn(const Node& node, const DeviceContext& context) {
  return node.type + " '" + node.name + "' on " + context.info.id;
}

/// A tensor is one buffer, or a part of one.
Result<void> checkSizes(const Segment& segment, const Node& node, const DeviceContext& context) {
  const std::int64_t most = context.info.maxAllocationBytes;
  for (const auto* list : {&node.inputs, &node.outputs}) {
    for (ValueId id : *list) {
      if (!id.valid() || most <= 0) continue;
      const Value& value = segment.graph->value(id);
      const auto bytes = value.desc.checkedBytes();
      if (bytes && *bytes <= most) continue;
      Error error = context.allocationFailed("the tensor '" + value.name + "' (" + value.desc.toString() + ")",
                                             bytes.value_or(INT64_MAX), CL_INVALID_BUFFER_SIZE);
      error.where = layerOn(node, context);
      return error;
    }
  }
  return {};
}

Result<void> checkSegment(const Segment& segment, const DeviceContext& context) {
  for (NodeId id : segment.nodes) {
    const Node& node = segment.graph->node(id);
    const NodeView view{*segment.graph, node, context.float64};
    if (!view.isStatic())
      return makeError(ErrorCode::Unsupported, "a shape is not known before the run", layerOn(node, context),
                       "bind the input shapes");
    if (const Support support = checkNode(view); !support.ok())
      return makeError(ErrorCode::Unsupported, std::string(toString(support.reason)) + ": " + support.detail,
                       layerOn(node, context), "place this layer on CPU:0");
    TANDEM_TRY(checkSizes(segment, node, context));
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

/// Some were made for kernels that then were not chosen: they keep their place in the list, but need no memory.
void dropUnused(std::vector<WeightData>& weights, const std::vector<Step>& steps) {
  std::vector<bool> used(weights.size(), false);
  for (const Step& step : steps)
    for (const Arg& arg : step.args)
      if (const Ref* ref = std::get_if<Ref>(&arg); ref && ref->kind == Ref::Kind::Weight)
        used[static_cast<std::size_t>(ref->index)] = true;
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (!used[i]) weights[i] = {};
}

} // namespace

Result<std::shared_ptr<const Program>> OpenClProgram::create(OpenClDevice& device,
                                                             std::shared_ptr<const DeviceContext> context,
                                                             const Segment& segment, const ProgramOptions& options) {
  DatabasePolicy policy(*context->tuning);
  return std::shared_ptr<const Program>(TANDEM_TRY(create(device, std::move(context), segment, options, policy)));
}

Result<std::shared_ptr<const OpenClProgram>>
OpenClProgram::create(OpenClDevice& device, std::shared_ptr<const DeviceContext> context, const Segment& segment,
                      const ProgramOptions& options, ChoicePolicy& policy) {
  TANDEM_TRY(checkSegment(segment, *context));
  // Compiled, 16-bit values become float32 once and stay it; eager, Lowering converts around every kernel.
  std::optional<WidenedSegment> widened;
  if (options.compiled) widened = WidenedSegment::of(segment, true, {&computesInFloat32, &widenRow});
  const Segment lowered = widened ? widened->segment() : segment;
  Lowering lowering(*context, lowered, options, policy);
  TANDEM_TRY(lowering.run(options.cancel));

  std::shared_ptr<OpenClProgram> program(new OpenClProgram(device, context));
  program->m_steps = std::move(lowering.steps());
  dropUnused(lowering.weightData(), program->m_steps);
  program->m_kernels = std::move(lowering.kernels());
  if (widened) widened->describe(program->m_kernels);
  program->m_choices = lowering.choices();
  program->m_requests = lowering.arena();
  program->m_hasChecks = lowering.hasChecks();
  // Requests that no step uses keep a place in the list, so that indices stay what they are, but need no memory.
  std::vector<int> classes = lowering.arenaClasses();
  for (std::size_t i = 0; i < classes.size(); ++i)
    if (program->m_requests[i].first < 0) program->m_requests[i] = {0, 0, 0}, classes[i] = -1;
  program->m_arena =
      planArenaByClass(program->m_requests, classes, static_cast<std::int64_t>(context->subBufferAlignment));
  program->m_startsAsZeros = std::any_of(classes.begin(), classes.end(), [](int each) { return each >= 0; });
  for (ValueId value : segment.inputs) program->m_inputBytes.push_back(segment.graph->value(value).desc.bytes());
  for (ValueId value : segment.outputs) program->m_outputBytes.push_back(segment.graph->value(value).desc.bytes());
  program->m_memory.activationsBytes = program->m_arena.bytes;

  TANDEM_TRY(program->checkMemory(lowering.weightData()));
  TANDEM_TRY(program->build(options));
  TANDEM_TRY(program->upload(std::move(lowering.weightData())));
  TANDEM_TRY(program->warmUp(options));
  context->library->persist();
  return std::shared_ptr<const OpenClProgram>(std::move(program));
}

/// What cannot fit is refused before anything is built or stored. Tensors were looked at by checkSegment().
Result<void> OpenClProgram::checkMemory(const std::vector<WeightData>& weights) const {
  const DeviceInfo& info = m_context->info;
  const std::int64_t most = info.maxAllocationBytes;
  for (const ArenaRequest& request : m_requests) {
    if (most <= 0 || request.bytes <= most) continue;
    Error error = m_context->allocationFailed("scratch memory", request.bytes, CL_INVALID_BUFFER_SIZE);
    error.where = m_steps[static_cast<std::size_t>(request.first)].label + " on " + info.id;
    return error;
  }
  if (most > 0 && m_arena.bytes > most)
    return m_context->allocationFailed("activations", m_arena.bytes, CL_INVALID_BUFFER_SIZE);
  std::optional<std::int64_t> all = m_arena.bytes;
  const auto add = [&](std::int64_t bytes) { all = all ? checkedAdd(*all, bytes) : all; };
  for (const WeightData& weight : weights)
    add(static_cast<std::int64_t>(weight.tensor.defined() ? weight.tensor.bytes() : weight.bytes.size()));
  for (const auto* list : {&m_inputBytes, &m_outputBytes})
    for (std::int64_t bytes : *list) add(bytes);
  if (info.memoryBytes > 0 && (!all || *all > info.memoryBytes))
    return m_context->allocationFailed("weights and activations", all.value_or(INT64_MAX),
                                       CL_MEM_OBJECT_ALLOCATION_FAILURE);
  return {};
}

Result<void> OpenClProgram::build(const ProgramOptions& options) {
  std::vector<KernelRequest> requests;
  for (const Step& step : m_steps)
    if (!step.blas)
      requests.push_back({step.source, step.options, step.kernel, step.generated}); // CLBlast keeps its programs itself
  KernelLibrary& library = *m_context->library;
  TANDEM_TRY(library.prepare(requests, options.cancel, options.progress));
  auto request = requests.begin();
  for (const Step& step : m_steps) m_programs.push_back(step.blas ? nullptr : TANDEM_TRY(library.get(*request++)));
  return {};
}

Result<void> OpenClProgram::upload(std::vector<WeightData> weights) {
  for (WeightData& weight : weights) {
    const void* data = weight.tensor.defined() ? weight.tensor.data() : weight.bytes.data();
    const std::size_t bytes = weight.tensor.defined() ? weight.tensor.bytes() : weight.bytes.size();
    static const unsigned char kNothing[64] = {};
    cl_int code = CL_SUCCESS;
    MemHandle mem(clCreateBuffer(m_context->context.get(), CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR,
                                 bytes > 0 ? bytes : sizeof kNothing,
                                 bytes > 0 ? const_cast<void*>(data) : const_cast<unsigned char*>(kNothing), &code));
    if (code != CL_SUCCESS) return m_context->allocationFailed("weights", static_cast<std::int64_t>(bytes), code);
    m_weights.push_back(std::move(mem));
    m_memory.weightsBytes += static_cast<std::int64_t>(bytes);
    weight = {};
  }
  return {};
}

/// Runs once on scratch buffers: drivers compile at the first launch of a kernel, and the first request should not
/// pay for it. Also brings out what a driver refuses only at launch.
Result<void> OpenClProgram::warmUp(const ProgramOptions& options) const {
  if (m_steps.empty()) return {};
  std::vector<std::unique_ptr<Buffer>> buffers;
  std::unique_ptr<Instance> instance;
  // Declared last: it waits before memory that queued commands touch goes.
  const auto stream = TANDEM_TRY(OpenClStream::create(m_device, m_context));
  std::vector<Buffer*> inputs;
  std::vector<Buffer*> outputs;
  for (const auto* list : {&m_inputBytes, &m_outputBytes}) {
    for (std::int64_t bytes : *list) {
      buffers.push_back(TANDEM_TRY(OpenClBuffer::create(m_device, m_context, static_cast<std::size_t>(bytes))));
      (list == &m_inputBytes ? inputs : outputs).push_back(buffers.back().get());
      // Zeros: indices among the inputs must stay inside their tables.
      const auto& buffer = static_cast<const OpenClBuffer&>(*buffers.back());
      const cl_uchar zero = 0;
      const auto size = static_cast<std::size_t>(std::max<std::int64_t>(bytes, 1));
      if (const cl_int code =
              clEnqueueFillBuffer(stream->queue(), buffer.mem(), &zero, 1, 0, size, 0, nullptr, nullptr);
          code != CL_SUCCESS)
        return m_context->failed("filling a buffer of " + std::to_string(size) + " bytes", code);
    }
  }
  TANDEM_TRY(stream->finish());
  instance = TANDEM_TRY(instantiate(inputs, outputs));
  // Zeros may be wrong data (a divisor); the kernels ran, which is all that counts here.
  TANDEM_TRY(static_cast<OpenClInstance&>(*instance).firstRun(*stream, options));
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
  TANDEM_TRY(m_context->checkUsable());
  for (const auto* list : {&inputs, &outputs})
    for (const Buffer* buffer : *list)
      if (static_cast<const OpenClBuffer*>(buffer)->context() != m_context)
        return makeError(ErrorCode::DeviceFailed, "the device was set up anew meanwhile", m_device.id(), "run again");
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
  for (const auto& list : {inputs, outputs})
    for (Buffer* each : list) {
      auto* buffer = static_cast<OpenClBuffer*>(each);
      if (std::find(instance->m_boundary.begin(), instance->m_boundary.end(), buffer) == instance->m_boundary.end())
        instance->m_boundary.push_back(buffer);
    }
  TANDEM_TRY(instance->setArguments(inputs, outputs));
  return instance;
}

Result<void> OpenClInstance::allocateArena() {
  const DeviceContext& context = m_program->context();
  const ArenaPlan& plan = m_program->arena();
  if (plan.bytes == 0) return {};
  cl_int code = CL_SUCCESS;
  m_arena = MemHandle(
      clCreateBuffer(context.context.get(), CL_MEM_READ_WRITE, static_cast<std::size_t>(plan.bytes), nullptr, &code));
  if (code != CL_SUCCESS) return context.allocationFailed("activations", plan.bytes, code);
  for (std::size_t i = 0; i < plan.offsets.size(); ++i) {
    const ArenaRequest& request = m_program->arenaRequests()[i];
    if (request.bytes == 0) {
      m_slots.emplace_back();
      continue;
    }
    const cl_buffer_region region{static_cast<std::size_t>(plan.offsets[i]), static_cast<std::size_t>(request.bytes)};
    m_slots.emplace_back(
        clCreateSubBuffer(m_arena.get(), CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &code));
    if (code != CL_SUCCESS) return context.failed("clCreateSubBuffer", code);
  }
  if (m_program->startsAsZeros()) {
    const QueueHandle queue = TANDEM_TRY(context.createQueue(false));
    const cl_uchar zero = 0;
    code = clEnqueueFillBuffer(queue.get(), m_arena.get(), &zero, 1, 0, static_cast<std::size_t>(plan.bytes), 0,
                               nullptr, nullptr);
    if (code == CL_SUCCESS) code = clFinish(queue.get());
    if (code != CL_SUCCESS) return context.failed("filling a buffer", code);
  }
  return {};
}

Result<void> OpenClInstance::allocateStatus() {
  if (!m_program->hasChecks()) return {};
  const DeviceContext& context = m_program->context();
  const bool shared = context.memory == MemoryKind::Shared;
  cl_int code = CL_SUCCESS;
  m_status = MemHandle(clCreateBuffer(context.context.get(), CL_MEM_READ_WRITE | (shared ? CL_MEM_USE_HOST_PTR : 0),
                                      sizeof m_statusWords, shared ? m_statusWords.data() : nullptr, &code));
  if (code != CL_SUCCESS) return context.allocationFailed("the error word", sizeof m_statusWords, code);
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
    if (code != CL_SUCCESS) return m_program->context().failed("creating kernel " + step.kernel, code);
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

void OpenClInstance::internLabels(TraceRecorder& recorder) {
  m_labels.clear();
  for (const Step& step : m_program->steps()) m_labels.push_back(recorder.intern(step.label));
  m_labelsOf = recorder.id();
}

cl_int OpenClInstance::launch(const OpenClStream& stream, std::size_t s, cl_event* event) const {
  const Step& step = m_program->steps()[s];
  if (step.blas) return enqueueProduct(stream.queue(), *step.blas, m_blas[s], event);
  return clEnqueueNDRangeKernel(stream.queue(), m_kernels[s].get(), 3, nullptr, step.global.data(), step.local.data(),
                                0, nullptr, event);
}

Error OpenClInstance::launchFailed(std::size_t s, cl_int code) const {
  const Step& step = m_program->steps()[s];
  const std::string what = step.blas ? "a matrix product by CLBlast" : "kernel " + step.kernel;
  const ProgramMemory memory = m_program->memory();
  // Drivers may put off allocation to the first use.
  Error error = code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_HOST_MEMORY
                    ? m_program->context().allocationFailed("memory while starting " + what,
                                                            memory.weightsBytes + memory.activationsBytes, code)
                    : m_program->context().failed("starting " + what, code);
  error.where = step.label + " on " + m_program->device().id();
  return error;
}

/// In the order of a run, but waits after each kernel that is new: where drivers compile at the first launch, that can
/// be seen and cancelled.
Result<void> OpenClInstance::firstRun(OpenClStream& stream, const ProgramOptions& options) {
  const auto& steps = m_program->steps();
  using Variety = std::tuple<std::string, std::string, std::string, std::string, std::array<std::size_t, 3>>;
  const auto varietyOf = [](const Step& step) {
    return step.blas ? Variety() : Variety(step.source, step.options, step.generated, step.kernel, step.local);
  };
  std::set<Variety> varieties, launched;
  for (const Step& step : steps) varieties.insert(varietyOf(step));
  for (std::size_t s = 0; s < steps.size(); ++s) {
    const bool isNew = launched.insert(varietyOf(steps[s])).second;
    if (isNew) TANDEM_TRY(options.cancel.check());
    stream.beginFlight();
    if (isNew && options.progress)
      options.progress(static_cast<std::int64_t>(launched.size()) - 1, static_cast<std::int64_t>(varieties.size()),
                       "starting kernel " + std::to_string(launched.size()) + " of " +
                           std::to_string(varieties.size()) + " on " + m_program->device().id());
    if (const cl_int code = launch(stream, s, nullptr); code != CL_SUCCESS) return launchFailed(s, code);
    if (isNew) TANDEM_TRY(stream.finish());
  }
  return {};
}

Result<void> OpenClInstance::run(Stream& stream) {
  TANDEM_TRY(m_program->context().checkUsable());
  TANDEM_TRY(enqueue(stream));
  if (!m_status) return {};
  auto& own = static_cast<OpenClStream&>(stream);
  own.expect(*this);
  if (m_program->context().memory == MemoryKind::Shared) return {};
  const cl_int code = clEnqueueReadBuffer(own.queue(), m_status.get(), CL_FALSE, 0, sizeof m_statusWords,
                                          m_statusWords.data(), 0, nullptr, nullptr);
  if (code != CL_SUCCESS) return m_program->context().failed("reading the error word", code);
  return {};
}

Result<void> OpenClInstance::verdict() {
  if (m_statusWords[0] == 0) return {};
  const auto words = std::exchange(m_statusWords, {});
  const auto step = std::find_if(m_program->steps().begin(), m_program->steps().end(), [&](const Step& each) {
    return each.node.index() + 1 == static_cast<unsigned>(words[0]);
  });
  const std::string where = step == m_program->steps().end() ? m_program->device().id() : step->label;
  const std::int64_t index =
      static_cast<std::int64_t>(static_cast<std::uint32_t>(words[1])) | static_cast<std::int64_t>(words[2]) << 32;
  // The reference kernels use the same words, so that an error does not depend on the device.
  const std::string what =
      words[3] < 0 ? "integer division by zero"
                   : "index " + std::to_string(index) + " is outside a dimension of " + std::to_string(words[3]);
  return makeError(ErrorCode::InputRejected, what, where);
}

Result<void> OpenClInstance::enqueue(Stream& stream) {
  TANDEM_ASSERT(&stream.device() == &m_program->device());
  auto& own = static_cast<OpenClStream&>(stream);
  TraceRecorder* recorder = own.recorder();
  if (recorder && recorder->id() != m_labelsOf) internLabels(*recorder);
  TANDEM_TRY(own.acquire(m_boundary));
  own.beginFlight();
  if (m_status && m_program->context().memory != MemoryKind::Shared) {
    static constexpr cl_int kZero = 0;
    const cl_int code = clEnqueueFillBuffer(own.queue(), m_status.get(), &kZero, sizeof kZero, 0, sizeof m_statusWords,
                                            0, nullptr, nullptr);
    if (code != CL_SUCCESS) return m_program->context().failed("clearing the error word", code);
  }
  const auto& steps = m_program->steps();
  const std::size_t fence = own.wantsFence() ? steps.size() : 0; // the step whose event the other queue waits for, + 1
  for (std::size_t s = 0; s < steps.size(); ++s) {
    const Step& step = steps[s];
    cl_event event = nullptr;
    cl_event* wanted = recorder || s + 1 == fence ? &event : nullptr;
    const std::int64_t clock = s == 0 ? own.timeBefore() : 0;
    if (const cl_int code = launch(own, s, wanted); code != CL_SUCCESS) return launchFailed(s, code);
    EventHandle handle(event);
    if (event && s + 1 == fence) own.release(m_boundary, event);
    if (event && recorder) own.note(std::move(handle), {TraceKind::Kernel, m_labels[s], step.traceNode, 0, clock});
  }
  if (const cl_int code = clFlush(own.queue()); code != CL_SUCCESS)
    return m_program->context().failed("flushing the queue", code);
  return {};
}

} // namespace tandem::opencl
