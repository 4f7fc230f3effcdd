// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>

// What the vector code of RNN, GRU and LSTM works on. It is compiled once per instruction set (recurrent_vectors.hpp),
// so this header includes nothing that has inline functions: the linker must not keep a copy that needs AVX-512.

namespace tandem::cpu {

/// Hidden units are computed in blocks of so many; states and weights are padded to whole blocks.
constexpr std::int64_t kRecurrentBlock = 16;
/// The most rows that a product works on at once.
constexpr std::int64_t kRecurrentRows = 8;

enum class CellFunction {
  Affine,
  Elu,
  HardSigmoid,
  LeakyRelu,
  Relu,
  ScaledTanh,
  Sigmoid,
  Softsign,
  Tanh,
  ThresholdedRelu
};

struct CellActivation {
  CellFunction function = CellFunction::Tanh;
  float alpha = 0;
  float beta = 0;
};

/// out[row] = bias + x[row] W^T, for the blocks [firstBlock, endBlock) of every gate.
struct RecurrentProjection {
  const float* const* x = nullptr; ///< one pointer per row, to `depth` elements
  std::int64_t rows = 0;
  std::int64_t depth = 0;
  const float* panels = nullptr; ///< W as [block][depth][gate][kRecurrentBlock]
  const float* bias = nullptr;   ///< [block][gate][kRecurrentBlock]
  float* out = nullptr;          ///< rows of [block][gate][kRecurrentBlock]
  std::int64_t outStride = 0;    ///< elements
  std::int64_t firstBlock = 0;
  std::int64_t endBlock = 0;
};

/// One time step of one direction for some rows of the batch and the blocks [firstBlock, endBlock).
struct RecurrentStep {
  std::int64_t rows = 0;
  std::int64_t hidden = 0;
  std::int64_t stride = 0; ///< of the rows of h, next, c, reset and update: hidden in whole blocks
  std::int64_t firstBlock = 0;
  std::int64_t endBlock = 0;
  const float* gates = nullptr; ///< what the projection gave
  std::int64_t gatesStride = 0;
  const float* panels = nullptr;          ///< R as [block][hidden][gate][kRecurrentBlock]
  const float* candidatePanels = nullptr; ///< GRU, reset before the product: R of the last gate alone
  const float* candidateBias = nullptr;   ///< GRU, reset after the product: Rb of the last gate, [block][...]
  const float* peepholes = nullptr;       ///< LSTM: P as [block][i, o, f][kRecurrentBlock]; may be null
  const float* h = nullptr;               ///< the state before
  float* next = nullptr;                  ///< the state after
  float* c = nullptr;                     ///< LSTM: before and after
  float* reset = nullptr;                 ///< GRU, reset before the product: r * h
  float* update = nullptr;                ///< GRU, reset before the product: z
  float* const* y = nullptr;              ///< one pointer per row: where `hidden` elements go; null: nowhere
  CellActivation f, g, o;                 ///< ONNX's f, g and h
  float clip = 0;                         ///< 0: none
  bool couples = false;                   ///< LSTM: the forget gate is 1 - the input gate
};

/// The functions for one instruction set.
struct RecurrentCode {
  const char* name;
  void (*project[4])(const RecurrentProjection&); ///< by the number of gates - 1
  void (*rnn)(const RecurrentStep&);
  void (*gruResetAfter)(const RecurrentStep&);
  void (*gruGates)(const RecurrentStep&);     ///< reset before: writes `reset` and `update`
  void (*gruCandidate)(const RecurrentStep&); ///< reset before: needs `reset` of all blocks
  void (*lstm)(const RecurrentStep&);
};

extern const RecurrentCode kRecurrentPlain;
#if defined(__x86_64__)
extern const RecurrentCode kRecurrentAvx2;
extern const RecurrentCode kRecurrentAvx512;
inline constexpr const RecurrentCode* kRecurrentVersions[] = {&kRecurrentPlain, &kRecurrentAvx2, &kRecurrentAvx512};
#else
inline constexpr const RecurrentCode* kRecurrentVersions[] = {&kRecurrentPlain};
#endif

} // namespace tandem::cpu
