// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/graph.hpp"

namespace tandem::conformance {

/// Number `index` in [0, 1) of the generator that operators/LIGHT.md describes, for the tensor of that name.
double lightNumber(std::string_view tensorName, std::uint64_t index);

/// Replaces every ConstantOfShape node that fills a constant shape by the weights of operators/LIGHT.md. The model's
/// official weights are all equal, which would hide most mistakes. Returns how many it replaced.
std::size_t seedLightWeights(Graph& graph);

} // namespace tandem::conformance
