// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/cpu/kernels/row_code.hpp"
#include "engine/devices/cpu/kernels/vectors.hpp"

// The loops of row_code.hpp for the instruction set that the including file is compiled for.

namespace tandem::cpu {
namespace {

template <class F> TANDEM_INLINE void mapRow(const float* x, float* y, std::int64_t count, F f) {
  std::int64_t i = 0;
  // Two at once: their long chains of dependent operations overlap.
  for (; i + 2 * kLanes <= count; i += 2 * kLanes) {
    const Floats a = f(loadFree(x + i)), b = f(loadFree(x + i + kLanes));
    storeFree(y + i, a);
    storeFree(y + i + kLanes, b);
  }
  for (; i + kLanes <= count; i += kLanes) storeFree(y + i, f(loadFree(x + i)));
  if (i < count) storePart(y + i, f(loadPart(x + i, count - i)), count - i);
}

void erfRow(const float* x, float* y, std::int64_t count) {
  mapRow(
      x, y, count, [](Floats v) __attribute__((always_inline)) { return erf(v); });
}
void geluRow(const float* x, float* y, std::int64_t count) {
  mapRow(
      x, y, count, [](Floats v) __attribute__((always_inline)) { return gelu(v); });
}
void geluTanhRow(const float* x, float* y, std::int64_t count) {
  mapRow(
      x, y, count, [](Floats v) __attribute__((always_inline)) { return geluTanh(v); });
}

void sigmoidRow(const float* x, float* y, std::int64_t count) {
  mapRow(
      x, y, count, [](Floats v) __attribute__((always_inline)) { return sigmoid(v); });
}
void tanhRow(const float* x, float* y, std::int64_t count) {
  mapRow(
      x, y, count, [](Floats v) __attribute__((always_inline)) { return tanh(v); });
}
void swishRow(const float* x, float* y, std::int64_t count, float alpha) {
  mapRow(
      x, y, count, [alpha](Floats v) __attribute__((always_inline)) { return swish(v, alpha); });
}

/// Calls f(sum, vector) over a row with four running values; `rest` fills the last vector.
template <class Load, class F> TANDEM_INLINE void foldRow(std::int64_t count, Floats (&sums)[4], Load load, F f) {
  std::int64_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes)
    unrolled<4>([&](auto u) __attribute__((always_inline)) { sums[u] = f(sums[u], load(i + u * kLanes)); });
  for (; i + kLanes <= count; i += kLanes) sums[0] = f(sums[0], load(i));
}

void softmaxRow(const float* x, float* y, std::int64_t count) {
  const std::int64_t whole = count / kLanes * kLanes, part = count - whole;
  const float first = x[0];
  const auto at = [&](std::int64_t i) __attribute__((always_inline)) { return loadFree(x + i); };
  Floats tops[4] = {all(first), all(first), all(first), all(first)};
  foldRow(
      whole, tops, at, [](Floats a, Floats b) __attribute__((always_inline)) { return larger(b, a); });
  Floats top = larger(larger(tops[0], tops[1]), larger(tops[2], tops[3]));
  if (part > 0) top = larger(loadPart(x + whole, part, first), top);
  const Floats most = all(mostOf(top));

  const auto power = [&](Floats v) __attribute__((always_inline)) {
    const Exponential e = exponential(v - most);
    return e.rest * e.scale + e.scale;
  };
  Floats sums[2] = {};
  std::int64_t i = 0;
  for (; i + 2 * kLanes <= whole; i += 2 * kLanes) {
    const Floats a = power(loadFree(x + i)), b = power(loadFree(x + i + kLanes));
    storeFree(y + i, a);
    storeFree(y + i + kLanes, b);
    sums[0] += a;
    sums[1] += b;
  }
  if (i < whole) {
    const Floats a = power(loadFree(x + i));
    storeFree(y + i, a);
    sums[0] += a;
  }
  float total = sumOf(sums[0] + sums[1]);
  Floats last{};
  if (part > 0) {
    last = power(loadPart(x + whole, part, first));
    for (int lane = 0; lane < kLanes; ++lane)
      if (lane < part) total += last[lane];
  }
  const float factor = 1.0f / total;
  for (i = 0; i < whole; i += kLanes) storeFree(y + i, loadFree(y + i) * factor);
  if (part > 0) storePart(y + whole, last * factor, part);
}

void softmaxRows(const float* x, float* y, std::int64_t rows, std::int64_t count) {
  for (std::int64_t row = 0; row < rows; ++row) softmaxRow(x + row * count, y + row * count, count);
}

/// One vector of columns; `load` and `store` move row i of it.
template <class Load, class Store> TANDEM_INLINE void softmaxStrip(std::int64_t count, Load load, Store store) {
  Floats top = load(0);
  for (std::int64_t i = 1; i < count; ++i) top = larger(load(i), top);
  Floats sum{};
  for (std::int64_t i = 0; i < count; ++i) {
    const Exponential e = exponential(load(i) - top);
    sum += e.rest * e.scale + e.scale;
  }
  const Floats factor = 1.0f / sum;
  // Computed again rather than kept: a strip may be longer than any cache.
  for (std::int64_t i = 0; i < count; ++i) {
    const Exponential e = exponential(load(i) - top);
    store(i, (e.rest * e.scale + e.scale) * factor);
  }
}

void softmaxDown(const float* x, float* y, std::int64_t count, std::int64_t inner) {
  std::int64_t at = 0;
  for (; at + kLanes <= inner; at += kLanes)
    softmaxStrip(
        count, [&](std::int64_t i) __attribute__((always_inline)) { return loadFree(x + i * inner + at); },
        [&](std::int64_t i, Floats v) __attribute__((always_inline)) { storeFree(y + i * inner + at, v); });
  if (const std::int64_t part = inner - at; part > 0)
    softmaxStrip(
        count, [&](std::int64_t i) __attribute__((always_inline)) { return loadPart(x + i * inner + at, part); },
        [&](std::int64_t i, Floats v) __attribute__((always_inline)) { storePart(y + i * inner + at, v, part); });
}

void normalizeRow(const RowNormalization& w, const float* x, float* y) {
  const std::int64_t whole = w.count / kLanes * kLanes, part = w.count - whole;
  const auto at = [&](std::int64_t i) __attribute__((always_inline)) { return loadFree(x + i); };
  const float size = static_cast<float>(w.count);
  Floats mean{};
  if (w.centred) {
    Floats sums[4] = {};
    foldRow(
        whole, sums, at, [](Floats a, Floats b) __attribute__((always_inline)) { return a + b; });
    if (part > 0) sums[1] += loadPart(x + whole, part);
    mean = all(sumOf((sums[0] + sums[1]) + (sums[2] + sums[3])) / size);
  }
  // Squares of differences: the difference of the squares' mean and the mean's square would lose its digits.
  Floats squares[4] = {};
  foldRow(
      whole, squares, at, [&](Floats a, Floats b) __attribute__((always_inline)) {
        const Floats d = b - mean;
        return a + d * d;
      });
  if (part > 0) {
    const Floats d = loadPart(x + whole, part, mean[0]) - mean;
    squares[1] += d * d;
  }
  const float variance = sumOf((squares[0] + squares[1]) + (squares[2] + squares[3])) / size;
  const Floats factor = all(1.0f / __builtin_sqrtf(variance + w.epsilon));
  const auto apply = [&](Floats v, Floats scale, Floats shift) __attribute__((always_inline)) {
    return (v - mean) * factor * scale + shift;
  };
  for (std::int64_t i = 0; i < whole; i += kLanes)
    storeFree(y + i, apply(loadFree(x + i), w.scale ? loadFree(w.scale + i) : all(1.0f),
                           w.shift ? loadFree(w.shift + i) : Floats{}));
  if (part > 0)
    storePart(y + whole,
              apply(loadPart(x + whole, part), w.scale ? loadPart(w.scale + whole, part) : all(1.0f),
                    w.shift ? loadPart(w.shift + whole, part) : Floats{}),
              part);
}

void normalizeRows(const RowNormalization& work, std::int64_t firstRow, std::int64_t endRow) {
  for (std::int64_t row = firstRow; row < endRow; ++row)
    normalizeRow(work, work.x + row * work.count, work.y + row * work.count);
}

constexpr RowCode rowCodeNamed(const char* name) {
  return {name, erfRow, geluRow, geluTanhRow, sigmoidRow, tanhRow, swishRow, softmaxRows, softmaxDown, normalizeRows};
}

} // namespace
} // namespace tandem::cpu
