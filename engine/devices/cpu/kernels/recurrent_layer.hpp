// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/cpu/kernel.hpp"
#include "engine/devices/cpu/kernels/recurrent_code.hpp"
#include "engine/ops/recurrent_common.hpp"

#include <functional>

namespace tandem::cpu {

enum class RecurrentCellKind { Rnn, GruResetAfter, GruResetBefore, Lstm };

/// Weights in the order that the vector code wants: from a constant prepared at compile time, or brought there at the
/// start of every run.
struct RecurrentOperand {
  WeightsPtr prepared;            ///< null: packed from input `input` at run time
  std::size_t input = 0;          ///< of the node
  std::int64_t scratchOffset = 0; ///< bytes
  std::int64_t bytes = 0;
  std::function<void(const float* source, float* packed)> pack;
};

/// How one node is computed. Immutable. Offsets are bytes of scratch memory.
struct RecurrentLayer {
  RecurrentCellKind kind = RecurrentCellKind::Lstm;
  ops::RecurrentGeometry geometry;
  std::string name; ///< of the node, for errors
  std::int64_t gates = 4;
  std::int64_t blocks = 1; ///< kRecurrentBlock hidden units each
  const RecurrentCode* code = nullptr;
  std::vector<CellActivation> activations; ///< three per direction
  float clip = 0;
  bool couples = false;
  int threads = 1;
  bool hasLengths = false;
  DataType lengthType = DataType::Int32;
  bool hasInitialH = false, hasInitialC = false;

  RecurrentOperand input;                   ///< W, [direction][block][inputSize][gate][kRecurrentBlock]
  RecurrentOperand recurrence;              ///< R, or that of the first two gates where the reset comes before
  RecurrentOperand candidate;               ///< R of the last gate, then
  RecurrentOperand bias;                    ///< [direction][block][gate][kRecurrentBlock], Wb and Rb together
  RecurrentOperand candidateBias;           ///< Rb of the last gate where the reset comes after
  RecurrentOperand peepholes;               ///< [direction][block][3][kRecurrentBlock]
  std::int64_t chunkSteps = 1;              ///< time steps whose projections are kept at once
  std::int64_t gatesAt = 0, statesAt = 0;   ///< [direction][chunkSteps][batch][...], [2][direction][batch][...]
  std::int64_t cellsAt = 0;                 ///< [direction][batch][...]
  std::int64_t resetAt = 0, updateAt = 0;   ///< the same
  std::int64_t rowsAt = 0, sequencesAt = 0; ///< pointers: [thread][chunkSteps * batch], [thread][batch]
  std::int64_t orderAt = 0, lengthsAt = 0;  ///< [batch] each
  std::int64_t scratchBytes = 0;

  std::int64_t stateWidth() const { return blocks * kRecurrentBlock; }
};

/// Runs the layer on the node's memory: inputs X, -, -, -, lengths, initial h, initial c; outputs Y, Y_h, Y_c.
std::shared_ptr<const Kernel> makeRecurrentKernel(std::shared_ptr<const RecurrentLayer> layer);

} // namespace tandem::cpu
