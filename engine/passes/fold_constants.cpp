// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/checked.hpp"
#include "engine/ops/op_def.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/passes/pass_list.hpp"
#include "engine/passes/rewrite.hpp"

#include <algorithm>

namespace tandem::passes {
namespace {

// A result may be four times as large as what it was computed from (int8 weights become float); beyond that, Expand and
// Tile would turn a small model into a large one. All results together may grow by as much as the weights, or 64 MiB.
constexpr std::int64_t kMaxGrownBytes = std::int64_t{1} << 20;
constexpr std::int64_t kMaxGrowth = 4;
constexpr std::int64_t kMaxUnknownInputBytes = std::int64_t{1} << 20;
// Reference kernels are plain loops, at about 1 GFLOP/s: this much costs a tenth of a second. Fast kernels do a hundred
// times as much in that time, but have to be set up.
constexpr double kMaxFlops = 1e8, kMaxFastFlops = 1e10, kLeastFastFlops = 1e6;

class Folding {
 public:
  Folding(Graph& graph, const PassContext& context) : m_graph(graph), m_context(context), m_names(graph) {
    for (const Value& value : graph.values())
      if (value.isConstant()) m_budget += (kMaxGrowth - 1) * value.desc.bytes();
  }

  Result<int> run() {
    for (NodeId id : topologicalOrder(m_graph)) {
      TANDEM_TRY(m_context.cancel.check());
      bindShapeInputs(id);
      if (foldKnown(id) || foldComputed(id)) ++m_changes;
    }
    return m_changes;
  }

 private:
  const Tensor* knownValue(ValueId id) const {
    if (!m_context.known) return nullptr;
    auto it = m_context.known->find(id);
    return it == m_context.known->end() ? nullptr : &it->second;
  }

  /// Graph inputs that the caller bound to elements become constants where they steer a shape.
  void bindShapeInputs(NodeId id) {
    const OpDef* def = findOp(m_graph.node(id));
    if (!def || def->shapeInputs == 0) return;
    for (std::size_t i = 0; i < std::min<std::size_t>(m_graph.node(id).inputs.size(), 32); ++i) {
      const ValueId input = m_graph.node(id).inputs[i];
      if (!(def->shapeInputs >> i & 1u) || !input.valid()) continue;
      const Value& value = m_graph.value(input);
      const Tensor* known = knownValue(input);
      if (!known || value.isConstant() || value.producer.valid()) continue;
      const std::string name = m_names.make(value.name + "/bound");
      m_graph.setInput(id, i, m_graph.addConstant(name, *known));
    }
  }

  /// Everything the node computes is known from shape inference.
  bool foldKnown(NodeId id) {
    const Node& node = m_graph.node(id);
    bool any = false;
    for (ValueId output : node.outputs) {
      if (!output.valid()) continue;
      if (!knownValue(output)) return false;
      any = true;
    }
    if (!any) return false;
    const std::vector<ValueId> outputs = node.outputs;
    for (ValueId output : outputs)
      if (output.valid()) m_graph.makeConstant(output, *knownValue(output));
    m_graph.removeNode(id);
    return true;
  }

  /// Every input is a constant: compute the node now.
  bool foldComputed(NodeId id) {
    const Node& node = m_graph.node(id);
    const OpDef* def = findOp(node);
    if (!def || !def->reference || def->has(OpTrait::Random) || def->has(OpTrait::Control)) return false;
    std::vector<Tensor> inputs(node.inputs.size());
    std::int64_t inputBytes = 0;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!node.inputs[i].valid()) continue;
      const Value& value = m_graph.value(node.inputs[i]);
      if (!value.isConstant()) return false;
      inputs[i] = value.constant;
      inputBytes += value.desc.bytes();
    }
    if (!isWorthwhile(node, *def, inputBytes)) return false;
    auto results = compute(id, *def, inputs);
    if (!results) return false; // the run will say what is wrong, with the device's words
    for (std::size_t i = 0; i < node.outputs.size(); ++i)
      if (node.outputs[i].valid() && !(*results)[i].defined()) return false;
    const std::int64_t before = m_budget;
    m_budget += inputBytes;
    const std::vector<ValueId> outputs = node.outputs;
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (outputs[i].valid()) m_budget -= (*results)[i].desc().bytes();
    m_budget = std::min(m_budget, before);
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (outputs[i].valid()) m_graph.makeConstant(outputs[i], std::move((*results)[i]));
    m_graph.removeNode(id);
    return true;
  }

  Result<std::vector<Tensor>> compute(NodeId id, const OpDef& def, std::span<const Tensor> inputs) const {
    const Node& node = m_graph.node(id);
    const double flops = def.flops ? def.flops(m_graph, node) : 0;
    if (!m_context.compute || flops < kLeastFastFlops) return evaluate(node, inputs);
    auto results = m_context.compute(m_graph, id, inputs);
    return results || flops > kMaxFlops ? std::move(results) : evaluate(node, inputs);
  }

  bool isWorthwhile(const Node& node, const OpDef& def, std::int64_t inputBytes) const {
    std::int64_t outputBytes = 0;
    bool allStatic = true;
    for (ValueId output : node.outputs) {
      if (!output.valid()) continue;
      const Value& value = m_graph.value(output);
      if (value.isStatic())
        outputBytes += value.desc.checkedBytes().value_or(kMaxGrownBytes);
      else
        allStatic = false;
    }
    // A shape that stays unknown with constant inputs depends on the elements (NonZero) and is bounded by them.
    if (!allStatic) return inputBytes <= kMaxUnknownInputBytes && def.shapeInputs == 0;
    if (outputBytes > std::max(kMaxGrownBytes, kMaxGrowth * inputBytes)) return false;
    if (outputBytes - inputBytes > m_budget) return false;
    return !def.flops || def.flops(m_graph, node) <= (m_context.compute ? kMaxFastFlops : kMaxFlops);
  }

  Graph& m_graph;
  const PassContext& m_context;
  UniqueNames m_names;
  std::int64_t m_budget = kUnbackedAllocationLimit; ///< bytes by which constants may still grow
  int m_changes = 0;
};

} // namespace

Result<int> foldConstants(Graph& graph, const PassContext& context) { return Folding(graph, context).run(); }

} // namespace tandem::passes
