// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device.hpp"
#include "engine/runtime/bind_inputs.hpp"
#include "engine/runtime/tensor_difference.hpp"

#include <functional>

namespace tandem {

/// One layer on two placements.
struct LayerParity {
  NodeId node;
  Device* deviceA = nullptr; ///< what computed it, which is the host where the device could not
  Device* deviceB = nullptr;
  std::string kernelA, kernelB;
  std::string value;      ///< the output that differs most
  TensorDesc desc;        ///< of that output, on A
  Difference local;       ///< the layer alone: B's device fed with A's inputs
  Difference accumulated; ///< everything up to here: B's device fed with what B computed so far
  /// Why the layer, or its accumulated part, was not compared: "known before the run", "random", or B's failure (then
  /// B goes on from A's value); empty where both were.
  std::string note;
  bool failed = false; ///< B could not compute it

  bool compared() const { return note.empty(); }
  bool isOver() const { return failed || local.isOver() || accumulated.isOver(); }
};

/// Limits by element type.
using LimitsOf = std::function<DifferenceLimits(DataType)>;

struct ParityOptions {
  LimitsOf limits;
  Precision precisionA = Precision::Model, precisionB = Precision::Model; ///< on devices that have it
  CancelToken cancel;
  std::function<void(std::size_t done, std::size_t total, const std::string& layer)> progress; ///< may be empty
};

struct ParityResult {
  std::vector<LayerParity> layers;        ///< by node of the graph
  std::vector<Tensor> outputsA, outputsB; ///< the graph's, each layer computed alone
};

/// Runs every layer by itself on both placements (`devicesA`, `devicesB` by node) and compares layer by layer. `inputs`
/// in graph order, as `bound`. Only values that a later layer still needs are kept, so a large model needs no more
/// memory than its widest part, twice. Fails where A fails, or where cancelled.
Result<ParityResult> compareLayers(const BoundGraph& bound, std::span<const Tensor> inputs,
                                   const std::vector<Device*>& devicesA, const std::vector<Device*>& devicesB,
                                   Device& host, const ParityOptions& options);

} // namespace tandem
