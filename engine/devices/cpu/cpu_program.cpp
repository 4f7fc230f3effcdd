// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/cpu_program.hpp"

#include "engine/base/clock.hpp"
#include "engine/devices/cpu/cpu_stream.hpp"

#include <new>

namespace tandem::cpu {
namespace {

class CpuInstance final : public Instance {
 public:
  CpuInstance(std::shared_ptr<const CpuProgram> program, AlignedMemory arena, std::vector<std::unique_ptr<Step>> steps)
      : m_program(std::move(program)),
        m_arena(std::move(arena)),
        m_steps(std::move(steps)) {}

  Result<void> run(Stream& stream) override {
    auto& queue = static_cast<CpuStream&>(stream);
    TANDEM_ASSERT(&stream.device() == &m_program->device());
    return queue.call(*this, &CpuInstance::runSteps);
  }

 private:
  Result<void> runSteps(CpuStream& stream) {
    if (stream.traceWriter()) return runTraced(stream);
    for (const auto& step : m_steps) {
      if (stream.cancel().cancelled()) return stream.cancel().check();
      TANDEM_TRY(step->run());
    }
    return {};
  }

  Result<void> runTraced(CpuStream& stream) {
    const auto& groups = m_program->segment().groups;
    if (m_labelsOf != stream.traceGeneration()) {
      m_labels.clear();
      for (const StepGroup& group : groups) m_labels.push_back(stream.traceRecorder()->intern(group.label));
      m_labelsOf = stream.traceGeneration();
    }
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (groups[i].firstStep == groups[i].endStep) continue;
      if (stream.cancel().cancelled()) return stream.cancel().check();
      TraceEvent event;
      event.startNs = nowNs();
      for (std::size_t k = groups[i].firstStep; k < groups[i].endStep; ++k) TANDEM_TRY(m_steps[k]->run());
      event.endNs = nowNs();
      event.request = stream.traceRequest();
      event.label = m_labels[i];
      event.node = groups[i].origin;
      stream.traceWriter()->record(event);
    }
    return {};
  }

  std::shared_ptr<const CpuProgram> m_program;
  AlignedMemory m_arena;
  std::vector<std::unique_ptr<Step>> m_steps;
  std::vector<std::uint32_t> m_labels; ///< of the step groups, in the recorder of generation m_labelsOf
  std::uint64_t m_labelsOf = 0;
};

Result<std::vector<void*>> addressesOf(std::span<Buffer* const> buffers, const std::vector<std::int64_t>& bytes,
                                       const Device& device, const char* what) {
  if (buffers.size() != bytes.size())
    return makeError(ErrorCode::Internal,
                     std::to_string(buffers.size()) + " " + what + " buffers for " + std::to_string(bytes.size()),
                     device.id());
  std::vector<void*> addresses;
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    if (!buffers[i] || &buffers[i]->device() != &device || buffers[i]->bytes() < static_cast<std::size_t>(bytes[i]))
      return makeError(ErrorCode::Internal, std::string(what) + " buffer " + std::to_string(i) + " does not fit",
                       device.id(), "it needs " + std::to_string(bytes[i]) + " bytes on this device");
    addresses.push_back(buffers[i]->hostData());
  }
  return addresses;
}

} // namespace

Result<std::unique_ptr<Instance>> CpuProgram::instantiate(std::span<Buffer* const> inputs,
                                                          std::span<Buffer* const> outputs) const {
  const std::vector<void*> in = TANDEM_TRY(addressesOf(inputs, m_segment.inputBytes, m_device, "input"));
  const std::vector<void*> out = TANDEM_TRY(addressesOf(outputs, m_segment.outputBytes, m_device, "output"));
  const auto arenaBytes = static_cast<std::size_t>(m_segment.memory.activationsBytes);
  const auto outOfMemory = [&] {
    return makeError(ErrorCode::DeviceFailed,
                     "not enough memory for " + std::to_string(arenaBytes) + " bytes of activations", m_device.id(),
                     "use a smaller batch or fewer replicas");
  };
  if (m_segment.memory.activationsBytes > m_device.info().maxAllocationBytes) return outOfMemory();
  try {
    AlignedMemory arena(arenaBytes);
    if (!arena.data()) return outOfMemory();
    auto address = [&](const Location& location) -> void* {
      std::byte* base = nullptr;
      switch (location.kind) {
      case Location::Kind::None: return nullptr;
      case Location::Kind::Arena: base = static_cast<std::byte*>(arena.data()); break;
      case Location::Kind::Input: base = static_cast<std::byte*>(in[location.index]); break;
      case Location::Kind::Output: base = static_cast<std::byte*>(out[location.index]); break;
      case Location::Kind::Constant: base = static_cast<std::byte*>(m_segment.constants[location.index]->data()); break;
      }
      return base + location.offset;
    };
    std::vector<std::unique_ptr<Step>> steps;
    Binding binding;
    binding.stream = dnnl::stream(engine());
    for (const ProgramStep& step : m_segment.steps) {
      binding.inputs.clear();
      binding.outputs.clear();
      for (const Location& location : step.inputs) binding.inputs.push_back(address(location));
      for (const Location& location : step.outputs) binding.outputs.push_back(address(location));
      binding.scratch = address(step.scratch);
      steps.push_back(step.kernel->bind(binding));
    }
    return std::unique_ptr<Instance>(
        std::make_unique<CpuInstance>(shared_from_this(), std::move(arena), std::move(steps)));
  } catch (const std::bad_alloc&) {
    return outOfMemory();
  } catch (const dnnl::error& error) {
    return makeError(ErrorCode::DeviceFailed, std::string("oneDNN failed: ") + error.what(), m_device.id());
  }
}

} // namespace tandem::cpu
