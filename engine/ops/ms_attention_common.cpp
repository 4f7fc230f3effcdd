// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/ms_attention_common.hpp"

#include "engine/ops/product_common.hpp"
#include "engine/ops/rotate_pairs.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tandem::ops {
namespace {

constexpr float kLowest = std::numeric_limits<float>::lowest();

void addMask(const KeyMask& mask, const AttentionExtents& extents, std::int64_t b, std::int64_t s, float* scores) {
  const std::int64_t keys = extents.keys;
  const auto value = [&](std::int64_t i) { return mask.values[static_cast<std::size_t>(i)]; };
  const auto filterKeys = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t j = std::max<std::int64_t>(0, begin); j < std::min(end, keys); ++j) scores[j] += mask.filter;
  };
  switch (mask.kind) {
  case KeyMask::Kind::None: break;
  case KeyMask::Kind::Ends: filterKeys(value(b), keys); break;
  case KeyMask::Kind::Ranges:
    filterKeys(value(b), keys);
    filterKeys(0, std::min(value(b), value(extents.batch + b))); // no key is masked twice
    break;
  case KeyMask::Kind::Keys:
  case KeyMask::Kind::Pairs: {
    const std::int64_t row = mask.kind == KeyMask::Kind::Keys ? b : b * extents.queries + s;
    for (std::int64_t j = 0; j < keys; ++j)
      if (value(row * keys + j) <= 0) scores[j] += mask.filter;
    break;
  }
  }
  if (mask.causal)
    for (std::int64_t j = std::max<std::int64_t>(0, extents.past + s + 1); j < keys; ++j) scores[j] = kLowest;
}

/// In place; `sink` (null: none) takes a share of the probability.
void softmaxRow(float* scores, std::int64_t begin, std::int64_t end, std::int64_t count, const float* sink) {
  std::fill(scores, scores + begin, 0.0f);
  std::fill(scores + end, scores + count, 0.0f);
  if (begin == end) return;
  float most = *std::max_element(scores + begin, scores + end);
  if (sink) most = std::max(most, *sink);
  double sum = sink ? std::exp(static_cast<double>(*sink - most)) : 0.0;
  for (std::int64_t j = begin; j < end; ++j) {
    scores[j] = std::exp(scores[j] - most);
    sum += static_cast<double>(scores[j]);
  }
  const float inverse = static_cast<float>(1 / sum);
  for (std::int64_t j = begin; j < end; ++j) scores[j] *= inverse;
}

void finishRow(const AttentionExtents& extents, const AttentionOptions& options, std::int64_t b, std::int64_t h,
               std::int64_t s, float* scores) {
  const std::int64_t keys = extents.keys;
  for (std::int64_t j = 0; j < keys; ++j) {
    scores[j] *= options.scale;
    if (options.softcap > 0) scores[j] = options.softcap * std::tanh(scores[j] / options.softcap);
  }
  if (options.bias.data) {
    const float* bias = options.bias.data + b * options.bias.batchStep + h * options.bias.headStep + s * keys;
    for (std::int64_t j = 0; j < keys; ++j) scores[j] += bias[j];
  }
  addMask(options.mask, extents, b, s, scores);
  float* kept = options.scores;
  if (kept) kept += ((b * extents.heads + h) * extents.queries + s) * keys;
  if (kept && !options.keepsProbabilities) std::copy_n(scores, keys, kept);
  IndexRange range{0, keys};
  if (!options.ranges.empty()) range = options.ranges[static_cast<std::size_t>(b * extents.queries + s)];
  range.begin = std::clamp<std::int64_t>(range.begin, 0, keys);
  range.end = std::clamp(range.end, range.begin, keys);
  const float zero = 0;
  const float* sink = options.sinks ? options.sinks + h : (options.smooth ? &zero : nullptr);
  softmaxRow(scores, range.begin, range.end, keys, sink);
  if (kept && options.keepsProbabilities) std::copy_n(scores, keys, kept);
}

} // namespace

Result<KeyMask> keyMask(const ReferenceContext& context, std::size_t index, const AttentionExtents& extents) {
  KeyMask mask;
  if (!context.hasInput(index)) return mask;
  const Tensor& tensor = context.input(index);
  const Shape& shape = tensor.shape();
  if (!isInteger(tensor.type())) return context.fail("the mask is " + tensor.desc().toString() + ", not int32");
  const auto [batch, heads, keyHeads, queries, past, keys, headSize, valueSize] = extents;
  if (shape.rank() == 1 && shape[0] == batch) {
    mask.kind = KeyMask::Kind::Ends;
  } else if (shape.rank() == 1 && shape[0] == 2 * batch) {
    mask.kind = KeyMask::Kind::Ranges;
  } else if (shape.rank() == 2 && shape[0] == batch && shape[1] == keys) {
    mask.kind = KeyMask::Kind::Keys;
  } else if (shape.rank() == 3 && shape[0] == batch && shape[1] == queries && shape[2] == keys) {
    mask.kind = KeyMask::Kind::Pairs;
  } else if (shape.rank() == 2 && (shape[0] == batch || shape[0] == 1) && shape[1] == 1) {
    return mask; // a dummy mask of models whose past makes it needless
  } else if (shape.rank() == 4 || (shape.rank() == 1 && shape[0] == 3 * batch + 2)) {
    return makeError(ErrorCode::Unsupported, "a mask of shape " + shape.toString() + " is made for one kind of GPU",
                     context.node().type + " '" + context.node().name + "'",
                     "export the model with a mask of shape (batch, total sequence length)");
  } else {
    return context.fail("a mask of shape " + shape.toString() + " does not go with " + std::to_string(batch) +
                        " sequences of " + std::to_string(queries) + " queries and " + std::to_string(keys) + " keys");
  }
  mask.values = tensor.toInts();
  return mask;
}

Result<ScoreBias> scoreBias(const ReferenceContext& context, std::size_t index, const Elements<float>& elements,
                            const AttentionExtents& extents) {
  const Shape& shape = context.input(index).shape();
  const bool fits = shape.rank() == 4 && (shape[0] == 1 || shape[0] == extents.batch) &&
                    (shape[1] == 1 || shape[1] == extents.heads) && shape[2] == extents.queries &&
                    shape[3] == extents.keys;
  if (!fits)
    return context.fail("an attention bias " + shape.toString() + " does not go with " +
                        Shape{extents.batch, extents.heads, extents.queries, extents.keys}.toString());
  ScoreBias bias{elements.data()};
  const std::int64_t plane = extents.queries * extents.keys;
  bias.headStep = shape[1] == 1 ? 0 : plane;
  bias.batchStep = shape[0] == 1 ? 0 : plane * shape[1];
  return bias;
}

void attend(const AttentionExtents& extents, const AttentionOptions& options, const float* q, const float* k,
            const float* v, float* out) {
  const auto [batch, heads, keyHeads, queries, past, keys, headSize, valueSize] = extents;
  constexpr std::int64_t kBlock = 64; // queries at a time, so that the scores stay small
  const std::int64_t group = heads / keyHeads;
  std::vector<float> scores(static_cast<std::size_t>(std::min(kBlock, queries) * keys));
  std::vector<float> mixed(static_cast<std::size_t>(std::min(kBlock, queries) * valueSize));
  for (std::int64_t b = 0; b < batch; ++b)
    for (std::int64_t h = 0; h < heads; ++h) {
      const float* headQ = q + (b * heads + h) * queries * headSize;
      const float* headK = k + (b * keyHeads + h / group) * keys * headSize;
      const float* headV = v + (b * keyHeads + h / group) * keys * valueSize;
      for (std::int64_t first = 0; first < queries; first += kBlock) {
        const std::int64_t count = std::min(kBlock, queries - first);
        multiply(count, keys, headSize, headQ + first * headSize, headK, true, scores.data());
        for (std::int64_t s = 0; s < count; ++s) finishRow(extents, options, b, h, first + s, scores.data() + s * keys);
        multiply(count, valueSize, keys, scores.data(), headV, false, mixed.data());
        for (std::int64_t s = 0; s < count; ++s)
          std::copy_n(mixed.data() + s * valueSize, valueSize,
                      out + ((b * queries + first + s) * heads + h) * valueSize);
      }
    }
}

std::vector<float> splitHeads(const float* x, std::int64_t batch, std::int64_t steps, std::int64_t rowWidth,
                              std::int64_t offset, std::int64_t heads, std::int64_t size, const float* bias) {
  std::vector<float> result(static_cast<std::size_t>(batch * steps * heads * size));
  float* out = result.data();
  for (std::int64_t b = 0; b < batch; ++b)
    for (std::int64_t h = 0; h < heads; ++h)
      for (std::int64_t s = 0; s < steps; ++s) {
        const float* src = x + (b * steps + s) * rowWidth + offset + h * size;
        for (std::int64_t i = 0; i < size; ++i) *out++ = src[i] + (bias ? bias[h * size + i] : 0.0f);
      }
  return result;
}

std::vector<float> appendSteps(const float* pastData, std::int64_t past, const std::vector<float>& current,
                               std::int64_t steps, std::int64_t batchHeads, std::int64_t size) {
  if (past == 0) return current;
  std::vector<float> result(static_cast<std::size_t>(batchHeads * (past + steps) * size));
  for (std::int64_t i = 0; i < batchHeads; ++i) {
    float* out = result.data() + i * (past + steps) * size;
    std::copy_n(pastData + i * past * size, past * size, out);
    std::copy_n(current.data() + i * steps * size, steps * size, out + past * size);
  }
  return result;
}

void rotate(const Rotation& rotation, std::int64_t position, float* head) {
  rotatePairs(rotation.half, rotation.interleaved, rotation.cosines + position * rotation.half,
              rotation.sines + position * rotation.half, head);
}

} // namespace tandem::ops
