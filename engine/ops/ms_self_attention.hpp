// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/ms_attention_common.hpp"

namespace tandem::ops {

/// Which inputs of com.microsoft Attention and QAttention are what; x and the merged weights are the first two.
struct SelfAttentionInputs {
  std::size_t bias = 2;
  std::size_t mask = 3;
  std::size_t past = 4;
  std::size_t scoreBias = 255; ///< 255: the operator has none
};

/// The columns of the merged projection: queries, keys, values.
struct ProjectionWidths {
  std::int64_t query = 0;
  std::int64_t key = 0;
  std::int64_t value = 0;
  std::int64_t total() const { return query + key + value; }
};

/// Extents from the shapes of x [batch][steps][input], the weights [input][query + key + value] and the past
/// [2][batch][heads][past][size] (null: none), and attributes num_heads and qkv_hidden_sizes. Static shapes only. Fails
/// with ModelRejected where they do not go together, with Unsupported for options of GPU kernels.
struct SelfAttention {
  AttentionExtents extents;
  ProjectionWidths widths;
};
Result<SelfAttention> selfAttention(const Node& node, const Shape& x, const Shape& weights, const Shape* past);

/// Output 0 [batch][steps][value], output 1 (present) [2][batch][heads][past + steps][size], both of `type`.
Result<void> inferSelfAttention(InferContext& context, const SelfAttentionInputs& inputs, DataType type);
/// The projection, and scores and mixing as a matrix product each.
double selfAttentionFlops(const Graph& graph, const Node& node, const SelfAttentionInputs& inputs);

/// Everything behind the projection, whose rows (without bias) are given. Writes both outputs as `type`.
Result<void> attendToProjection(ReferenceContext& context, const SelfAttention& attention,
                                const SelfAttentionInputs& inputs, const std::vector<float>& projection, DataType type);

} // namespace tandem::ops
