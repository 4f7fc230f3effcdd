// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/cpu/kernels/attention_code.hpp"
#include "engine/devices/cpu/kernels/vectors.hpp"

// Attention for the instruction set that the including file is compiled for. Some queries of one head at a time: their
// scores against all keys stay in the cache while they become probabilities and meet the values (after Dao et al.,
// FlashAttention, arXiv:2205.14135, without its blocks of keys: a processor's cache holds whole rows). Scores lie as
// [key][query], so that a vector holds one score of many queries: the softmax needs no sums across a vector, keys are
// broadcast straight from where they lie, and only the queries are turned.

namespace tandem::cpu {
namespace {

constexpr int kVectors = 2;                 ///< of queries in a block
constexpr int kQueries = kVectors * kLanes; ///< of a block
constexpr int kKeysAtOnce = kRegisters == 32 ? 8 : 4;
constexpr int kRowsAtOnce = 4;
constexpr int kColumnsAtOnce = kRegisters == 32 ? 4 : 2; ///< vectors of values
/// Added to a score, it leaves nothing of its weight unless all of a query's scores are so low.
constexpr float kHidden = -1e30f;
/// e to the power of less is zero in float32.
constexpr float kNothing = -104.0f;

/// Scratch memory of a block.
struct Parts {
  float* queries; ///< [depth][kQueries]
  float* scores;  ///< [keys][kQueries]
  float* values;  ///< [keys][width in whole vectors], where the width is not
};
TANDEM_INLINE Parts partsOf(const AttentionBlock& b) {
  float* scores = b.scratch + b.depth * kQueries;
  return {b.scratch, scores, scores + b.keys * kQueries};
}

/// Turns the square of kLanes rows in `r` by exchanging ever larger blocks off the diagonal.
TANDEM_INLINE void turn(Floats (&r)[kLanes]) {
  unrolled<kLanes == 16  ? 4
           : kLanes == 8 ? 3
                         : 2>([&](auto stage) __attribute__((always_inline)) {
    constexpr int kStep = 1 << stage;
    Ints low{}, high{};
    for (int lane = 0; lane < kLanes; ++lane) {
      low[lane] = (lane & kStep) != 0 ? kLanes + lane - kStep : lane;
      high[lane] = (lane & kStep) != 0 ? kLanes + lane : lane + kStep;
    }
    unrolled<kLanes>([&](auto i) __attribute__((always_inline)) {
      if constexpr ((i & kStep) == 0) {
        const Floats a = r[i], b = r[i + kStep];
        r[i] = __builtin_shuffle(a, b, low);
        r[i + kStep] = __builtin_shuffle(a, b, high);
      }
    });
  });
}

/// out[column][row] = factor * m[row][column] for kQueries rows; rows beyond `rows` repeat the last.
void turned(const AttentionMatrix& m, std::int64_t rows, std::int64_t columns, float factor, float* out) {
  const auto rowAt = [&](std::int64_t i) { return m.data + (i < rows ? i : rows - 1) * m.row; };
  for (int first = 0; first < kQueries; first += kLanes) {
    std::int64_t column = 0;
    for (; m.column == 1 && column < columns; column += kLanes) {
      const std::int64_t count = columns - column < kLanes ? columns - column : kLanes;
      Floats square[kLanes];
      unrolled<kLanes>([&](auto i) __attribute__((always_inline)) {
        const float* row = rowAt(first + i) + column;
        square[i] = count == kLanes ? loadFree(row) : loadPart(row, count);
      });
      turn(square);
      unrolled<kLanes>([&](auto i) __attribute__((always_inline)) {
        if (i < count) store(out + (column + i) * kQueries + first, square[i] * factor);
      });
    }
    for (; column < columns; ++column)
      for (int i = 0; i < kLanes; ++i)
        out[column * kQueries + first + i] = rowAt(first + i)[column * m.column] * factor;
  }
}

/// Scores of N keys from `key` on, masked; raises `most` to the highest of every query.
template <int N>
TANDEM_INLINE void scoreKeys(const AttentionBlock& b, const Parts& parts, std::int64_t key, Floats* most) {
  Floats sums[N][kVectors] = {};
  const float* k = b.k.data + key * b.k.column;
  const float* q = parts.queries;
  for (std::int64_t d = 0; d < b.depth; ++d, k += b.k.row, q += kQueries) {
    Floats query[kVectors];
    unrolled<kVectors>([&](auto v) __attribute__((always_inline)) { query[v] = load(q + v * kLanes); });
    unrolled<N>([&](auto i) __attribute__((always_inline)) {
      const Floats element = all(k[i * b.k.column]);
      unrolled<kVectors>([&](auto v) __attribute__((always_inline)) { sums[i][v] += element * query[v]; });
    });
  }
  unrolled<N * kVectors>([&](auto n) __attribute__((always_inline)) {
    constexpr int i = n / kVectors, v = n % kVectors;
    const std::int64_t at = (key + i) * kQueries + v * kLanes;
    Floats score = sums[i][v];
    if (b.tile)
      score += load(b.tile + at);
    else if (b.mask.data)
      score += b.mask.data[(key + i) * b.mask.column];
    if (b.keep) {
      const Ints keep = *reinterpret_cast<const Ints*>(b.keep + at);
      score = reinterpret_cast<Floats>((reinterpret_cast<Ints>(score) & keep) |
                                       (reinterpret_cast<Ints>(all(b.fill)) & ~keep));
    }
    store(parts.scores + at, score);
    most[v] = larger(score, most[v]);
  });
}

void score(const AttentionBlock& b, const Parts& parts, std::int64_t key, std::int64_t end, Floats* most) {
  for (; key + kKeysAtOnce <= end; key += kKeysAtOnce) scoreKeys<kKeysAtOnce>(b, parts, key, most);
  for (; key < end; ++key) scoreKeys<1>(b, parts, key, most);
}

/// Have keys that are masked for every query no weight next to the highest scores so far?
bool leavesNothing(const AttentionBlock& b, const Floats* most) {
  for (int i = 0; i < b.queries; ++i) {
    const float highest = most[i / kLanes][i % kLanes];
    if (b.keep && !(b.fill - highest < kNothing)) return false;
    if (b.tile && !(highest > kHidden / 2)) return false;
  }
  return true;
}

/// Scores become e^(score - most); returns the sums of every query.
void exponentiate(const Parts& parts, std::int64_t keys, const Floats* most, Floats* sums) {
  Floats totals[2][kVectors] = {};
  const auto power = [&](std::int64_t key, int v) __attribute__((always_inline)) {
    float* at = parts.scores + key * kQueries + v * kLanes;
    const Exponential e = exponential(load(at) - most[v]);
    const Floats weight = e.rest * e.scale + e.scale;
    store(at, weight);
    return weight;
  };
  std::int64_t key = 0;
  for (; key + 2 <= keys; key += 2)
    unrolled<2 * kVectors>([&](auto n) __attribute__((always_inline)) {
      totals[n / kVectors][n % kVectors] += power(key + n / kVectors, n % kVectors);
    });
  if (key < keys) unrolled<kVectors>([&](auto v) __attribute__((always_inline)) { totals[0][v] += power(key, v); });
  unrolled<kVectors>([&](auto v) __attribute__((always_inline)) { sums[v] = totals[0][v] + totals[1][v]; });
}

/// R rows and C vectors of the result from column `column` on; `last` elements of the last vector are written.
template <int R, int C>
TANDEM_INLINE void weigh(const AttentionBlock& b, const Parts& parts, const AttentionMatrix& v, std::int64_t keys,
                         std::int64_t row, std::int64_t column, std::int64_t last, const float* factors) {
  Floats sums[R][C] = {};
  const float* weights = parts.scores + row;
  const float* values = v.data + column;
  for (std::int64_t key = 0; key < keys; ++key, weights += kQueries, values += v.row) {
    Floats value[C];
    unrolled<C>([&](auto c) __attribute__((always_inline)) { value[c] = loadFree(values + c * kLanes); });
    unrolled<R>([&](auto r) __attribute__((always_inline)) {
      const Floats weight = all(weights[r]);
      unrolled<C>([&](auto c) __attribute__((always_inline)) { sums[r][c] += weight * value[c]; });
    });
  }
  unrolled<R>([&](auto r) __attribute__((always_inline)) {
    float* y = b.y + (row + r) * b.yRow + column;
    unrolled<C>([&](auto c) __attribute__((always_inline)) {
      const Floats result = sums[r][c] * factors[row + r];
      if (c + 1 < C || last == kLanes)
        storeFree(y + c * kLanes, result);
      else
        storePart(y + c * kLanes, result, last);
    });
  });
}

template <int C>
TANDEM_INLINE void weighColumns(const AttentionBlock& b, const Parts& parts, const AttentionMatrix& v,
                                std::int64_t keys, std::int64_t column, std::int64_t last, const float* factors) {
  std::int64_t row = 0;
  for (; row + kRowsAtOnce <= b.queries; row += kRowsAtOnce)
    weigh<kRowsAtOnce, C>(b, parts, v, keys, row, column, last, factors);
  for (; row < b.queries; ++row) weigh<1, C>(b, parts, v, keys, row, column, last, factors);
}

/// The values in whole vectors.
AttentionMatrix wholeValues(const AttentionBlock& b, const Parts& parts, std::int64_t keys) {
  if (b.width % kLanes == 0) return b.v;
  const std::int64_t width = (b.width + kLanes - 1) / kLanes * kLanes;
  for (std::int64_t key = 0; key < keys; ++key) {
    const float* from = b.v.data + key * b.v.row;
    float* out = parts.values + key * width;
    std::int64_t i = 0;
    for (; i + kLanes <= b.width; i += kLanes) store(out + i, loadFree(from + i));
    store(out + i, loadPart(from + i, b.width - i));
  }
  return {parts.values, width, 1};
}

void attend(const AttentionBlock& b) {
  const Parts parts = partsOf(b);
  turned(b.q, b.queries, b.depth, b.scale, parts.queries);
  Floats most[kVectors], sums[kVectors];
  for (Floats& each : most) each = all(-__builtin_inff());
  std::int64_t keys = b.seenKeys;
  score(b, parts, 0, keys, most);
  if (keys < b.keys && !leavesNothing(b, most)) {
    score(b, parts, keys, b.keys, most);
    keys = b.keys;
  }
  exponentiate(parts, keys, most, sums);
  alignas(64) float factors[kQueries];
  unrolled<kVectors>([&](auto v) __attribute__((always_inline)) { store(factors + v * kLanes, 1.0f / sums[v]); });

  const AttentionMatrix v = wholeValues(b, parts, keys);
  constexpr std::int64_t kStep = kColumnsAtOnce * kLanes;
  std::int64_t column = 0;
  for (; column + kStep <= b.width; column += kStep)
    weighColumns<kColumnsAtOnce>(b, parts, v, keys, column, kLanes, factors);
  for (; column < b.width; column += kLanes)
    weighColumns<1>(b, parts, v, keys, column, b.width - column < kLanes ? b.width - column : kLanes, factors);
}

std::int64_t maskTile(const AttentionMatrix& mask, std::int64_t queries, std::int64_t keys, float* tile) {
  turned(mask, queries, keys, 1, tile);
  std::int64_t end = keys;
  const auto hides = [&](std::int64_t key) {
    for (std::int64_t i = 0; i < queries; ++i)
      if (!(tile[key * kQueries + i] <= kHidden)) return false;
    return true;
  };
  while (end > 0 && hides(end - 1)) --end;
  return end;
}

std::int64_t keepTile(const bool* keep, std::int64_t row, std::int64_t column, bool kept, std::int64_t queries,
                      std::int64_t keys, std::uint32_t* tile) {
  std::int64_t end = 0;
  for (std::int64_t i = 0; i < kQueries; ++i) {
    const bool* from = keep + (i < queries ? i : queries - 1) * row;
    for (std::int64_t key = 0; key < keys; ++key) {
      const bool isKept = from[key * column] == kept;
      tile[key * kQueries + i] = isKept ? ~std::uint32_t{0} : 0;
      if (isKept && key >= end) end = key + 1;
    }
  }
  return end;
}

constexpr AttentionCode attentionCodeNamed(const char* name) {
  return {name, kQueries, kLanes, attend, maskTile, keepTile};
}

} // namespace
} // namespace tandem::cpu
