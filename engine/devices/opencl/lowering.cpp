// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/lowering.hpp"

#include "engine/devices/opencl/kernels/chain.hpp"
#include "engine/devices/opencl/kernels/element_op.hpp"
#include "engine/devices/opencl/kernels/emit.hpp"
#include "engine/tensor/visit.hpp"

#include <algorithm>

namespace tandem::opencl {
namespace {

/// Floats that a conv tile may read behind the last pixel of a blocked value (values of unused tile columns).
constexpr std::int64_t kTileSlack = 1024;

/// Bytes of a blocked value up to which the zeros around it stay in memory that only its like may use. Above, writing
/// them each time costs little beside the work on what they surround.
constexpr std::int64_t kMostKept = std::int64_t{2} << 20;

struct Dims4 {
  std::int64_t n = 1, c = 1, h = 1, w = 1;
};
Dims4 dims4(const Shape& shape) {
  TANDEM_ASSERT(shape.rank() == 3 || shape.rank() == 4);
  if (shape.rank() == 3) return {shape[0], shape[1], 1, shape[2]};
  return {shape[0], shape[1], shape[2], shape[3]};
}

/// One pixel per channel, as behind a global pool: the blocks are the row-major list of channels.
bool isRowMajorAlready(const BlockedView& view) {
  return view.h * view.w == 1 && view.origin == 0 && view.rowStride == view.blocking.block &&
         view.blockStride == view.rowStride && (view.n == 1 || view.batchStride == view.c);
}

std::vector<NodeId> tailNodes(const Segment& segment, NodeId product) {
  const auto tail = productTail(segment, product);
  return tail ? tail->nodes : std::vector<NodeId>();
}

} // namespace

Lowering::Lowering(const DeviceContext& device, const Segment& segment, const ProgramOptions& options,
                   ChoicePolicy& policy)
    : m_device(device),
      m_segment(segment),
      m_compiled(options.compiled),
      m_precision(options.precision),
      m_policy(policy) {
  for (std::size_t i = 0; i < segment.inputs.size(); ++i)
    m_values[segment.inputs[i]].plain = {Ref::Kind::Input, static_cast<int>(i)};
  for (std::size_t i = 0; i < segment.outputs.size(); ++i) m_outputIndex[segment.outputs[i]] = static_cast<int>(i);
}

Result<void> Lowering::run(const CancelToken& cancel) {
  m_blocks = planBlocks(m_device, m_segment, m_compiled);
  std::vector<std::vector<NodeId>> groups;
  ChainRules rules = chainRules(graph(), m_device.float64);
  rules.tailOf = [&](NodeId id) { return canHaveTail(id) ? tailNodes(m_segment, id) : std::vector<NodeId>(); };
  if (m_compiled)
    groups = planChains(m_segment, rules);
  else
    for (NodeId id : m_segment.nodes) groups.push_back({id});
  for (const std::vector<NodeId>& nodes : groups) {
    TANDEM_TRY(cancel.check());
    if (nodes.size() > 1 && canHaveTail(nodes.front()))
      TANDEM_TRY(lowerWithTail(nodes));
    else if (nodes.size() > 1)
      lowerGroup(nodes);
    else
      TANDEM_TRY(lowerNode(nodes.front()));
  }
  storeOutputs();
  return {};
}

/// Matrix products of CPU style; on GPUs plain ones are CLBlast's, which add nothing.
bool Lowering::canHaveTail(NodeId id) const {
  const Node& node = graph().node(id);
  return !gpuStyle() && node.type == "MatMul" && (node.domain.empty() || node.domain == "ai.onnx");
}

Result<void> Lowering::lowerWithTail(const std::vector<NodeId>& nodes) {
  const std::size_t firstStep = m_steps.size();
  const KernelDef* def = findKernel(graph().node(nodes.front()));
  enterNode(nodes.front(), def->widens);
  m_label = namesOf(nodes);
  m_tail = productTail(m_segment, nodes.front());
  TANDEM_TRY(def->lower(*this));
  m_tail.reset();
  const std::string name = kernelName(firstStep);
  for (NodeId id : nodes)
    m_kernels.push_back({id, name + (nodes.size() > 2 ? " + bias, activation" : " + bias"), false, nodes.front()});
  return {};
}

/// What people see of the current node's kernel, whose steps begin at `firstStep`.
std::string Lowering::kernelName(std::size_t firstStep) const {
  const bool halves =
      std::any_of(m_steps.begin() + static_cast<std::ptrdiff_t>(firstStep), m_steps.end(),
                  [](const Step& step) { return step.options.find(weightOption(true)) != std::string::npos; });
  return "opencl " + m_kernelName + (halves ? " float16" : "");
}

/// "Add a, Relu b, ...".
std::string Lowering::namesOf(const std::vector<NodeId>& nodes) const {
  constexpr std::size_t kMostNames = 4;
  std::string names;
  for (std::size_t i = 0; i < nodes.size() && i < kMostNames; ++i)
    names += (i > 0 ? ", " : "") + graph().node(nodes[i]).type + " " + graph().node(nodes[i]).name;
  return nodes.size() > kMostNames ? names + ", ..." : names;
}

void Lowering::lowerGroup(const std::vector<NodeId>& nodes) {
  enterNode(nodes.front(), false);
  const std::string name = "chain of " + std::to_string(nodes.size());
  m_label = name + ": " + namesOf(nodes);
  lowerChain(*this, nodes, outsideOutputs(m_segment, nodes));
  finishBlockedOutputs();
  for (NodeId id : nodes) m_kernels.push_back({id, "opencl " + name, false, nodes.front()});
}

Result<void> Lowering::lowerNode(NodeId id) {
  const std::size_t firstStep = m_steps.size();
  const KernelDef* def = findKernel(graph().node(id));
  TANDEM_ASSERT(def != nullptr);
  enterNode(id, def->widens);
  TANDEM_TRY(def->lower(*this));
  finishBlockedOutputs();
  narrowOutputs();
  if (!m_compiled) { // every result leaves its node in row-major storage, as an eager framework's would
    for (ValueId value : m_node->outputs) {
      if (!value.valid() || !m_values.contains(value)) continue; // an output nobody reads was never made
      plainOf(value);
      stored(value).blocked.reset();
    }
    for (ValueId value : m_node->inputs)
      if (value.valid()) stored(value).blocked.reset();
    m_wholes.clear();
  }
  if (m_kernelName.empty()) m_kernelName = m_steps.size() > firstStep ? m_steps.back().kernel : "view, no copy";
  m_kernels.push_back({id, kernelName(firstStep), false, {}});
  return {};
}

void Lowering::storeOutputs() {
  for (ValueId value : m_segment.outputs) {
    const Ref target{Ref::Kind::Output, m_outputIndex.at(value)};
    const Ref have = plainOf(value);
    if (have != target) copy(have, target, graph().value(value).desc.bytes());
  }
}

void Lowering::enterNode(NodeId id, bool widens) {
  m_nodeId = id;
  m_node = &graph().node(id);
  m_kernelName.clear();
  m_label = m_node->type + " " + m_node->name;
  m_widens = widens;
  m_wide.clear();
  const auto descs = [&](const std::vector<ValueId>& values, std::vector<TensorDesc>& result) {
    result.clear();
    for (ValueId value : values) {
      result.push_back(value.valid() ? graph().value(value).desc : TensorDesc());
      if (isWidened(value)) result.back().type = DataType::Float32;
    }
  };
  descs(m_node->inputs, m_inputDescs);
  descs(m_node->outputs, m_outputDescs);
}

bool Lowering::isWidened(ValueId value) const {
  if (!m_widens || !value.valid()) return false;
  const DataType type = graph().value(value).desc.type;
  return type == DataType::Float16 || type == DataType::BFloat16;
}

const Tensor& Lowering::inputTensor(std::size_t i) const {
  const ValueId value = m_node->inputs[i];
  const Tensor& constant = graph().value(value).constant;
  if (!isWidened(value)) return constant;
  Tensor& wide = m_wideConstants[value];
  if (wide.defined()) return wide;
  wide = Tensor::uninitialized({DataType::Float32, constant.shape()});
  visitFloating(constant.type(), [&]<class T>(TypeTag<T>) {
    const auto from = constant.as<T>();
    std::transform(from.begin(), from.end(), wide.mutableAs<float>().begin(),
                   [](T x) { return static_cast<float>(x); });
  });
  return wide;
}

void Lowering::convert(Ref from, DataType fromType, Ref to, DataType toType, std::int64_t count) {
  Step step = perElement("numbers+convert", "convert", convertOptions(fromType, toType), count);
  step.args = {from, to, toInt(count)};
  launch(std::move(step));
}

void Lowering::narrowOutputs() {
  for (ValueId value : m_node->outputs) {
    if (!isWidened(value)) continue;
    const auto wide = m_wide.find(value);
    if (wide == m_wide.end()) continue;
    const TensorDesc& desc = graph().value(value).desc;
    Stored& entry = stored(value);
    if (entry.plain.kind == Ref::Kind::None) entry.plain = newPlain(value);
    convert(wide->second, DataType::Float32, entry.plain, desc.type, desc.shape.elements());
  }
  m_wide.clear();
}

Lowering::Stored& Lowering::stored(ValueId value) { return m_values[value]; }

Ref Lowering::newPlain(ValueId value) {
  if (auto found = m_outputIndex.find(value); found != m_outputIndex.end()) return {Ref::Kind::Output, found->second};
  return scratch(graph().value(value).desc.bytes());
}

Ref Lowering::plainOf(ValueId value) {
  Stored& entry = stored(value);
  if (entry.plain.kind != Ref::Kind::None) return entry.plain;
  const Value& data = graph().value(value);
  if (data.isConstant()) {
    entry.plain = {Ref::Kind::Weight, static_cast<int>(m_weights.size())};
    m_weights.push_back({{}, data.constant});
    return entry.plain;
  }
  TANDEM_ASSERT(entry.blocked.has_value());
  if (!m_outputIndex.contains(value) && isRowMajorAlready(*entry.blocked)) return entry.plain = entry.blocked->ref;
  entry.plain = newPlain(value);
  launchLayout("unblock", *entry.blocked, {entry.blocked->ref, entry.plain});
  return entry.plain;
}

Ref Lowering::input(std::size_t i) {
  const ValueId value = m_node->inputs[i];
  if (!isWidened(value)) return plainOf(value);
  Ref& wide = m_wide[value];
  if (wide.kind != Ref::Kind::None) return wide;
  if (inputIsConstant(i)) {
    wide = {Ref::Kind::Weight, static_cast<int>(m_weights.size())};
    m_weights.push_back({{}, inputTensor(i)});
    return wide;
  }
  const Ref plain = plainOf(value);
  const TensorDesc& desc = graph().value(value).desc;
  wide = scratch(desc.shape.elements() * static_cast<std::int64_t>(sizeof(float)));
  convert(plain, desc.type, wide, DataType::Float32, desc.shape.elements());
  return wide;
}

Ref Lowering::output(std::size_t i) {
  const ValueId value = m_tail && i == 0 ? graph().node(m_tail->nodes.back()).outputs[0] : m_node->outputs[i];
  if (isWidened(value)) {
    Ref& wide = m_wide[value];
    if (wide.kind == Ref::Kind::None)
      wide = scratch(graph().value(value).desc.shape.elements() * static_cast<std::int64_t>(sizeof(float)));
    return wide;
  }
  return newPlainOf(value);
}

Ref Lowering::newPlainOf(ValueId value) {
  Stored& entry = stored(value);
  if (entry.plain.kind == Ref::Kind::None) entry.plain = newPlain(value);
  return entry.plain;
}

void Lowering::alias(std::size_t output, std::size_t input) {
  const ValueId from = m_node->inputs[input];
  const ValueId to = m_node->outputs[output];
  const Stored source = stored(from);
  // The same shape keeps its blocks as well (Identity, Dropout).
  const Blocking wanted = m_blocks.blockingOf(to);
  if (source.blocked && graph().value(from).desc == graph().value(to).desc && !m_blocks.places.contains(to) &&
      source.blocked->blocking.block == wanted.block && source.blocked->blocking.haloH >= wanted.haloH &&
      source.blocked->blocking.haloW >= wanted.haloW) {
    stored(to) = source;
    return;
  }
  const Ref plain = plainOf(from);
  stored(to).plain = plain;
}

bool Lowering::inputIsBlocked(std::size_t i) const { return hasInput(i) && isBlocked(m_node->inputs[i]); }

bool Lowering::isBlocked(ValueId value) const {
  auto found = m_values.find(value);
  return found != m_values.end() && found->second.blocked && found->second.blocked->blocking.block == 16;
}

std::int64_t Lowering::blockOf(ValueId value) const { return m_blocks.blockingOf(value).block; }

bool Lowering::inputCanBlock(std::size_t i) const {
  if (!hasInput(i) || isWidened(m_node->inputs[i])) return false;
  return inputIsBlocked(i) || (canBlock(m_node->inputs[i]) && m_blocks.blockingOf(m_node->inputs[i]).block == 16);
}

Ref Lowering::blockedMemory(ValueId whole, const BlockedView& view) {
  const auto found = m_wholes.find(whole);
  if (found != m_wholes.end()) return found->second;
  const std::int64_t bytes = (view.n * view.batchStride + kTileSlack) * 4;
  const Ref ref = scratch(bytes);
  m_wholes[whole] = ref;
  if (view.blocking.haloH + view.blocking.haloW > 0 && bytes <= kMostKept) {
    const std::array<std::int64_t, 7> extents{view.n,
                                              view.batchStride / view.blockStride,
                                              view.h,
                                              view.w,
                                              view.blocking.block,
                                              view.blocking.haloH,
                                              view.blocking.haloW};
    m_arenaClasses[static_cast<std::size_t>(ref.index)] =
        m_haloClasses.try_emplace(extents, static_cast<int>(m_haloClasses.size())).first->second;
  }
  return ref;
}

BlockedView Lowering::blockedView(ValueId value) {
  const Dims4 d = dims4(graph().value(value).desc.shape);
  const BlockPlace place = m_blocks.placeOf(value);
  BlockedView view;
  view.blocking = m_blocks.blockingOf(value);
  const std::int64_t block = view.blocking.block;
  view.n = d.n, view.c = d.c, view.h = d.h, view.w = d.w;
  view.blocks = ceilDivide(d.c, block);
  view.rowStride = (d.w + 2 * view.blocking.haloW) * block;
  view.blockStride = view.rowStride * (d.h + 2 * view.blocking.haloH);
  view.batchStride = view.blockStride * ceilDivide(graph().value(place.whole).desc.shape[1], block);
  view.origin = place.first * view.blockStride + view.blocking.haloH * view.rowStride + view.blocking.haloW * block;
  view.ref = blockedMemory(place.whole, view);
  return view;
}

void Lowering::launchLayout(const char* kernel, const BlockedView& view, std::vector<Arg> args) {
  // Without anything around the rows a plane is one long row.
  const bool flat = view.blocking.haloH == 0 && view.blocking.haloW == 0;
  const std::int64_t h = flat ? 1 : view.h, w = flat ? view.h * view.w : view.w;
  const std::int64_t rows = rowsPerItem(h, view.n * view.blocks, w * view.blocking.block);
  Step step;
  step.source = "layout";
  step.kernel = kernel;
  step.options = "-DB=" + std::to_string(view.blocking.block);
  step.args = std::move(args);
  for (std::int64_t value : {view.c, h, w, view.blocks, rows, view.blocking.haloH, view.blocking.haloW, view.rowStride,
                             view.blockStride, view.batchStride, view.origin})
    step.args.emplace_back(toInt(value));
  step.global = {static_cast<std::size_t>(ceilDivide(h, rows)), static_cast<std::size_t>(view.n * view.blocks), 1};
  launch(std::move(step));
}

BlockedView Lowering::blockedInput(std::size_t i) { return blocked(m_node->inputs[i]); }

BlockedView Lowering::blocked(ValueId value) {
  Stored& entry = stored(value);
  if (entry.blocked) return *entry.blocked;
  const Ref plain = plainOf(value);
  const BlockedView view = blockedView(value);
  entry.blocked = view;
  launchLayout("block", view, {plain, view.ref});
  zeroHalo(view);
  return view;
}

BlockedView Lowering::blockedOutput(std::size_t i) { return newBlocked(m_node->outputs[i]); }

BlockedView Lowering::newBlocked(ValueId value) {
  TANDEM_ASSERT(canBlock(value));
  const BlockedView view = blockedView(value);
  stored(value).blocked = view;
  m_newBlocked.push_back(view);
  return view;
}

void Lowering::zeroHalo(const BlockedView& view) {
  const bool kept = m_arenaClasses[static_cast<std::size_t>(view.ref.index)] >= 0;
  if (!kept && view.blocking.haloH + view.blocking.haloW > 0) launchLayout("zero_halo", view, {view.ref});
}

void Lowering::finishBlockedOutputs() {
  for (const BlockedView& view : m_newBlocked) zeroHalo(view);
  m_newBlocked.clear();
}

const std::string& Lowering::choose(std::string key, std::vector<std::string> variants) {
  TANDEM_ASSERT(!variants.empty());
  NodeChoice& met = m_choices.emplace_back(NodeChoice{m_nodeId, {std::move(key), std::move(variants), 0}});
  Choice& choice = met.choice;
  if (choice.variants.size() > 1) choice.picked = m_policy.pick(choice.key, choice.variants);
  TANDEM_ASSERT(choice.picked < choice.variants.size());
  return choice.variants[choice.picked];
}

Ref Lowering::scratch(std::int64_t bytes) {
  m_arena.push_back({std::max<std::int64_t>(bytes, 64), -1, -1});
  m_arenaClasses.push_back(-1);
  return {Ref::Kind::Arena, static_cast<int>(m_arena.size()) - 1};
}

Ref Lowering::weight(std::vector<unsigned char> bytes) {
  m_weights.push_back({std::move(bytes), {}});
  return {Ref::Kind::Weight, static_cast<int>(m_weights.size()) - 1};
}

void Lowering::launch(Step step) {
  for (std::size_t extent : step.global)
    if (extent == 0) return;
  step.node = m_nodeId;
  step.traceNode = m_node->origins.empty() ? m_nodeId : m_node->origins.front();
  step.label = m_label;
  const int index = static_cast<int>(m_steps.size());
  for (const Arg& arg : step.args) {
    const Ref* ref = std::get_if<Ref>(&arg);
    if (!ref || ref->kind != Ref::Kind::Arena) continue;
    ArenaRequest& request = m_arena[static_cast<std::size_t>(ref->index)];
    if (request.first < 0) request.first = index;
    request.last = index;
  }
  m_steps.push_back(std::move(step));
}

void Lowering::copy(Ref src, Ref dst, std::int64_t bytes) {
  if (!gpuStyle()) {
    emitMove(*this, {bytes}, {src, DataType::UInt8, {1}}, {dst, DataType::UInt8, {1}});
    return;
  }
  Step step;
  step.source = "move";
  step.kernel = "copy_bytes";
  step.args = {src, dst, toInt(bytes)};
  constexpr std::int64_t kBytesPerItem = 16;
  constexpr std::int64_t kLocal = 64;
  step.global = {roundUp(ceilDivide(bytes, kBytesPerItem), kLocal), 1, 1};
  step.local = {kLocal, 1, 1};
  launch(std::move(step));
}

} // namespace tandem::opencl
