// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/arena_plan.hpp"
#include "engine/devices/roofline.hpp"
#include "engine/devices/simulated/simulated_stream.hpp"
#include "engine/ops/shape_inference.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

namespace tandem {
namespace {

/// What a preset's device would need: constants once, and the arena of everything that stays inside the segment.
ProgramMemory memoryOf(const Segment& segment) {
  const Graph& graph = *segment.graph;
  const std::set<ValueId> outside(segment.outputs.begin(), segment.outputs.end());
  std::set<ValueId> weights;
  std::map<ValueId, ArenaRequest> inside;
  ProgramMemory memory;
  for (std::size_t i = 0; i < segment.nodes.size(); ++i) {
    const int step = static_cast<int>(i);
    const Node& node = graph.node(segment.nodes[i]);
    for (ValueId input : node.inputs) {
      if (!input.valid()) continue;
      const Value& value = graph.value(input);
      if (value.isConstant() && weights.insert(input).second) memory.weightsBytes += value.desc.bytes();
      if (auto it = inside.find(input); it != inside.end()) it->second.last = step;
    }
    for (ValueId output : node.outputs)
      if (output.valid() && !outside.contains(output) && graph.value(output).isStatic())
        inside[output] = {graph.value(output).desc.bytes(), step, step};
  }
  std::vector<ArenaRequest> requests;
  for (const auto& [value, request] : inside) requests.push_back(request);
  memory.activationsBytes = planArena(requests).bytes;
  return memory;
}

/// Memory that counts as used on the device as long as this lives.
class Reservation {
 public:
  Reservation(SimulatedDevice& device, std::int64_t bytes) : m_device(device), m_bytes(bytes) {}
  ~Reservation() { m_device.release(m_bytes); }
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;
  static Result<std::unique_ptr<Reservation>> make(SimulatedDevice& device, std::int64_t bytes) {
    TANDEM_TRY(device.reserve(bytes));
    return std::make_unique<Reservation>(device, bytes);
  }

 private:
  SimulatedDevice& m_device;
  std::int64_t m_bytes;
};

class SimulatedProgram final : public Program, public std::enable_shared_from_this<SimulatedProgram> {
 public:
  SimulatedProgram(SimulatedDevice& device, const Segment& segment, const ProgramOptions& options)
      : m_device(device),
        m_segment(segment),
        m_cancel(options.cancel),
        m_memory(memoryOf(segment)) {
    for (NodeId id : segment.nodes) {
      const Node& node = segment.graph->node(id);
      m_kernels.push_back({id, "reference, timed as " + device.id(), true});
      const OpDef* def = findOp(node);
      // A view of the same elements needs no kernel.
      m_kernelMs.push_back(def && def->has(OpTrait::View) ? 0
                                                          : rooflineMs(costOf(*segment.graph, node), device.speed()));
    }
  }

  Result<void> reserveWeights() {
    m_weights = TANDEM_TRY(Reservation::make(m_device, m_memory.weightsBytes));
    return {};
  }
  ProgramMemory memory() const override { return m_memory; }
  const std::vector<KernelInfo>& kernels() const override { return m_kernels; }
  Result<std::unique_ptr<Instance>> instantiate(std::span<Buffer* const> inputs,
                                                std::span<Buffer* const> outputs) const override;

  SimulatedDevice& device() const { return m_device; }
  const Segment& segment() const { return m_segment; }
  double kernelMs(std::size_t index) const { return m_kernelMs[index]; }
  const CancelToken& cancel() const { return m_cancel; }

 private:
  SimulatedDevice& m_device;
  Segment m_segment;
  CancelToken m_cancel;
  ProgramMemory m_memory;
  std::vector<KernelInfo> m_kernels;
  std::vector<double> m_kernelMs;
  std::unique_ptr<Reservation> m_weights;
};

class SimulatedInstance final : public Instance {
 public:
  SimulatedInstance(std::shared_ptr<const SimulatedProgram> program, std::span<Buffer* const> inputs,
                    std::span<Buffer* const> outputs, std::unique_ptr<Reservation> activations)
      : m_program(std::move(program)),
        m_inputs(inputs.begin(), inputs.end()),
        m_outputs(outputs.begin(), outputs.end()),
        m_activations(std::move(activations)) {}

  Result<void> run(Stream& stream) override {
    TANDEM_ASSERT(&stream.device() == &m_program->device());
    auto& simulated = static_cast<SimulatedStream&>(stream);
    const Segment& segment = m_program->segment();
    const Graph& graph = *segment.graph;
    std::map<ValueId, Tensor> tensors;
    for (std::size_t i = 0; i < segment.inputs.size(); ++i)
      tensors[segment.inputs[i]] = Tensor::wrap(graph.value(segment.inputs[i]).desc, memoryOf(m_inputs[i]), nullptr);

    for (std::size_t n = 0; n < segment.nodes.size(); ++n) {
      const Node& node = graph.node(segment.nodes[n]);
      TANDEM_TRY(simulated.runKernel(node, m_program->kernelMs(n), m_program->cancel()));
      std::vector<Tensor> inputs(node.inputs.size());
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (!node.inputs[i].valid()) continue;
        const Value& value = graph.value(node.inputs[i]);
        inputs[i] = value.isConstant() ? value.constant : tensors.at(node.inputs[i]);
      }
      std::vector<Tensor> outputs = TANDEM_TRY(evaluate(node, inputs));
      for (std::size_t i = 0; i < outputs.size(); ++i)
        if (node.outputs[i].valid()) tensors[node.outputs[i]] = std::move(outputs[i]);
    }
    for (std::size_t i = 0; i < segment.outputs.size(); ++i) {
      const Tensor& tensor = tensors.at(segment.outputs[i]);
      if (tensor.desc() != graph.value(segment.outputs[i]).desc)
        return makeError(ErrorCode::Internal, "the tensor has another shape than expected: " + tensor.desc().toString(),
                         graph.value(segment.outputs[i]).name);
      std::memcpy(memoryOf(m_outputs[i]), tensor.data(), tensor.bytes());
    }
    return {};
  }

 private:
  static void* memoryOf(Buffer* buffer) { return static_cast<SimulatedBuffer*>(buffer)->memory(); }

  std::shared_ptr<const SimulatedProgram> m_program;
  std::vector<Buffer*> m_inputs;
  std::vector<Buffer*> m_outputs;
  std::unique_ptr<Reservation> m_activations;
};

Result<std::unique_ptr<Instance>> SimulatedProgram::instantiate(std::span<Buffer* const> inputs,
                                                                std::span<Buffer* const> outputs) const {
  TANDEM_ASSERT(inputs.size() == m_segment.inputs.size() && outputs.size() == m_segment.outputs.size());
  auto activations = TANDEM_TRY(Reservation::make(m_device, m_memory.activationsBytes));
  return std::unique_ptr<Instance>(
      std::make_unique<SimulatedInstance>(shared_from_this(), inputs, outputs, std::move(activations)));
}

} // namespace

Result<std::shared_ptr<const Program>> makeSimulatedProgram(SimulatedDevice& device, const Segment& segment,
                                                            const ProgramOptions& options) {
  auto program = std::make_shared<SimulatedProgram>(device, segment, options);
  TANDEM_TRY(program->reserveWeights());
  return std::shared_ptr<const Program>(std::move(program));
}

} // namespace tandem
