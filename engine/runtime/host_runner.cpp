// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/host_runner.hpp"

#include "engine/ops/control_flow.hpp"
#include "engine/runtime/execution_slot.hpp"

#include <algorithm>
#include <cstring>

namespace tandem {
namespace {

constexpr std::size_t kMaxParts = 16;
constexpr std::size_t kMaxRemembered = 4096;
constexpr std::size_t kMaxSignatureBytes = 4096; ///< of elements that steer shapes
/// Below this a reference kernel is done sooner than a compiled part is set up.
constexpr double kCostlyFlops = 2e5;

/// Empty where the elements that steer shapes are too many to tell parts apart by.
std::optional<std::string> signatureOf(const Graph& graph, std::span<const Tensor> inputs) {
  std::string signature;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    signature += inputs[i].desc().toString() + ";";
    if (!steersShapes(graph, graph.inputs()[i])) continue;
    if (inputs[i].bytes() > kMaxSignatureBytes) return std::nullopt;
    signature.append(static_cast<const char*>(inputs[i].data()), inputs[i].bytes());
  }
  return signature;
}

/// The node alone in a graph: its non-constant inputs are graph inputs, in order and without repeats.
struct SingleNode {
  Graph graph;
  std::vector<Tensor> inputs;
};

SingleNode isolate(const Graph& graph, const Node& node, std::span<const Tensor> inputs) {
  SingleNode single;
  single.graph.name = node.name;
  single.graph.opset = graph.opset;
  Node copy = node;
  copy.origins.clear();
  std::map<ValueId, ValueId> added;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (!node.inputs[i].valid()) continue;
    const Value& value = graph.value(node.inputs[i]);
    auto [it, isNew] = added.try_emplace(node.inputs[i]);
    if (isNew && value.isConstant()) it->second = single.graph.addConstant(value.name, value.constant);
    if (isNew && !value.isConstant()) {
      it->second = single.graph.addInput(value.name, inputs[i].desc());
      single.inputs.push_back(inputs[i]);
    }
    copy.inputs[i] = it->second;
  }
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (!node.outputs[i].valid()) continue;
    Value output;
    output.name = graph.value(node.outputs[i]).name;
    copy.outputs[i] = single.graph.addValue(std::move(output));
  }
  const std::vector<ValueId> outputs = copy.outputs;
  single.graph.addNode(std::move(copy));
  for (ValueId output : outputs)
    if (output.valid()) single.graph.addOutput(output);
  return single;
}

/// Rank of work without looking at shapes: what is not even a candidate costs nothing to find out.
bool mayBeCostly(const OpDef& def) { return def.flops && !def.has(OpTrait::Elementwise) && !def.has(OpTrait::Control); }

} // namespace

HostRunner::HostRunner(Device& host, int threads, bool compiled)
    : m_host(host),
      m_threads(threads),
      m_compiled(compiled) {}
HostRunner::~HostRunner() = default;

Result<std::vector<Tensor>> HostRunner::run(const Graph& graph, NodeId id, std::span<const Tensor> inputs,
                                            const CancelToken& cancel) {
  const Node& node = graph.node(id);
  const OpDef* def = findOp(node);
  const StopRequest stop = [&] { return cancel.cancelled(); };
  if (def && def->has(OpTrait::Control)) {
    const RunBody run = [&](const Graph& body, std::span<const Tensor> given) { return runBody(body, given, cancel); };
    return runControl(node, inputs, run, stop);
  }
  if (!def || !mayBeCostly(*def)) return evaluate(node, inputs, stop);

  SingleNode single = isolate(graph, node, inputs);
  const auto signature = signatureOf(single.graph, single.inputs);
  if (!signature) return evaluate(node, inputs, stop);
  const Key key{&node, *signature};
  ExecutionSlot* slot = nullptr;
  const bool known = std::any_of(m_parts.begin(), m_parts.end(), [&](const Part& part) { return part.key == key; });
  if (known) {
    slot = part(key, single.graph, single.inputs, cancel);
  } else if (!m_refused.contains(key)) {
    Graph shaped = single.graph;
    const bool inferred = inferShapes(shaped).ok();
    const Node& only = shaped.nodes().front();
    const bool isStatic = std::all_of(only.outputs.begin(), only.outputs.end(), [&](ValueId output) {
      return !output.valid() || shaped.value(output).isStatic();
    });
    if (inferred && isStatic && costOf(shaped, only).flops >= kCostlyFlops)
      slot = part(key, single.graph, single.inputs, cancel);
  }
  if (!slot) return evaluate(node, inputs, stop);
  std::vector<Tensor> present = TANDEM_TRY(runPart(*slot, single.inputs, cancel));
  std::vector<Tensor> outputs(node.outputs.size());
  for (std::size_t i = 0, next = 0; i < outputs.size(); ++i)
    if (node.outputs[i].valid()) outputs[i] = std::move(present[next++]);
  return outputs;
}

/// The first time a body is interpreted, so that one that meets new shapes in every iteration is never compiled.
Result<std::vector<Tensor>> HostRunner::runBody(const Graph& body, std::span<const Tensor> inputs,
                                                const CancelToken& cancel) {
  const auto signature = signatureOf(body, inputs);
  if (!signature) return interpretBody(body, inputs, cancel);
  const Key key{&body, *signature};
  if (m_seen.size() > kMaxRemembered) m_seen.clear();
  if (m_seen.insert(key).second) return interpretBody(body, inputs, cancel);
  if (ExecutionSlot* slot = part(key, body, inputs, cancel)) return runPart(*slot, inputs, cancel);
  return interpretBody(body, inputs, cancel);
}

Result<std::vector<Tensor>> HostRunner::interpretBody(const Graph& body, std::span<const Tensor> inputs,
                                                      const CancelToken& cancel) {
  return interpret(body, inputs, [&](NodeId id, std::span<const Tensor> given) -> Result<std::vector<Tensor>> {
    TANDEM_TRY(cancel.check());
    return run(body, id, given, cancel);
  });
}

ExecutionSlot* HostRunner::part(const Key& key, const Graph& graph, std::span<const Tensor> inputs,
                                const CancelToken& cancel) {
  auto found = std::find_if(m_parts.begin(), m_parts.end(), [&](const Part& part) { return part.key == key; });
  if (found != m_parts.end()) {
    m_parts.splice(m_parts.begin(), m_parts, found);
    return m_parts.front().slot.get();
  }
  if (m_refused.contains(key)) return nullptr;
  auto build = [&]() -> Result<std::unique_ptr<ExecutionSlot>> {
    BoundGraph bound = TANDEM_TRY(bindBody(graph, inputs));
    for (std::uint32_t i = 0; i < bound.graph.nodes().size(); ++i)
      if (!m_host.supports(bound.graph, NodeId(i)).ok())
        return makeError(ErrorCode::Unsupported, "no kernel", bound.graph.nodes()[i].name);
    std::vector<Device*> deviceOf(bound.graph.nodes().size(), &m_host);
    CompileOptions options;
    options.compiled = m_compiled;
    options.threads = m_threads;
    options.cancel = cancel;
    auto executable = TANDEM_TRY(Executable::compile(std::move(bound), std::move(deviceOf), m_host, options));
    return executable->createSlot();
  };
  auto slot = build();
  if (!slot) {
    if (m_refused.size() > kMaxRemembered) m_refused.clear();
    if (slot.error().code != ErrorCode::Cancelled) m_refused.insert(key);
    return nullptr;
  }
  if (m_attach) (*slot)->attachCurrentThread();
  m_parts.push_front({key, std::move(*slot)});
  if (m_parts.size() > kMaxParts) m_parts.pop_back();
  return m_parts.front().slot.get();
}

Result<std::vector<Tensor>> HostRunner::runPart(ExecutionSlot& slot, std::span<const Tensor> inputs,
                                                const CancelToken& cancel) {
  TANDEM_TRY(slot.setInputs(inputs));
  TANDEM_TRY(slot.run(cancel));
  std::vector<Tensor> outputs;
  // The slot's memory is written again by the next iteration, while these results are still in use.
  for (std::size_t i = 0; i < slot.outputCount(); ++i) outputs.push_back(slot.output(i).clone());
  return outputs;
}

} // namespace tandem
