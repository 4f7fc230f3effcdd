// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/opencl/fusion.hpp"
#include "engine/devices/opencl/lowering.hpp"

namespace tandem::opencl {

/// What can stand in a chain: formulas of one result per element. Not integer divisions, which report, nor powers of
/// integers, which need functions of their own, nor double precision where the device has none.
ChainRules chainRules(const Graph& graph, bool float64);

/// Computes `nodes` (all of which join; one may be a chain of several formulas) in one kernel and stores `results`,
/// which are needed outside. In blocks of channels where an operand lies in them and all others can.
void lowerChain(Lowering& lowering, const std::vector<NodeId>& nodes, const std::vector<ValueId>& results);

} // namespace tandem::opencl
