// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/graph.hpp"
#include "engine/ops/shape_inference.hpp"

#include <map>

namespace tandem {

/// A graph whose input shapes are fixed, with everything that follows from them.
struct BoundGraph {
  Graph graph;                     ///< node ids equal those of the opened graph
  std::map<ValueId, Tensor> known; ///< elements known before the run, constants not repeated
};

/// Fixes the input shapes of `opened`: from `options`, else from the declaration, where an unknown leading dimension
/// becomes `batch` and every other unknown dimension is an InputRejected error that names the input. `batch` replaces
/// a declared leading dimension only where the declaration leaves it open or is 1 and `batch` is larger than 1.
Result<BoundGraph> bindInputs(const Graph& opened, std::int64_t batch, const InferOptions& options = {});

/// Fixes shapes and, for inputs that steer shapes, elements to those of actual tensors, in graph input order.
Result<BoundGraph> bindTensors(const Graph& opened, std::span<const Tensor> inputs);

/// As bindTensors for the subgraph of a control node: its declared input shapes are hints only and are replaced.
Result<BoundGraph> bindBody(const Graph& body, std::span<const Tensor> inputs);

/// True where the input's elements steer a shape (of Reshape, Slice, ...): such an input is bound with its elements,
/// so that shapes stay static.
bool steersShapes(const Graph& graph, ValueId input);

/// Tells inputs apart that need executables of their own: types and shapes, and the elements of those that steer
/// shapes.
std::string shapeKey(const Graph& graph, std::span<const Tensor> inputs);

/// The graph as devices will see it when they compile: known inputs that steer shapes are constants, as folding makes
/// them before. For asking Device::supports. Ids of nodes and of existing values stay.
Graph withKnownShapeInputs(const BoundGraph& bound);

} // namespace tandem
