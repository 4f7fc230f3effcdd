// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device.hpp"

#include <span>

namespace tandem::opencl {

class Lowering;

/// A node as supports() sees it; shapes may be unknown.
struct NodeView {
  const Graph& graph;
  const Node& node;

  bool hasInput(std::size_t i) const { return i < node.inputs.size() && node.inputs[i].valid(); }
  bool hasOutput(std::size_t i) const { return i < node.outputs.size() && node.outputs[i].valid(); }
  /// Somebody reads output i: a node, or the graph's user. Exporters list outputs (Dropout's mask) that nobody reads.
  bool wantsOutput(std::size_t i) const;
  const Value& input(std::size_t i) const { return graph.value(node.inputs[i]); }
  const Value& output(std::size_t i) const { return graph.value(node.outputs[i]); }
  DataType inputType(std::size_t i) const { return input(i).desc.type; }
  bool isStatic() const; ///< every input and output that is present
};

/// How the OpenCL device computes one operator.
struct KernelDef {
  std::string_view domain;
  std::string_view type;
  /// What lower() cannot do. May assume nothing about shapes unless view.isStatic().
  Support (*check)(const NodeView& view) = nullptr;
  /// Adds the steps of lowering.node(), for which check() said yes.
  Result<void> (*lower)(Lowering& lowering) = nullptr;
  /// Zeros that input 0 wants around it in blocked storage (rows, columns); null: none.
  std::pair<std::int64_t, std::int64_t> (*halo)(const NodeView& view) = nullptr;
};

const KernelDef* findKernel(const Node& node);
/// The whole answer of Device::supports.
Support checkNode(const NodeView& view);

// --- building blocks of checks
Support noType(const NodeView& view, DataType type);
Support noAttribute(std::string detail);
/// Yes where the present inputs of [first, last] and output 0 are float32.
Support floatInputs(const NodeView& view, std::size_t first = 0, std::size_t last = 255);
/// Types that kernels which only move elements can carry.
bool isMovable(DataType type);

} // namespace tandem::opencl
