// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/op_def.hpp"

#include <limits>

namespace tandem::ops {

/// Which inputs of a Skip*Normalization are what; input, skip and gamma are the first three.
struct SkipNormInputs {
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
  std::size_t beta = kNone;
  std::size_t bias = kNone;
};

/// Outputs: the result, mean and inverse deviation per row (float32), and the sum before the normalization.
Result<void> inferSkipNormalization(InferContext& context);
double skipNormalizationFlops(const Graph& graph, const Node& node);
/// LayerNormalization (`centred`) or RMSNormalization over the last axis of input + skip + bias. The skip repeats over
/// the leading axes that it lacks.
Result<void> skipNormalization(ReferenceContext& context, const SkipNormInputs& inputs, bool centred);

/// One row: y = (x - mean) / deviation * gamma + beta, all of length `width`; beta may be null. Without `centred` the
/// mean counts as zero.
struct RowMoments {
  double mean = 0;
  double inverseDeviation = 0;
};
RowMoments normalizeRow(const float* x, std::int64_t width, const float* gamma, const float* beta, double epsilon,
                        bool centred, float* y);

} // namespace tandem::ops
