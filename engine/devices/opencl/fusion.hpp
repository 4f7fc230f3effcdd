// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device.hpp"

#include <functional>

namespace tandem::opencl {

/// How large a chain may grow: every operand and every value in between is a register (CPUs: sixteen floats) and every
/// operand an argument of the kernel, of which OpenCL promises 1024 bytes.
struct ChainLimits {
  std::size_t nodes = 16;
  std::size_t inputs = 8;  ///< distinct values read from outside
  std::size_t outputs = 3; ///< values needed outside
};

/// What the planner asks of the back end.
struct ChainRules {
  std::function<bool(NodeId)> joins;      ///< one result per element, by a formula that can stand beside others
  std::function<bool(ValueId)> isCounted; ///< a value from outside that takes a register (not a scalar constant)
  /// Nodes that the kernel of this one computes as well, in their order (bias and activation of a product); they read
  /// nothing else that is computed. May be null.
  std::function<std::vector<NodeId>(NodeId)> tailOf;
};

/// Values that `nodes` of the segment read and do not make, each once, in the order of their first use.
std::vector<ValueId> outsideInputs(const Segment& segment, const std::vector<NodeId>& nodes);
/// Values that `nodes` make and that others read, or that leave the segment.
std::vector<ValueId> outsideOutputs(const Segment& segment, const std::vector<NodeId>& nodes);

/// The segment's nodes as groups in an order in which they can run, each group one kernel: a connected chain of nodes
/// that `joins` accepts and whose results have one shape, or a single node. Never makes two groups wait for each other.
std::vector<std::vector<NodeId>> planChains(const Segment& segment, const ChainRules& rules,
                                            const ChainLimits& limits = {});

} // namespace tandem::opencl
