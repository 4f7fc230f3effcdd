// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/executable.hpp"

#include "engine/base/clock.hpp"
#include "engine/runtime/execution_slot.hpp"
#include "engine/runtime/single_node.hpp"
#include "engine/tensor/element_source.hpp"

#include <algorithm>
#include <map>

namespace tandem {
namespace {

/// Passes that devices rely on: after them every shape input of a static node is a constant.
const std::set<std::string, std::less<>>& neededPasses() {
  static const std::set<std::string, std::less<>> names{"fold_constants", "remove_dead"};
  return names;
}

bool isFused(const Node& node) { return node.domain == "tandem"; }

/// Bytes of the constants that a node and its subgraphs read and that are not in `seen` yet: outer weights are shared
/// by the subgraphs. The readers limit how deep those are nested.
std::int64_t constantBytes(const Graph& graph, const Node& node, std::set<const void*>& seen) {
  std::int64_t bytes = 0;
  for (ValueId input : node.inputs) {
    if (!input.valid() || !graph.value(input).isConstant()) continue;
    const Tensor& constant = graph.value(input).constant;
    if (seen.insert(constant.data()).second) bytes += static_cast<std::int64_t>(constant.bytes());
  }
  for (const auto& [name, attribute] : node.attributes)
    if (const auto* body = std::get_if<std::shared_ptr<const Graph>>(&attribute); body && *body)
      for (const Node& inner : (*body)->nodes()) bytes += constantBytes(**body, inner, seen);
  return bytes;
}

constexpr std::int64_t kLeastReleased = 4096; ///< smaller ones steer shapes, or are not worth the trouble

/// Stands for elements that only a program's own copy still holds.
class Released final : public ElementSource {
  void write(void*, std::size_t, std::size_t) const override {
    assertionFailed("constants of a program are read from the program", __FILE__, __LINE__);
  }
};

} // namespace

Result<void> checkPrecision(Precision precision, const std::vector<Device*>& devices) {
  if (precision == Precision::Model) return {};
  const Device* first = nullptr;
  for (const Device* device : devices) {
    if (!device) continue;
    if (device->info().halfWeights) return {};
    if (!first) first = device;
  }
  return noFloat16(first ? first->id() : std::string());
}

Result<std::shared_ptr<const Executable>> Executable::compile(BoundGraph bound, std::vector<Device*> deviceOf,
                                                              Device& host, const CompileOptions& options) {
  const std::int64_t start = nowNs();
  TANDEM_TRY(checkPrecision(options.precision, deviceOf));
  std::shared_ptr<Executable> executable(new Executable());
  executable->m_graph = bound.graph;
  executable->m_host = &host;
  executable->m_options = options;
  TANDEM_TRY(executable->optimize(deviceOf, bound.known));

  auto deviceOfNode = [&](const Node& node) { return deviceOf[node.origins.front().index()]; };
  // A device may run the parts and not the fused whole; then this executable goes without fusion.
  const auto& nodes = executable->m_graph.nodes();
  const bool fusionFits = std::all_of(nodes.begin(), nodes.end(), [&](const Node& node) {
    const NodeId id(static_cast<std::uint32_t>(&node - nodes.data()));
    return !isFused(node) || deviceOfNode(node)->supports(executable->m_graph, id).ok();
  });
  if (!fusionFits) {
    executable->m_graph = std::move(bound.graph);
    for (const PassReport& report : executable->m_passes)
      if (!neededPasses().contains(report.name)) executable->m_options.disabledPasses.insert(report.name);
    TANDEM_TRY(executable->optimize(deviceOf, bound.known));
  }
  TANDEM_TRY(executable->build(deviceOf));
  executable->m_compileMs = toMs(nowNs() - start);
  return std::shared_ptr<const Executable>(std::move(executable));
}

Result<void> Executable::optimize(const std::vector<Device*>& deviceOf, const std::map<ValueId, Tensor>& known) {
  resetOrigins(m_graph);
  // What passes bring into memory is this executable's, and goes with its constants.
  for (std::uint32_t i = 0; i < m_graph.values().size(); ++i)
    m_graph.value(ValueId(i)).constant = m_graph.value(ValueId(i)).constant.fresh();
  PassContext context;
  context.mayFuse = [&](const Node& a, const Node& b) {
    Device* device = deviceOf[a.origins.front().index()];
    auto same = [&](NodeId origin) { return deviceOf[origin.index()] == device; };
    return std::all_of(a.origins.begin(), a.origins.end(), same) &&
           std::all_of(b.origins.begin(), b.origins.end(), same);
  };
  context.mayUseBytes = [&](const Node& node) { return deviceOf[node.origins.front().index()]->info().int8; };
  context.canRun = [&](const Graph& graph, NodeId id) {
    return deviceOf[graph.node(id).origins.front().index()]->supports(graph, id).ok();
  };
  context.compute = [&](const Graph& graph, NodeId id, std::span<const Tensor> inputs) {
    return computeConstant(graph, id, inputs, *m_host, m_options.cancel);
  };
  context.known = &known;
  context.cancel = m_options.cancel;
  PassOptions passOptions;
  passOptions.disabled = m_options.disabledPasses;
  if (!m_options.compiled)
    for (const Pass& pass : allPasses())
      if (!neededPasses().contains(pass.name)) passOptions.disabled.emplace(pass.name);
  m_passes = TANDEM_TRY(runPasses(m_graph, context, passOptions));
  return {};
}

Result<void> Executable::build(const std::vector<Device*>& deviceOf) {
  std::vector<Device*> devices(m_graph.nodes().size());
  for (std::size_t i = 0; i < devices.size(); ++i) devices[i] = deviceOf[m_graph.nodes()[i].origins.front().index()];
  m_segments = planSegments(m_graph, devices, *m_host);
  ProgramOptions programOptions{m_options.compiled, m_options.threads, m_options.cancel, m_options.progress};
  double tuneSeconds = m_options.tune ? m_options.tune->budgetSeconds : 0;
  for (const PlannedSegment& planned : m_segments) {
    TANDEM_TRY(m_options.cancel.check());
    if (planned.dynamic) {
      m_programs.push_back(nullptr);
      continue;
    }
    programOptions.precision = planned.device->info().halfWeights ? m_options.precision : Precision::Model;
    if (m_options.tune) TANDEM_TRY(tune(planned, programOptions, tuneSeconds));
    m_programs.push_back(TANDEM_TRY(planned.device->compile(planned.segment, programOptions)));
  }
  m_options.progress = {}; // belongs to whoever waited for this
  m_options.tune.reset();  // so does its progress
  accountMemory();
  releaseConstants();
  return {};
}

Result<void> Executable::tune(const PlannedSegment& planned, const ProgramOptions& options, double& budgetSeconds) {
  TuneOptions tuning = *m_options.tune;
  tuning.budgetSeconds = budgetSeconds;
  tuning.cancel = m_options.cancel;
  SegmentTuning tuned{planned.device, TANDEM_TRY(planned.device->tune(planned.segment, options, tuning))};
  budgetSeconds = std::max(0.0, budgetSeconds - tuned.report.seconds);
  if (!tuned.report.choices.empty()) m_tuning.push_back(std::move(tuned));
  return {};
}

void Executable::releaseConstants() {
  std::vector<bool> needed(m_graph.values().size(), false);
  for (ValueId output : m_graph.outputs()) needed[output.index()] = true;
  for (const PlannedSegment& planned : m_segments) {
    const DeviceKind kind = planned.device->info().kind;
    // Programs of the native CPU hold what they read; nodes that run one by one, and simulated ones, read the graph.
    if (!planned.dynamic && kind == DeviceKind::NativeCpu) continue;
    for (NodeId id : planned.segment.nodes)
      for (ValueId input : m_graph.node(id).inputs)
        if (input.valid()) needed[input.index()] = true;
  }
  for (std::uint32_t i = 0; i < m_graph.values().size(); ++i) {
    Value& value = m_graph.value(ValueId(i));
    if (needed[i] || !value.isConstant() || value.desc.bytes() < kLeastReleased) continue;
    value.constant =
        value.constant.source() ? value.constant.fresh() : Tensor::from(value.desc, std::make_shared<Released>());
  }
}

std::vector<Device*> Executable::devices() const {
  std::vector<Device*> devices;
  for (const PlannedSegment& planned : m_segments)
    if (std::find(devices.begin(), devices.end(), planned.device) == devices.end()) devices.push_back(planned.device);
  if (devices.empty()) devices.push_back(m_host);
  return devices;
}

void Executable::accountMemory() {
  std::vector<ExecutableMemory>& memory = m_memory;
  auto of = [&](Device* device) -> ExecutableMemory& {
    for (ExecutableMemory& entry : memory)
      if (entry.device == device) return entry;
    memory.push_back({device, 0, 0, 0, {}});
    return memory.back();
  };
  std::set<const void*> seen;
  for (std::size_t s = 0; s < m_segments.size(); ++s) {
    if (!m_programs[s]) {
      for (NodeId id : m_segments[s].segment.nodes)
        of(m_segments[s].device).weightsBytes += constantBytes(m_graph, m_graph.node(id), seen);
      continue;
    }
    const ProgramMemory program = m_programs[s]->memory();
    ExecutableMemory& entry = of(m_segments[s].device);
    entry.weightsBytes += program.weightsBytes;
    entry.activationsBytes += program.activationsBytes;
    entry.pieces.insert(entry.pieces.end(), program.pieces.begin(), program.pieces.end());
  }
  const SlotPlan plan = planSlot(*this);
  for (std::size_t i = 0; i < plan.buffers.size(); ++i)
    if (plan.buffers[i].memory == i)
      of(plan.buffers[i].device).stagingBytes += static_cast<std::int64_t>(plan.buffers[i].bytes);
}

std::vector<KernelUse> Executable::kernels() const {
  std::vector<KernelUse> uses;
  for (std::size_t s = 0; s < m_segments.size(); ++s) {
    if (!m_programs[s]) {
      for (NodeId id : m_segments[s].segment.nodes)
        uses.push_back({m_graph.node(id).origins, m_segments[s].device, "reference", true});
      continue;
    }
    std::map<NodeId, std::size_t> shared; // kernels of several nodes, by what their KernelInfos name
    for (const KernelInfo& kernel : m_programs[s]->kernels()) {
      const std::vector<NodeId>& origins = m_graph.node(kernel.node).origins;
      if (kernel.together.valid()) {
        const auto [found, isNew] = shared.emplace(kernel.together, uses.size());
        if (!isNew) {
          std::vector<NodeId>& nodes = uses[found->second].openedNodes;
          nodes.insert(nodes.end(), origins.begin(), origins.end());
          continue;
        }
      }
      uses.push_back({origins, m_segments[s].device, kernel.kernel, kernel.isReference});
    }
  }
  return uses;
}

std::vector<PlannedTransfer> Executable::transfers() const {
  const SlotPlan plan = planSlot(*this);
  std::vector<PlannedTransfer> transfers;
  for (const SlotStep& step : plan.steps) {
    if (step.kind != SlotStep::Kind::Copy) continue;
    const PlannedBuffer& from = plan.buffers[step.from];
    const PlannedBuffer& to = plan.buffers[step.to];
    if (from.memory == to.memory) continue;
    transfers.push_back(
        {m_graph.value(from.value).name, from.device, to.device, static_cast<std::int64_t>(from.bytes)});
  }
  return transfers;
}

Result<std::unique_ptr<ExecutionSlot>> Executable::createSlot(BusyMeters* meters, DeviceTurns* turns) const {
  auto slot = std::make_unique<ExecutionSlot>(shared_from_this(), meters, turns);
  TANDEM_TRY(slot->initialize());
  return slot;
}

} // namespace tandem
