// SPDX-License-Identifier: GPL-3.0-or-later
// The part of the program builder that keeps book of memory: homes of values, reorders between layouts, and results of
// Concat that producers write directly.
#include "engine/devices/cpu/dnnl_kernel.hpp"
#include "engine/devices/cpu/program_builder.hpp"

#include <algorithm>

namespace tandem::cpu {
namespace {

// A value inside a result inside a result ... (DenseNet nests 24); bounds the recursion, not what is computed.
constexpr int kMaxNestedConcats = 256;

/// The layout of a whole Concat result whose parts have layout `part`; nullopt where parts would not be contiguous.
std::optional<Layout> wholeLayout(const Graph& graph, const Node& concat, const Layout& part) {
  if (part.isPlain()) return Layout{};
  const TensorDesc& whole = graph.value(concat.outputs[0]).desc;
  const std::int64_t block = channelBlock(part.desc());
  if (block != 16 && block != 8) return std::nullopt;
  for (ValueId input : concat.inputs)
    if (graph.value(input).desc.shape[1] % block != 0) return std::nullopt;
  return Layout::of(blockedDesc(whole, block));
}

std::size_t concatAxis(const Node& node, std::size_t rank) {
  return normalizeAxis(node.attributes.getInt("axis", 1), rank).value_or(rank);
}

} // namespace

ProgramBuilder::ValueState& ProgramBuilder::stateOf(ValueId value) {
  ValueState& state = m_values[value];
  const Value& data = m_graph.value(value);
  const bool hasPlain = !state.homes.empty() && state.homes.front().layout.isPlain();
  if (state.homes.empty() || (data.isConstant() && !hasPlain)) {
    TANDEM_ASSERT(data.isConstant());
    state.homes.insert(state.homes.begin(), Home{newConstant(m_weights.keep(data.constant)), 0, {}});
  }
  return state;
}

ProgramBuilder::Home ProgramBuilder::homeIn(ValueId value, const Layout& layout) {
  const Value& data = m_graph.value(value);
  ValueState& state = data.isConstant() && !layout.isPlain() ? m_values[value] : stateOf(value);
  for (const Home& home : state.homes)
    if (home.layout == layout) return home;
  Home home{-1, 0, layout};
  if (data.isConstant()) {
    home.storage = newConstant(m_weights.prepare(data.constant, plainDesc(data.desc), dnnlDesc(data.desc, layout)));
  } else {
    home.storage = newStorage(Location::Kind::Arena, 0, layoutBytes(data.desc, layout), state.lastUse);
    addTransform(data.desc, state.homes.front(), home);
  }
  if (m_options.compiled || data.isConstant()) state.homes.push_back(home);
  return home;
}

int ProgramBuilder::newStorage(Location::Kind kind, std::uint32_t index, std::int64_t bytes, int lastNode) {
  m_storages.push_back({kind, index, bytes, -1, -1, lastNode});
  return static_cast<int>(m_storages.size()) - 1;
}

int ProgramBuilder::newConstant(WeightsPtr weights) {
  m_result.constants.push_back(std::move(weights));
  return newStorage(Location::Kind::Constant, static_cast<std::uint32_t>(m_result.constants.size() - 1), 0, INT32_MAX);
}

void ProgramBuilder::touch(const Home& home) {
  if (home.storage < 0) return;
  Storage& storage = m_storages[static_cast<std::size_t>(home.storage)];
  const int step = static_cast<int>(m_steps.size());
  if (storage.first < 0) storage.first = step;
  storage.last = step;
}

void ProgramBuilder::addStep(std::shared_ptr<const Kernel> kernel, std::vector<Home> inputs, std::vector<Home> outputs,
                             std::int64_t scratchBytes) {
  PendingStep step;
  step.kernel = std::move(kernel);
  step.inputs = std::move(inputs);
  step.outputs = std::move(outputs);
  if (scratchBytes > 0) step.scratch = newStorage(Location::Kind::Arena, 0, scratchBytes, -1);
  for (const Home& home : step.inputs) touch(home);
  for (const Home& home : step.outputs) touch(home);
  touch({step.scratch, 0, {}});
  m_steps.push_back(std::move(step));
}

void ProgramBuilder::addTransform(const TensorDesc& desc, const Home& from, const Home& to) {
  if (desc.bytes() == 0) return;
  std::int64_t scratchBytes = 0;
  std::shared_ptr<const Kernel> kernel;
  if (from.layout == to.layout)
    kernel = makeCopy(static_cast<std::size_t>(layoutBytes(desc, from.layout)));
  else
    kernel = makeReorder(dnnlDesc(desc, from.layout), dnnlDesc(desc, to.layout), scratchBytes);
  addStep(std::move(kernel), {from}, {to}, scratchBytes);
}

/// Parts of a result are contiguous where nothing that is longer than one lies outside the joined axis.
bool ProgramBuilder::slotsPossible(NodeId concat) const {
  const Node& node = m_graph.node(concat);
  if (node.type != "Concat" || !node.domain.empty()) return false;
  const Shape& shape = descOf(node.outputs[0]).shape;
  const std::size_t axis = concatAxis(node, shape.rank());
  if (axis >= shape.rank() || shape.elements() == 0) return false;
  for (std::size_t i = 0; i < axis; ++i)
    if (shape[i] != 1) return false;
  return true;
}

void ProgramBuilder::findConcatSlots() {
  std::unordered_map<ValueId, bool> madeHere;
  for (NodeId id : m_segment.nodes)
    for (ValueId output : m_graph.node(id).outputs)
      if (output.valid()) madeHere[output] = true;
  for (NodeId id : m_segment.nodes) {
    if (m_graph.node(id).type != "Concat" || !m_graph.value(m_graph.node(id).outputs[0]).isStatic() ||
        !slotsPossible(id))
      continue;
    const Node& node = m_graph.node(id);
    const std::size_t axis = concatAxis(node, descOf(node.outputs[0]).shape.rank());
    std::int64_t offset = 0;
    for (ValueId input : node.inputs) {
      if (madeHere.contains(input) && m_values[input].output < 0) m_slots.try_emplace(input, ConcatSlot{id, offset});
      offset += descOf(input).shape[axis];
    }
  }
}

/// Where the result of a Concat lies: in its turn part of a Concat's result, an output, or memory of its own.
ProgramBuilder::Home ProgramBuilder::concatHome(ValueId result, const Layout& layout, int depth) {
  const ValueState& state = m_values[result];
  const bool leaves = state.output >= 0 && layout.isPlain();
  if (!leaves && depth < kMaxNestedConcats)
    if (std::optional<Home> slot = placeInConcat(result, layout, depth + 1)) return *slot;
  const int storage = newStorage(leaves ? Location::Kind::Output : Location::Kind::Arena,
                                 leaves ? static_cast<std::uint32_t>(state.output) : 0,
                                 layoutBytes(descOf(result), layout), state.lastUse);
  m_storages[static_cast<std::size_t>(storage)].open = true;
  return {storage, 0, layout};
}

std::optional<ProgramBuilder::Home> ProgramBuilder::placeInConcat(ValueId value, const Layout& layout, int depth) {
  auto slot = m_slots.find(value);
  if (slot == m_slots.end()) return std::nullopt;
  const Node& concat = m_graph.node(slot->second.concat);
  const TensorDesc& whole = descOf(concat.outputs[0]);
  const std::size_t axis = concatAxis(concat, whole.shape.rank());
  if (!layout.isPlain() && axis != 1) return std::nullopt;
  const std::optional<Layout> joined = wholeLayout(m_graph, concat, layout);
  if (!joined) return std::nullopt;
  auto home = m_concatHomes.find(slot->second.concat);
  if (home == m_concatHomes.end())
    home = m_concatHomes.emplace(slot->second.concat, concatHome(concat.outputs[0], *joined, depth)).first;
  if (!(home->second.layout == *joined)) return std::nullopt;
  Storage& storage = m_storages[static_cast<std::size_t>(home->second.storage)];
  storage.lastNode = std::max(storage.lastNode, m_values[value].lastUse);
  std::int64_t inner = static_cast<std::int64_t>(byteSize(whole.type));
  for (std::size_t i = axis + 1; i < whole.shape.rank(); ++i) inner *= whole.shape[i];
  return Home{home->second.storage, home->second.offset + slot->second.offset * inner, layout};
}

bool ProgramBuilder::finishConcat(NodeId id) {
  auto found = m_concatHomes.find(id);
  if (found == m_concatHomes.end()) return false;
  const Node& node = m_graph.node(id);
  const ValueId result = node.outputs[0];
  const Home whole = found->second;
  const TensorDesc& desc = descOf(result);
  const std::size_t axis = concatAxis(node, desc.shape.rank());
  std::int64_t inner = static_cast<std::int64_t>(byteSize(desc.type));
  for (std::size_t i = axis + 1; i < desc.shape.rank(); ++i) inner *= desc.shape[i];
  std::int64_t offset = whole.offset;
  for (ValueId input : node.inputs) {
    const TensorDesc& part = descOf(input);
    const Home& at = stateOf(input).homes.front();
    const std::int64_t bytes = part.shape[axis] * inner;
    if ((at.storage != whole.storage || at.offset != offset) && bytes > 0) {
      Home to{whole.storage, offset, {}};
      if (!whole.layout.isPlain()) to.layout = Layout::of(blockedDesc(part, channelBlock(whole.layout.desc())));
      addTransform(part, at, to);
    }
    offset += bytes;
  }
  Storage& storage = m_storages[static_cast<std::size_t>(whole.storage)];
  storage.lastNode = std::max(storage.lastNode, m_values[result].lastUse);
  // Inside another Concat's result the memory stays open until that one is complete.
  const auto outer = m_slots.find(result);
  const auto outerHome = outer == m_slots.end() ? m_concatHomes.end() : m_concatHomes.find(outer->second.concat);
  if (outerHome == m_concatHomes.end() || outerHome->second.storage != whole.storage) storage.open = false;
  m_values[result].homes = {whole};
  m_values[result].made = true;
  return true;
}

} // namespace tandem::cpu
