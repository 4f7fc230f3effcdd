// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/host_runner.hpp"

#include "engine/ops/control_flow.hpp"
#include "engine/runtime/execution_slot.hpp"
#include "engine/runtime/isolate_node.hpp"

#include <algorithm>

namespace tandem {
namespace {

constexpr std::size_t kMaxParts = 16;
constexpr std::size_t kMaxRemembered = 4096;
constexpr std::size_t kMaxKeyBytes = 4096; ///< more elements than that steer shapes: too many to tell parts apart by
/// Below this a reference kernel is done sooner than a compiled part is set up.
constexpr double kCostlyFlops = 2e5;

/// As shapeKey() for one node: what is constant in its graph is part of the node.
std::string nodeKey(const Graph& graph, const Node& node, const OpDef& def, std::span<const Tensor> inputs) {
  std::string key;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined() || graph.value(node.inputs[i]).isConstant()) continue;
    key += std::to_string(i) + " " + inputs[i].desc().toString() + ";";
    if (i < 32 && (def.shapeInputs >> i & 1u))
      key.append(static_cast<const char*>(inputs[i].data()), inputs[i].bytes());
  }
  return key;
}

/// Whether compiling pays for a node whose shapes are all known now.
bool isCostly(Graph alone) {
  if (!inferShapes(alone).ok()) return false;
  const Node& node = alone.nodes().front();
  const bool isStatic = std::all_of(node.outputs.begin(), node.outputs.end(),
                                    [&](ValueId output) { return !output.valid() || alone.value(output).isStatic(); });
  return isStatic && costOf(alone, node).flops >= kCostlyFlops;
}

/// Without looking at shapes: what is not even a candidate costs nothing to find out.
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

  const Key key{&node, nodeKey(graph, node, *def, inputs)};
  if (key.signature.size() > kMaxKeyBytes || m_refused.contains(key)) return evaluate(node, inputs, stop);
  std::vector<Tensor> given;
  for (std::size_t feed : feedsOf(graph, node)) given.push_back(inputs[feed]);
  ExecutionSlot* slot = find(key);
  if (!slot) {
    const IsolatedNode alone = isolateNode(graph, id, inputs);
    if (isCostly(alone.graph)) slot = compile(key, alone.graph, given, cancel);
  }
  if (!slot) {
    if (!cancel.cancelled()) refuse(key);
    return evaluate(node, inputs, stop);
  }
  std::vector<Tensor> present = TANDEM_TRY(runPart(*slot, given, cancel));
  std::vector<Tensor> outputs(node.outputs.size());
  for (std::size_t i = 0, next = 0; i < outputs.size(); ++i)
    if (node.outputs[i].valid()) outputs[i] = std::move(present[next++]);
  return outputs;
}

/// The first time a body is interpreted, so that one that meets new shapes in every iteration is never compiled.
Result<std::vector<Tensor>> HostRunner::runBody(const Graph& body, std::span<const Tensor> inputs,
                                                const CancelToken& cancel) {
  const Key key{&body, shapeKey(body, inputs)};
  if (key.signature.size() > kMaxKeyBytes || m_refused.contains(key)) return interpretBody(body, inputs, cancel);
  if (ExecutionSlot* slot = find(key)) return runPart(*slot, inputs, cancel);
  if (m_seen.size() > kMaxRemembered) m_seen.clear();
  if (m_seen.insert(key).second) return interpretBody(body, inputs, cancel);
  if (ExecutionSlot* slot = compile(key, body, inputs, cancel)) return runPart(*slot, inputs, cancel);
  if (!cancel.cancelled()) refuse(key);
  return interpretBody(body, inputs, cancel);
}

Result<std::vector<Tensor>> HostRunner::interpretBody(const Graph& body, std::span<const Tensor> inputs,
                                                      const CancelToken& cancel) {
  return interpret(body, inputs, [&](NodeId id, std::span<const Tensor> given) -> Result<std::vector<Tensor>> {
    TANDEM_TRY(cancel.check());
    return run(body, id, given, cancel);
  });
}

ExecutionSlot* HostRunner::find(const Key& key) {
  const auto found = std::find_if(m_parts.begin(), m_parts.end(), [&](const Part& part) { return part.key == key; });
  if (found == m_parts.end()) return nullptr;
  m_parts.splice(m_parts.begin(), m_parts, found);
  return m_parts.front().slot.get();
}

void HostRunner::refuse(const Key& key) {
  if (m_refused.size() > kMaxRemembered) m_refused.clear();
  m_refused.insert(key);
}

ExecutionSlot* HostRunner::compile(const Key& key, const Graph& graph, std::span<const Tensor> inputs,
                                   const CancelToken& cancel) {
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
  if (!slot) return nullptr;
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
