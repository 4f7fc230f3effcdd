// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/conformance/host_evaluator.hpp"

#include "engine/ops/shape_inference.hpp"

namespace tandem::conformance {
namespace {

bool contradicts(const Value& value, const TensorDesc& computed) {
  if (value.desc.type != DataType::Undefined && value.desc.type != computed.type) return true;
  if (!value.rankKnown) return false;
  if (value.desc.shape.rank() != computed.shape.rank()) return true;
  for (std::size_t i = 0; i < computed.shape.rank(); ++i)
    if (value.desc.shape[i] != kUnknownDim && value.desc.shape[i] != computed.shape[i]) return true;
  return false;
}

} // namespace

Result<HostEvaluation> evaluateGraph(const Graph& graph, const std::vector<Tensor>& inputs,
                                     const std::function<void(ValueId, const Tensor&)>& see) {
  std::vector<Tensor> tensors(graph.values().size());
  for (std::size_t i = 0; i < tensors.size(); ++i) tensors[i] = graph.values()[i].constant;
  if (inputs.size() != graph.inputs().size())
    return makeError(ErrorCode::InputRejected, "the graph has " + std::to_string(graph.inputs().size()) +
                                                   " inputs, the case " + std::to_string(inputs.size()));
  for (std::size_t i = 0; i < inputs.size(); ++i) tensors[graph.inputs()[i].index()] = inputs[i];
  HostEvaluation evaluation;
  for (NodeId id : topologicalOrder(graph)) {
    const Node& node = graph.node(id);
    std::vector<Tensor> operands;
    for (ValueId input : node.inputs) operands.push_back(input.valid() ? tensors[input.index()] : Tensor{});
    const std::vector<Tensor> results = TANDEM_TRY(evaluate(node, operands));
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (!node.outputs[i].valid()) continue;
      const Value& value = graph.value(node.outputs[i]);
      if (!results[i].defined())
        return makeError(ErrorCode::Internal, "the kernel left an output out", node.type + " '" + node.name + "'");
      if (contradicts(value, results[i].desc()))
        evaluation.inferenceErrors.push_back(node.type + ": inferred " + value.desc.toString() + ", computed " +
                                             results[i].desc().toString());
      if (see) see(node.outputs[i], results[i]);
      tensors[node.outputs[i].index()] = results[i];
    }
  }
  for (ValueId output : graph.outputs())
    evaluation.outputs.push_back(output.valid() ? tensors[output.index()] : Tensor{});
  return evaluation;
}

} // namespace tandem::conformance
