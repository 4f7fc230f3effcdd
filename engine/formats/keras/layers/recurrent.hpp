// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/formats/keras/detail/layer.hpp"

namespace tandem::detail {

/// One run of a recurrent cell over a sequence.
struct RecurrentRun {
  TensorPtr sequence; ///< [N, T, units]: the outputs of all steps
  TensorPtr last;     ///< [N, units]: the output of the last step
  Outputs states;     ///< what return_state gives: h, and c for LSTM
};

/// How to run it.
struct RecurrentRequest {
  std::string cellClass; ///< "LSTM", "GRU" or "SimpleRNN"
  Options cell;          ///< units, activation, ...
  LayerWeights& weights; ///< of the cell
  std::string prefix;    ///< of the names of its weights in the graph: "", "forward_", "backward_"
  bool backwards = false;
  bool inputOrder = false;    ///< the outputs of a backwards run in the order of the input, not in that of the steps
  bool zeroForMasked = false; ///< steps that do not count give zeros, not the output before
  Outputs initial;            ///< states to start from; empty for zeros
};

/// Builds the nodes; throws KerasError. `x` is [N, T, features], with its mask.
RecurrentRun runRecurrent(LayerCall& call, KerasTensor& x, const RecurrentRequest& request);

} // namespace tandem::detail
