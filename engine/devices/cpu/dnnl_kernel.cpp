// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/dnnl_kernel.hpp"

#include <cstring>
#include <dnnl_debug.h>

namespace tandem::cpu {
namespace {

constexpr std::int64_t kScratchAlignment = 64;

class DnnlStep final : public Step {
 public:
  DnnlStep(dnnl::primitive primitive, const std::vector<DnnlArgument>& arguments, const Binding& binding)
      : m_primitive(std::move(primitive)),
        m_stream(binding.stream) {
    m_memories.reserve(arguments.size());
    for (const DnnlArgument& argument : arguments) {
      m_memories.emplace_back(argument.desc, engine(), address(argument, binding));
      m_arguments.push_back({argument.id, m_memories.back().get()});
    }
  }

  // The C call, because the C++ one copies a map on every run.
  Result<void> run() override {
    const dnnl_status_t status = dnnl_primitive_execute(m_primitive.get(), m_stream.get(),
                                                        static_cast<int>(m_arguments.size()), m_arguments.data());
    if (status == dnnl_success) return {};
    return makeError(ErrorCode::DeviceFailed, std::string("oneDNN failed: ") + dnnl_status2str(status));
  }

 private:
  static void* address(const DnnlArgument& argument, const Binding& binding) {
    switch (argument.from) {
    case DnnlArgument::From::Input: return binding.inputs[argument.index];
    case DnnlArgument::From::Output: return binding.outputs[argument.index];
    case DnnlArgument::From::Scratch: return static_cast<std::byte*>(binding.scratch) + argument.scratchOffset;
    case DnnlArgument::From::Weights: return argument.weights->data();
    }
    return nullptr;
  }

  dnnl::primitive m_primitive;
  dnnl::stream m_stream;
  std::vector<dnnl::memory> m_memories;
  std::vector<dnnl_exec_arg_t> m_arguments;
};

class Sequence final : public Step {
 public:
  explicit Sequence(std::vector<std::unique_ptr<Step>> steps) : m_steps(std::move(steps)) {}
  Result<void> run() override {
    for (const auto& step : m_steps) TANDEM_TRY(step->run());
    return {};
  }

 private:
  std::vector<std::unique_ptr<Step>> m_steps;
};

template <class Call> class DnnlKernel final : public Kernel {
 public:
  explicit DnnlKernel(std::vector<Call> calls) : m_calls(std::move(calls)) {}
  std::unique_ptr<Step> bind(const Binding& binding) const override {
    std::vector<std::unique_ptr<Step>> steps;
    for (const Call& call : m_calls)
      steps.push_back(std::make_unique<DnnlStep>(call.primitive, call.arguments, binding));
    if (steps.size() == 1) return std::move(steps.front());
    return std::make_unique<Sequence>(std::move(steps));
  }

 private:
  std::vector<Call> m_calls;
};

} // namespace

DnnlArgument inputArgument(int id, const dnnl::memory::desc& desc, std::size_t index) {
  return {id, desc, DnnlArgument::From::Input, index, 0, nullptr};
}
DnnlArgument outputArgument(int id, const dnnl::memory::desc& desc, std::size_t index) {
  return {id, desc, DnnlArgument::From::Output, index, 0, nullptr};
}
DnnlArgument scratchArgument(int id, const dnnl::memory::desc& desc, std::int64_t offset) {
  return {id, desc, DnnlArgument::From::Scratch, 0, offset, nullptr};
}
DnnlArgument weightsArgument(int id, const dnnl::memory::desc& desc, WeightsPtr weights) {
  return {id, desc, DnnlArgument::From::Weights, 0, 0, std::move(weights)};
}

dnnl::primitive_attr DnnlKernelBuilder::attributes() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

std::int64_t DnnlKernelBuilder::reserve(std::size_t bytes) {
  const std::int64_t offset = m_scratchBytes;
  m_scratchBytes += (static_cast<std::int64_t>(bytes) + kScratchAlignment - 1) / kScratchAlignment * kScratchAlignment;
  return offset;
}

DnnlArgument DnnlKernelBuilder::reorderedInput(int id, const dnnl::memory::desc& from, const dnnl::memory::desc& to,
                                               std::size_t index) {
  if (from == to) return inputArgument(id, to, index);
  const DnnlArgument result = scratchArgument(id, to, reserve(to.get_size()));
  DnnlArgument target = result;
  target.id = DNNL_ARG_TO;
  const dnnl::reorder::primitive_desc desc(engine(), from, engine(), to, attributes());
  add(desc, dnnl::reorder(desc), {inputArgument(DNNL_ARG_FROM, from, index), target});
  return result;
}

void DnnlKernelBuilder::append(const dnnl::primitive& primitive, std::vector<DnnlArgument> arguments) {
  m_calls.push_back({primitive, std::move(arguments)});
}

std::shared_ptr<const Kernel> DnnlKernelBuilder::finish() {
  return std::make_shared<DnnlKernel<Call>>(std::move(m_calls));
}

std::string dnnlName(const char* implementation) { return std::string("onednn ") + implementation; }

bool isDnnlReference(const char* implementation) { return std::string_view(implementation).starts_with("ref"); }

std::shared_ptr<const Kernel> makeReorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to,
                                          std::int64_t& scratchBytes) {
  DnnlKernelBuilder builder;
  const dnnl::reorder::primitive_desc desc(engine(), from, engine(), to, DnnlKernelBuilder::attributes());
  builder.add(desc, dnnl::reorder(desc), {inputArgument(DNNL_ARG_FROM, from, 0), outputArgument(DNNL_ARG_TO, to, 0)});
  scratchBytes = builder.scratchBytes();
  return builder.finish();
}

std::shared_ptr<const Kernel> makeCopy(std::size_t bytes) {
  return makeKernel([bytes](const Binding& binding) {
    return [src = binding.inputs[0], dst = binding.outputs[0], bytes] { std::memcpy(dst, src, bytes); };
  });
}

} // namespace tandem::cpu
