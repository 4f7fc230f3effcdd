// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/shape_inference.hpp"

#include "engine/base/checked.hpp"
#include "engine/base/host_memory.hpp"
#include "engine/ops/infer_past_problems.hpp"

#include <new>

namespace tandem {
namespace {

using KnownValues = std::map<ValueId, Tensor>;

class NodeInference final : public InferContext {
 public:
  NodeInference(Graph& graph, NodeId id, KnownValues& known) : m_graph(graph), m_id(id), m_known(known) {}

  const Node& node() const override { return m_graph.node(m_id); }
  DataType inputType(std::size_t index) const override {
    return hasInput(index) ? inputAt(index).desc.type : DataType::Undefined;
  }
  const Shape* inputShape(std::size_t index) const override {
    if (!hasInput(index)) return nullptr;
    const Value& value = inputAt(index);
    return value.rankKnown ? &value.desc.shape : nullptr;
  }
  const Tensor* inputValue(std::size_t index) const override {
    if (!hasInput(index)) return nullptr;
    const Value& value = inputAt(index);
    if (value.isConstant()) return &value.constant;
    auto it = m_known.find(node().inputs[index]);
    return it == m_known.end() ? nullptr : &it->second;
  }
  void setOutput(std::size_t index, DataType type, Shape shape) override {
    if (Value* value = outputAt(index)) {
      value->desc = {type, std::move(shape)};
      value->rankKnown = true;
    }
  }
  void setOutputType(std::size_t index, DataType type) override {
    if (Value* value = outputAt(index)) value->desc.type = type;
  }
  void setOutputValue(std::size_t index, Tensor tensor) override {
    if (!outputAt(index)) return;
    setOutput(index, tensor.type(), tensor.shape());
    m_known[node().outputs[index]] = std::move(tensor);
  }

 private:
  const Value& inputAt(std::size_t index) const { return m_graph.value(node().inputs[index]); }
  Value* outputAt(std::size_t index) {
    if (index >= outputCount() || !node().outputs[index].valid()) return nullptr;
    return &m_graph.value(node().outputs[index]);
  }

  Graph& m_graph;
  NodeId m_id;
  KnownValues& m_known;
};

class HostRun final : public ReferenceContext {
 public:
  HostRun(const Node& node, std::span<const Tensor> inputs, const std::function<bool()>& stop,
          std::vector<Tensor>& outputs)
      : m_node(node),
        m_inputs(inputs),
        m_stop(stop),
        m_outputs(outputs) {
    m_outputs.resize(node.outputs.size());
  }
  const Node& node() const override { return m_node; }
  const Tensor& input(std::size_t index) const override { return m_inputs[index]; }
  Tensor output(std::size_t index, DataType type, const Shape& shape) override {
    const TensorDesc desc{type, shape};
    m_lastBytes = desc.bytes();
    // The system promises memory that it does not have, and kills who uses it.
    if (!fitsHostMemory(m_lastBytes)) throw std::bad_alloc();
    m_outputs[index] = Tensor::uninitialized(desc);
    return m_outputs[index];
  }
  std::int64_t lastBytes() const { return m_lastBytes; } ///< of the output that was asked for last
  bool cancelled() const override { return m_stop && m_stop(); }

 private:
  const Node& m_node;
  std::span<const Tensor> m_inputs;
  const std::function<bool()>& m_stop;
  std::vector<Tensor>& m_outputs;
  std::int64_t m_lastBytes = 0;
};

/// Kernels and inference read the required inputs without asking whether they are there.
Result<void> checkArity(const OpDef& def, const Node& node) {
  const auto atMost = [](std::size_t count, std::uint8_t limit) { return limit == 255 || count <= limit; };
  bool fits = node.inputs.size() >= def.minInputs && atMost(node.inputs.size(), def.maxInputs) &&
              node.outputs.size() >= def.minOutputs && atMost(node.outputs.size(), def.maxOutputs);
  for (std::size_t i = 0; fits && i < def.minInputs; ++i) fits = node.inputs[i].valid();
  if (fits) return {};
  return makeError(ErrorCode::ModelRejected, "wrong number of inputs or outputs", node.type + " '" + node.name + "'",
                   "the model is not valid");
}

/// Evaluates a node whose inputs are all known and whose outputs are small: shape arithmetic becomes constant.
Result<void> evaluateIfKnown(Graph& graph, NodeId id, const OpDef& def, const InferOptions& options,
                             KnownValues& known) {
  const Node& node = graph.node(id);
  if (def.has(OpTrait::Random) || def.has(OpTrait::Control) || !def.reference || node.inputs.empty()) return {};
  std::vector<Tensor> inputs(node.inputs.size());
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (!node.inputs[i].valid()) continue;
    const Value& value = graph.value(node.inputs[i]);
    auto it = known.find(node.inputs[i]);
    if (value.isConstant())
      inputs[i] = value.constant;
    else if (it != known.end())
      inputs[i] = it->second;
    else
      return {};
    if (inputs[i].elements() > options.maxKnownElements) return {};
  }
  for (ValueId output : node.outputs) {
    if (!output.valid()) continue;
    if (known.contains(output)) return {};
    const Value& value = graph.value(output);
    // A shape still unknown with all inputs known is data-dependent (NonZero, Range): the inputs' size bounds it well
    // enough except for the operators that blow up by design, which give a shape once their inputs are known.
    if (value.isStatic() && value.desc.shape.checkedElements().value_or(INT64_MAX) > options.maxKnownElements)
      return {};
  }
  std::vector<Tensor> outputs = TANDEM_TRY(evaluate(node, inputs));
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!node.outputs[i].valid() || !outputs[i].defined()) continue;
    Value& value = graph.value(node.outputs[i]);
    value.desc = outputs[i].desc();
    value.rankKnown = true;
    known[node.outputs[i]] = std::move(outputs[i]);
  }
  return {};
}

Result<void> applyInputs(Graph& graph, const InferOptions& options, KnownValues& known) {
  for (ValueId id : graph.inputs()) {
    Value& value = graph.value(id);
    if (auto it = options.inputShapes.find(value.name); it != options.inputShapes.end()) {
      value.desc.shape = it->second;
      value.rankKnown = true;
    }
    if (auto it = options.inputValues.find(value.name); it != options.inputValues.end()) {
      value.desc = it->second.desc();
      value.rankKnown = true;
      known[id] = it->second;
    }
  }
  return {};
}

} // namespace

Result<std::vector<Tensor>> evaluate(const Node& node, std::span<const Tensor> inputs,
                                     const std::function<bool()>& stop) {
  const OpDef* def = findOp(node);
  if (!def || !def->reference)
    return makeError(ErrorCode::Unsupported, "operator " + node.type + " is not known here", node.name);
  TANDEM_TRY(checkArity(*def, node));
  std::vector<Tensor> outputs;
  HostRun run(node, inputs, stop, outputs);
  try {
    TANDEM_TRY(def->reference(run));
  } catch (const std::bad_alloc&) {
    return makeError(ErrorCode::DeviceFailed,
                     "not enough memory on the host: a result takes " + std::to_string(run.lastBytes()) + " bytes",
                     node.name, "use smaller inputs or a smaller batch");
  }
  return outputs;
}

namespace {

/// Nothing computes on a tensor beyond the address space, so that no operator has to expect one.
Result<void> checkSize(const Value& value) {
  if (!value.rankKnown || !value.desc.shape.isStatic() || value.desc.checkedBytes()) return {};
  return makeError(ErrorCode::ModelRejected, "the tensor is too large to address", value.name,
                   "check the input shapes");
}

Result<void> inferNode(Graph& graph, NodeId id, const InferOptions& options, KnownValues& known) {
  const OpDef* def = findOp(graph.node(id));
  if (!def) return {};
  for (ValueId output : graph.node(id).outputs) {
    if (!output.valid()) continue;
    // A declared shape (value_info) may be wrong or belong to another batch: what we compute replaces it.
    graph.value(output).rankKnown = false;
    graph.value(output).desc.shape = {};
  }
  TANDEM_TRY(checkArity(*def, graph.node(id)));
  NodeInference context(graph, id, known);
  if (def->infer) TANDEM_TRY(def->infer(context));
  TANDEM_TRY(evaluateIfKnown(graph, id, *def, options, known));
  for (ValueId output : graph.node(id).outputs) {
    if (!output.valid() || !graph.value(output).rankKnown) continue;
    const Value& value = graph.value(output);
    if (value.desc.shape.rank() > kMaxRank)
      return makeError(ErrorCode::ModelRejected,
                       "the tensor would have " + std::to_string(value.desc.shape.rank()) + " dimensions", value.name,
                       "at most " + std::to_string(kMaxRank) + " are accepted");
    TANDEM_TRY(checkSize(value));
  }
  return {};
}

} // namespace

Result<std::map<ValueId, Tensor>> inferShapes(Graph& graph, const InferOptions& options) {
  KnownValues known;
  TANDEM_TRY(applyInputs(graph, options, known));
  for (ValueId input : graph.inputs()) TANDEM_TRY(checkSize(graph.value(input)));
  for (NodeId id : topologicalOrder(graph)) TANDEM_TRY(inferNode(graph, id, options, known));
  return known;
}

void inferShapesPastProblems(Graph& graph, ProblemList& problems) {
  KnownValues known;
  for (ValueId input : graph.inputs()) {
    const auto fits = checkSize(graph.value(input));
    if (fits) continue;
    problems.add(fits.error());
    graph.value(input).rankKnown = false;
    graph.value(input).desc.shape = {};
  }
  for (NodeId id : topologicalOrder(graph)) {
    auto inferred = inferNode(graph, id, {}, known);
    if (inferred) continue;
    problems.add(inferred.error());
    for (ValueId output : graph.node(id).outputs) {
      if (!output.valid()) continue;
      graph.value(output).rankKnown = false;
      graph.value(output).desc.shape = {};
      known.erase(output);
    }
  }
}

} // namespace tandem
