// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/op_def.hpp"

#include <functional>

namespace tandem {

/// Asked between nodes and iterations; true stops the work with ErrorCode::Cancelled. May be empty.
using StopRequest = std::function<bool()>;

/// Runs a subgraph once: tensors in the order of body.inputs() to tensors in the order of body.outputs(). The results
/// must stay as they are while the body runs again.
using RunBody = std::function<Result<std::vector<Tensor>>(const Graph& body, std::span<const Tensor> inputs)>;

/// If, Loop and Scan (all versions) by the ONNX operator specification, with `runBody` for their subgraphs. `inputs`
/// as for evaluate(): those of the file, then the captured ones. Fails with InputRejected naming the node.
Result<std::vector<Tensor>> runControl(const Node& node, std::span<const Tensor> inputs, const RunBody& runBody,
                                       const StopRequest& stop);

/// Computes one node of the graph that is being interpreted.
using RunNode = std::function<Result<std::vector<Tensor>>(NodeId node, std::span<const Tensor> inputs)>;

/// Runs a whole graph node by node, in topological order. Intermediate tensors live until their last use.
Result<std::vector<Tensor>> interpret(const Graph& graph, std::span<const Tensor> inputs, const RunNode& runNode);

namespace ops {

/// The subgraph under an attribute, or an error that names the node.
Result<std::shared_ptr<const Graph>> bodyOf(const Node& node, std::string_view attribute);
/// Names of the captured values (see OnnxModel); their tensors are the last inputs of the node.
std::vector<std::string> capturesOf(const Node& node);
/// Inputs of the node that are not captures.
std::size_t formalCount(const Node& node);

/// Where each input of `body` comes from: an index into the node's inputs for captured values, and for the others the
/// position among the body's own inputs.
struct BodyInput {
  bool captured = false;
  std::size_t index = 0;
};
std::vector<BodyInput> bodyInputs(const Node& node, const Graph& body);

/// FLOPs of one pass through a body, as far as its shapes are known without running it.
double bodyFlops(const Node& node, std::string_view attribute);

/// Reference kernel of all three operators.
Result<void> controlReference(ReferenceContext& context);

} // namespace ops
} // namespace tandem
