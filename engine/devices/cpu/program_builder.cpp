// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/program_builder.hpp"

#include "engine/devices/arena_plan.hpp"
#include "engine/devices/cpu/dnnl_kernel.hpp"
#include "engine/devices/cpu/reference_kernel.hpp"

#include <algorithm>
#include <new>

namespace tandem::cpu {
namespace {

/// Asks one factory; a primitive that oneDNN does not have for these shapes is a "no", memory that ran out is not.
std::optional<KernelPlan> ask(KernelFactory factory, const NodeView& view) {
  try {
    return factory(view);
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_out_of_memory) throw std::bad_alloc();
    return std::nullopt;
  }
}

} // namespace

ProgramBuilder::ProgramBuilder(const Segment& segment, const ProgramOptions& options, int threads, TimingCache& timings)
    : m_segment(segment),
      m_graph(*segment.graph),
      m_options(options),
      m_threads(threads),
      m_timings(timings) {}

Result<CompiledSegment> ProgramBuilder::build() {
  readUses();
  if (m_options.compiled) {
    findConcatSlots();
    m_convChoices = TANDEM_TRY(planConvolutions(m_segment, m_threads, m_timings, m_options.cancel));
  }
  for (std::size_t i = 0; i < m_segment.nodes.size(); ++i) {
    TANDEM_TRY(m_options.cancel.check());
    const Node& node = m_graph.node(m_segment.nodes[i]);
    const std::size_t firstStep = m_steps.size();
    TANDEM_TRY(addNode(m_segment.nodes[i], static_cast<int>(i)));
    m_result.groups.push_back({node.type + "  " + node.name,
                               node.origins.empty() ? m_segment.nodes[i] : node.origins.front(), firstStep,
                               m_steps.size()});
  }
  writeThroughOutputs();
  m_weights.complete(m_options.cancel);
  TANDEM_TRY(m_options.cancel.check());
  return finish();
}

void ProgramBuilder::readUses() {
  for (std::size_t i = 0; i < m_segment.inputs.size(); ++i) {
    const std::int64_t bytes = descOf(m_segment.inputs[i]).bytes();
    const int storage = newStorage(Location::Kind::Input, static_cast<std::uint32_t>(i), bytes, INT32_MAX);
    m_values[m_segment.inputs[i]].homes.push_back({storage, 0, {}});
    m_result.inputBytes.push_back(bytes);
  }
  for (std::size_t i = 0; i < m_segment.nodes.size(); ++i)
    for (ValueId input : m_graph.node(m_segment.nodes[i]).inputs)
      if (input.valid()) m_values[input].lastUse = static_cast<int>(i);
  for (std::size_t i = 0; i < m_segment.outputs.size(); ++i) {
    ValueState& state = m_values[m_segment.outputs[i]];
    if (state.output < 0) state.output = static_cast<int>(i);
    m_result.outputBytes.push_back(descOf(m_segment.outputs[i]).bytes());
  }
}

Result<KernelPlan> ProgramBuilder::choosePlan(const NodeView& view) const {
  const OpDef* def = findOp(view.node());
  if (!def || !def->reference)
    return makeError(ErrorCode::Unsupported, "operator " + view.node().type + " is not known here", view.node().name,
                     "place the node on another device");
  for (KernelFactory factory : kernelsFor(def->domain, def->type))
    if (std::optional<KernelPlan> plan = ask(factory, view)) return std::move(*plan);
  return referencePlan(view, *def);
}

Result<void> ProgramBuilder::addNode(NodeId id, int position) {
  const Node& node = m_graph.node(id);
  std::vector<Layout> layouts;
  for (ValueId input : node.inputs) {
    if (input.valid() && !m_graph.value(input).isStatic())
      return makeError(ErrorCode::Internal, "the shape is not known before the run", m_graph.value(input).name);
    // Asking for a constant's memory would make it resident; kernels that prepare their own do not need it.
    const bool computed = input.valid() && !m_graph.value(input).isConstant();
    layouts.push_back(computed ? stateOf(input).homes.front().layout : Layout{});
  }
  for (ValueId output : node.outputs)
    if (output.valid() && !m_graph.value(output).isStatic())
      return makeError(ErrorCode::Internal, "the shape is not known before the run", m_graph.value(output).name);

  if (finishConcat(id)) {
    m_result.kernels.push_back({id, "in place", false});
  } else {
    const auto choice = m_convChoices.find(id);
    const NodeView view(m_graph, id, std::move(layouts), m_options.compiled, m_threads, m_weights,
                        choice == m_convChoices.end() ? ConvChoice{} : choice->second);
    const KernelPlan plan = TANDEM_TRY(choosePlan(view));
    m_result.kernels.push_back({id, plan.name, plan.isReference});
    std::vector<Home> inputs = placeInputs(node, plan);
    placeOutputs(view, plan, inputs, position);
  }
  for (ValueId output : node.outputs) {
    if (!output.valid()) continue;
    if (!m_options.compiled) makePlain(output);
    writeOutput(output);
  }
  return {};
}

std::vector<ProgramBuilder::Home> ProgramBuilder::placeInputs(const Node& node, const KernelPlan& plan) {
  std::vector<Home> inputs(node.inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (node.inputs[i].valid() && plan.inputs[i].used) inputs[i] = homeIn(node.inputs[i], plan.inputs[i].layout);
  return inputs;
}

void ProgramBuilder::placeOutputs(const NodeView& view, const KernelPlan& plan, std::vector<Home>& inputs,
                                  int position) {
  const Node& node = view.node();
  std::vector<Home> outputs(node.outputs.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!node.outputs[i].valid()) continue;
    outputs[i] = placeOutput(view, i, plan, inputs, position);
    m_values[node.outputs[i]].homes = {outputs[i]};
    m_values[node.outputs[i]].made = true;
  }
  if (plan.viewOf != KernelPlan::kNone) {
    // Where nothing moves (the eager mode), a view is a copy like any other node.
    const Home& from = inputs[static_cast<std::size_t>(plan.viewOf)];
    if (from.storage != outputs[0].storage)
      addStep(makeCopy(static_cast<std::size_t>(view.output(0).bytes())), {from}, {outputs[0]}, 0);
    return;
  }
  if (plan.accumulates != KernelPlan::kNone) {
    Home& from = inputs[static_cast<std::size_t>(plan.accumulates)];
    if (from.storage != outputs[0].storage || from.offset != outputs[0].offset)
      addTransform(view.output(0), from, outputs[0]);
    from = {};
  }
  addStep(plan.kernel, std::move(inputs), std::move(outputs), plan.scratchBytes);
}

ProgramBuilder::Home ProgramBuilder::placeOutput(const NodeView& view, std::size_t index, const KernelPlan& plan,
                                                 const std::vector<Home>& inputs, int position) {
  const ValueId value = view.node().outputs[index];
  const ValueState& state = m_values[value];
  const Layout& layout = plan.outputs[index];
  const std::int64_t bytes = layoutBytes(view.output(index), layout);
  if (index == 0 && plan.viewOf != KernelPlan::kNone && m_options.compiled) {
    Home home = inputs[static_cast<std::size_t>(plan.viewOf)];
    home.layout = layout;
    Storage& storage = m_storages[static_cast<std::size_t>(home.storage)];
    storage.lastNode = std::max(storage.lastNode, state.lastUse);
    return home;
  }
  if (state.output >= 0 && layout.isPlain())
    return {newStorage(Location::Kind::Output, static_cast<std::uint32_t>(state.output), bytes, INT32_MAX), 0, layout};
  if (std::optional<Home> slot = placeInConcat(value, layout)) return *slot;
  std::vector<int> candidates = plan.overwrites;
  if (plan.accumulates != KernelPlan::kNone) candidates.push_back(plan.accumulates);
  for (int input : candidates) {
    if (index != 0 || !mayOverwrite(plan, input, inputs, bytes, position)) continue;
    Home home = inputs[static_cast<std::size_t>(input)];
    home.layout = layout;
    Storage& storage = m_storages[static_cast<std::size_t>(home.storage)];
    storage.lastNode = std::max(storage.lastNode, state.lastUse);
    return home;
  }
  return {newStorage(Location::Kind::Arena, 0, bytes, state.lastUse), 0, layout};
}

bool ProgramBuilder::mayOverwrite(const KernelPlan& plan, int input, const std::vector<Home>& inputs,
                                  std::int64_t bytes, int position) const {
  if (!m_options.compiled) return false;
  const Home& home = inputs[static_cast<std::size_t>(input)];
  if (home.storage < 0) return false;
  const Storage& storage = m_storages[static_cast<std::size_t>(home.storage)];
  if (storage.kind != Location::Kind::Arena || storage.open || storage.lastNode > position) return false;
  if (home.offset + bytes > storage.bytes) return false;
  if (plan.accumulates == KernelPlan::kNone) return true;
  // The kernel reads its other inputs while it writes: none of them may be in the same place.
  return std::count_if(inputs.begin(), inputs.end(), [&](const Home& h) { return h.storage == home.storage; }) == 1;
}

void ProgramBuilder::makePlain(ValueId value) {
  ValueState& state = stateOf(value);
  const Home from = state.homes.front();
  if (from.layout.isPlain()) return;
  const std::int64_t bytes = descOf(value).bytes();
  const bool leaves = state.output >= 0;
  const Home to{newStorage(leaves ? Location::Kind::Output : Location::Kind::Arena,
                           leaves ? static_cast<std::uint32_t>(state.output) : 0, bytes, state.lastUse),
                0,
                {}};
  addTransform(descOf(value), from, to);
  state.homes = {to};
}

void ProgramBuilder::writeOutput(ValueId value) {
  const ValueState& state = stateOf(value);
  if (state.output < 0) return;
  const Home& home = state.homes.front();
  if (m_storages[static_cast<std::size_t>(home.storage)].kind == Location::Kind::Output &&
      m_storages[static_cast<std::size_t>(home.storage)].index == static_cast<std::uint32_t>(state.output))
    return;
  const Home to{
      newStorage(Location::Kind::Output, static_cast<std::uint32_t>(state.output), descOf(value).bytes(), INT32_MAX),
      0,
      {}};
  addTransform(descOf(value), home, to);
}

/// Outputs that no node makes (inputs and constants passed through) and outputs that are asked for twice.
void ProgramBuilder::writeThroughOutputs() {
  const std::size_t firstStep = m_steps.size();
  for (std::size_t i = 0; i < m_segment.outputs.size(); ++i) {
    const ValueId value = m_segment.outputs[i];
    ValueState& state = stateOf(value);
    if (state.made && state.output == static_cast<int>(i)) continue;
    const std::int64_t bytes = descOf(value).bytes();
    auto boundary = [&](std::size_t index) {
      return Home{newStorage(Location::Kind::Output, static_cast<std::uint32_t>(index), bytes, INT32_MAX), 0, {}};
    };
    // What a node made may be overwritten by now, except in the output it was first written to.
    const Home from = state.made ? boundary(static_cast<std::size_t>(state.output)) : homeIn(value, {});
    const Home to = boundary(i);
    addTransform(descOf(value), from, to);
  }
  if (m_steps.size() > firstStep) m_result.groups.push_back({"Copy outputs", NodeId{}, firstStep, m_steps.size()});
}

CompiledSegment ProgramBuilder::finish() {
  std::vector<ArenaRequest> requests;
  std::vector<std::size_t> requestOf(m_storages.size(), 0);
  for (std::size_t i = 0; i < m_storages.size(); ++i) {
    const Storage& storage = m_storages[i];
    if (storage.kind != Location::Kind::Arena || storage.first < 0) continue;
    requestOf[i] = requests.size();
    requests.push_back({storage.bytes, storage.first, storage.last});
  }
  const ArenaPlan arena = planArena(requests);
  auto locate = [&](const Home& home) {
    Location location;
    if (home.storage < 0) return location;
    const auto index = static_cast<std::size_t>(home.storage);
    location.kind = m_storages[index].kind;
    location.index = m_storages[index].index;
    location.offset = home.offset;
    if (location.kind == Location::Kind::Arena) location.offset += arena.offsets[requestOf[index]];
    return location;
  };
  for (PendingStep& pending : m_steps) {
    ProgramStep step;
    step.kernel = std::move(pending.kernel);
    for (const Home& home : pending.inputs) step.inputs.push_back(locate(home));
    for (const Home& home : pending.outputs) step.outputs.push_back(locate(home));
    step.scratch = locate({pending.scratch, 0, {}});
    m_result.steps.push_back(std::move(step));
  }
  m_result.memory.weightsBytes = m_weights.bytes();
  m_result.memory.pieces = m_weights.pieces();
  m_result.memory.activationsBytes = arena.bytes;
  return std::move(m_result);
}

} // namespace tandem::cpu
