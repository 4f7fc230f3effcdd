// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/floating.hpp"
#include "engine/ops/kernel_util.hpp"
#include "engine/ops/window.hpp"

#include <vector>

namespace tandem::ops {

/// Extents of scaled dot-product attention. Dims may be kUnknownDim during shape inference.
struct AttentionExtents {
  std::int64_t batch = 1;
  std::int64_t heads = 1;    ///< of the queries
  std::int64_t keyHeads = 1; ///< of keys and values; divides heads
  std::int64_t queries = 1;
  std::int64_t past = 0; ///< keys of earlier steps
  std::int64_t keys = 1; ///< all of them, with the past
  std::int64_t headSize = 1;
  std::int64_t valueSize = 1;
};

/// Which keys count, as the com.microsoft operators say it: a masked key gets `filter` added to its score.
struct KeyMask {
  enum class Kind { None, Ends, Ranges, Keys, Pairs };
  Kind kind = Kind::None;
  std::vector<std::int64_t> values; ///< [batch], [2 * batch], [batch][keys] or [batch][queries][keys]
  float filter = -10000.0f;
  bool causal = false; ///< key j counts for query s only where j <= past + s
};

/// From an int32 input of shape [B], [2B], [B, keys], or [B, queries, keys]; Kind::None where it is left out. Fails
/// with Unsupported for the shapes that only GPU kernels know and InputRejected for others.
Result<KeyMask> keyMask(const ReferenceContext& context, std::size_t index, const AttentionExtents& extents);

/// A term added to the scores: [batch or 1][heads or 1][queries][keys].
struct ScoreBias {
  const float* data = nullptr; ///< null: none
  std::int64_t batchStep = 0;
  std::int64_t headStep = 0;
};
/// From input `index`, whose elements are given as floats. Fails where the shape does not fit.
Result<ScoreBias> scoreBias(const ReferenceContext& context, std::size_t index, const Elements<float>& elements,
                            const AttentionExtents& extents);

/// Everything but the operands. Order: scores = scale * q k', softcap, bias, mask, softmax, times v.
struct AttentionOptions {
  float scale = 1;
  float softcap = 0; ///< 0: none; else score = softcap * tanh(score / softcap)
  ScoreBias bias;
  KeyMask mask;
  /// Keys that exist for query s of picture b; empty: all. Outside of it the probability is zero.
  std::vector<IndexRange> ranges; ///< [batch][queries]
  const float* sinks = nullptr;   ///< one per head: a score without a value; null: none
  bool smooth = false;            ///< as a sink of zero for every head
  float* scores = nullptr;        ///< [batch][heads][queries][keys]: takes the scores or the probabilities
  bool keepsProbabilities = false;
};

/// q [batch][heads][queries][headSize], k [batch][keyHeads][keys][headSize], v [batch][keyHeads][keys][valueSize];
/// out [batch][queries][heads][valueSize].
void attend(const AttentionExtents& extents, const AttentionOptions& options, const float* q, const float* k,
            const float* v, float* out);

/// [batch][steps] rows of `rowWidth`, of which `heads` * `size` numbers from `offset` on are taken, to
/// [batch][heads][steps][size]; `bias` (heads * size) is added where it is not null.
std::vector<float> splitHeads(const float* x, std::int64_t batch, std::int64_t steps, std::int64_t rowWidth,
                              std::int64_t offset, std::int64_t heads, std::int64_t size, const float* bias);

/// [batchHeads][past][size] and [batchHeads][current][size] behind it; `pastData` may be null where past is 0.
std::vector<float> appendSteps(const float* pastData, std::int64_t past, const std::vector<float>& current,
                               std::int64_t steps, std::int64_t batchHeads, std::int64_t size);

/// Rotary position embedding (arXiv:2104.09864): cos and sin caches of [positions][half].
struct Rotation {
  const float* cosines = nullptr;
  const float* sines = nullptr;
  std::int64_t positions = 0;
  std::int64_t half = 0;
  bool interleaved = false; ///< pairs lie side by side, not half a head apart
};
/// Turns the first 2 * half numbers of a head; `position` must be below rotation.positions.
void rotate(const Rotation& rotation, std::int64_t position, float* head);

} // namespace tandem::ops
