// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/op_def.hpp"

#include <array>
#include <vector>

namespace tandem::ops {

/// What FusedAttention works on: for every index of the batch, scores [queries][keys] = scale * Q K and the result
/// [queries][width] = softmax(scores) V, where Q is [queries][depth], K [depth][keys] and V [keys][width] after the
/// permutations of the attributes. All operands are addressed by strides, in elements, so nothing is transposed.
struct AttentionOperands {
  struct Operand {
    std::vector<std::int64_t> batch; ///< one stride per axis of the batch; 0 where it repeats
    std::int64_t row = 0;
    std::int64_t column = 0;
    /// Where the matrix of batch `index` starts.
    std::int64_t offset(const std::vector<std::int64_t>& dims, std::int64_t index) const;
  };
  std::vector<std::int64_t> batch; ///< leading axes of the result before its permutation
  std::int64_t queries = 0, keys = 0, depth = 0, width = 0;
  Operand q, k, v, y; ///< k: rows along the depth
  Operand mask, keep; ///< of the scores; inputs 3 and 4
  Shape output;

  std::int64_t batches() const;
};

/// Inputs of FusedAttention.
enum AttentionInput : std::size_t { kAttentionQ, kAttentionK, kAttentionV, kAttentionMask, kAttentionKeep };

/// `shapes` has an entry per input, null where it is left out; all are static. Fails with ModelRejected where they do
/// not go together.
Result<AttentionOperands> attentionOperands(const Node& node, const std::array<const Shape*, 5>& shapes);

} // namespace tandem::ops
