// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/graph.hpp"
#include "engine/ops/op_def.hpp"

#include <functional>
#include <map>

namespace tandem {

/// What is known before a run: shapes and, for shape arithmetic, elements.
struct InferOptions {
  /// Shapes (by input name) that replace the declared ones; dims left unknown elsewhere stay unknown.
  std::map<std::string, Shape> inputShapes;
  /// Elements of inputs that steer shapes, when the caller wants them bound (makes data-dependent shapes static).
  std::map<std::string, Tensor> inputValues;
  /// Values computed on the way from known ones are kept where they have at most this many elements.
  std::int64_t maxKnownElements = 1 << 16;
};

/// Fills desc and rankKnown of every value, in topological order. Unknown operators leave their outputs unknown; a
/// known operator that finds its node invalid makes it fail with ModelRejected. Returns the elements of every value
/// that are known before the run (constants not repeated), by value index.
Result<std::map<ValueId, Tensor>> inferShapes(Graph& graph, const InferOptions& options = {});

/// Runs one node's reference kernel on `inputs` (undefined tensor = left out). Output shapes come from the kernel.
/// `stop` is asked by kernels that may run without bound (Loop), which then fail with Cancelled.
Result<std::vector<Tensor>> evaluate(const Node& node, std::span<const Tensor> inputs,
                                     const std::function<bool()>& stop = {});

} // namespace tandem
