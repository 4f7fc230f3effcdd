// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/graph.hpp"

namespace tandem {

/// Checks what every reader and every pass must leave behind: links agree in both directions, one producer per value,
/// unique names, no cycle, every used value is an input, a constant or produced, and the limits of DESIGN.md
/// section 10. Fails with ModelRejected and everything that is wrong (problems.hpp).
Result<void> verify(const Graph& graph);

} // namespace tandem
