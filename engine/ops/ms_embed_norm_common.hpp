// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/kernel_util.hpp"

namespace tandem::ops {

/// Which inputs of com.microsoft (Q)EmbedLayerNormalization are what; input_ids and segment_ids are the first two.
struct EmbedNormInputs {
  std::size_t gamma = 5;
  std::size_t beta = 6;
  std::size_t mask = 7;
  std::size_t positions = 255; ///< 255: the operator has none
};

/// Floating point; segment may be undefined.
struct EmbedNormTables {
  Tensor word, position, segment, gamma, beta;
};

/// Output 0 [batch][steps][hidden] of `type`, 1 [batch] int32 (number of words), 2 as 0 (the sum).
Result<void> inferEmbedNormalization(InferContext& context, DataType type);
double embedNormalizationFlops(const Graph& graph, const Node& node);
Result<void> embedNormalization(ReferenceContext& context, const EmbedNormTables& tables, const EmbedNormInputs& inputs,
                                DataType type);

} // namespace tandem::ops
