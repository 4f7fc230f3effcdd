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
  bool float64 = false; ///< the device computes in double precision
  bool widened = false; ///< 16-bit floats count as float32 (KernelDef::widens)

  bool hasInput(std::size_t i) const { return i < node.inputs.size() && node.inputs[i].valid(); }
  bool hasOutput(std::size_t i) const { return i < node.outputs.size() && node.outputs[i].valid(); }
  /// Somebody reads output i: a node, or the graph's user. Exporters list outputs (Dropout's mask) that nobody reads.
  bool wantsOutput(std::size_t i) const;
  const Value& input(std::size_t i) const { return graph.value(node.inputs[i]); }
  const Value& output(std::size_t i) const { return graph.value(node.outputs[i]); }
  DataType inputType(std::size_t i) const { return seen(input(i).desc.type); }
  DataType outputType(std::size_t i) const { return seen(output(i).desc.type); }
  bool isStatic() const; ///< every input and output that is present

 private:
  DataType seen(DataType type) const {
    return widened && (type == DataType::Float16 || type == DataType::BFloat16) ? DataType::Float32 : type;
  }
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
  /// The kernel knows float32 only; float16 and bfloat16 tensors are converted on the way in and out, so that storage
  /// is as small as the model says and arithmetic as exact as the reference's.
  bool widens = false;
  /// Works without its first output (an LSTM of which only the last state is read).
  bool anyOutput = false;
};

const KernelDef* findKernel(const Node& node);
/// The whole answer of Device::supports.
Support checkNode(const NodeView& view);

// --- building blocks of checks
Support noType(const NodeView& view, DataType type);
Support noAttribute(std::string detail);
/// Yes where the present inputs of [first, last] and output 0 are float32.
Support floatInputs(const NodeView& view, std::size_t first = 0, std::size_t last = 255);
/// Types that have arithmetic on this device: float32, integers, and float64 where the device has it.
bool isNumber(const NodeView& view, DataType type);
/// Types that kernels which only move elements can carry.
bool isMovable(DataType type);

} // namespace tandem::opencl
