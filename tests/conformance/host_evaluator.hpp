// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/graph.hpp"

#include <functional>

namespace tandem::conformance {

/// What evaluateGraph found out.
struct HostEvaluation {
  std::vector<Tensor> outputs; ///< by graph output; undefined where the graph names no value
  /// Values whose statically inferred type or shape is not that of the computed tensor, for people.
  std::vector<std::string> inferenceErrors;
};

/// Evaluates the graph node by node with the reference kernels. `inputs` by graph input. `see`, if given, is called
/// with every value a node computes.
Result<HostEvaluation> evaluateGraph(const Graph& graph, const std::vector<Tensor>& inputs,
                                     const std::function<void(ValueId, const Tensor&)>& see = {});

} // namespace tandem::conformance
