// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/graph.hpp"

#include <array>

namespace tandem::ops {

/// Extents of an Attention node. Dims that are not known yet are kUnknownDim.
struct AttentionGeometry {
  std::int64_t batch = 1;
  std::int64_t queryHeads = 1; ///< a multiple of kvHeads
  std::int64_t kvHeads = 1;
  std::int64_t queries = 1; ///< sequence length of Q
  std::int64_t keys = 1;    ///< sequence length of K and V as they come in
  std::int64_t past = 0;    ///< sequence length of past_key and past_value
  std::int64_t headSize = 1;
  std::int64_t valueSize = 1;
  bool packed = false; ///< inputs of rank 3, [batch][sequence][heads * size]; else [batch][heads][sequence][size]

  std::int64_t total() const { return past < 0 || keys < 0 ? kUnknownDim : past + keys; }
  Shape resultShape() const;
  Shape presentShape(std::int64_t size) const; ///< of present_key or present_value
  Shape scoresShape() const;
};

/// From the shapes of Q, K, V, attn_mask, past_key, past_value and nonpad_kv_seqlen; the latter four are null where
/// left out or not known. Fails with ModelRejected where they do not go together.
Result<AttentionGeometry> attentionGeometry(const Node& node, const std::array<const Shape*, 7>& shapes);

} // namespace tandem::ops
