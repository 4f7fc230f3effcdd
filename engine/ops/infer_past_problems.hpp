// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/problems.hpp"
#include "engine/graph/graph.hpp"

namespace tandem {

/// inferShapes() for viewing: a node that does not fit its inputs is added to `problems` and leaves its outputs
/// unknown, and the rest of the graph is inferred all the same.
void inferShapesPastProblems(Graph& graph, ProblemList& problems);

} // namespace tandem
