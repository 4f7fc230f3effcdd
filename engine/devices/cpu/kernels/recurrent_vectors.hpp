// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/cpu/kernels/recurrent_code.hpp"
#include "engine/devices/cpu/kernels/vectors.hpp"

// The vector code of RNN, GRU and LSTM for the instruction set that the including file is compiled for. Everything is
// local to that file. Written with the vector extensions of GCC and Clang.

namespace tandem::cpu {
namespace {

constexpr int kBlock = static_cast<int>(kRecurrentBlock);

__attribute__((noinline)) Floats otherFunction(const CellActivation& a, Floats x) {
  const Floats zero{};
  switch (a.function) {
  case CellFunction::Affine: return x * a.alpha + a.beta;
  case CellFunction::Elu: return x < zero ? a.alpha * expm1(x) : x;
  case CellFunction::HardSigmoid: {
    const Floats line = x * a.alpha + a.beta;
    const Floats limited = line > 1.0f ? all(1.0f) : line;
    return limited < zero ? zero : limited;
  }
  case CellFunction::LeakyRelu: return x < zero ? x * a.alpha : x;
  case CellFunction::Relu: return x < zero ? zero : x;
  case CellFunction::ScaledTanh: return tanh(x * a.beta) * a.alpha;
  case CellFunction::Softsign: return x / ((x < zero ? -x : x) + 1.0f);
  case CellFunction::ThresholdedRelu: return x > a.alpha ? x : zero;
  case CellFunction::Sigmoid: return sigmoid(x);
  case CellFunction::Tanh: return tanh(x);
  }
  return x;
}

TANDEM_INLINE Floats apply(const CellActivation& a, Floats x) {
  if (a.function == CellFunction::Sigmoid) return sigmoid(x);
  if (a.function == CellFunction::Tanh) return tanh(x);
  return otherFunction(a, x);
}
TANDEM_INLINE Floats applyClipped(const CellActivation& a, float clip, Floats x) {
  if (clip > 0) {
    x = x < -clip ? all(-clip) : x;
    x = x > clip ? all(clip) : x;
  }
  return apply(a, x);
}

constexpr int least(int a, int b) { return a < b ? a : b; }

/// Rows that fit the registers together with the weights and the broadcast elements.
template <int G> constexpr int kMostRows = least(kRecurrentRows, (kRegisters == 32 ? 24 : 12) / G);

/// out[r][g] = start[r][g] + sum over k of x[r][k] * panel[k][g], one block of every gate.
/// Far: the panel comes from beyond the second cache, so it is asked for early.
template <int G, int R, bool Far>
TANDEM_INLINE void multiply(const float* const* x, std::int64_t depth, const float* panel, const float* start,
                            std::int64_t startStride, float* out, std::int64_t outStride) {
  // Several sums per element where few rows would leave the multipliers waiting for the previous addition.
  constexpr int kSums = kRegisters / 2;
  constexpr int U = R * G < kSums ? kSums / (R * G) : 1;
  constexpr int kAhead = 1024; // 4 KiB
  const float* rows[R];
  unrolled<R>([&](auto r) __attribute__((always_inline)) { rows[r] = x[r]; });
  for (int lane = 0; lane < kBlock; lane += kLanes) {
    Floats sums[U][R][G];
    unrolled<R * G>([&](auto i) __attribute__((always_inline)) {
      sums[0][i / G][i % G] = load(start + (i / G) * startStride + (i % G) * kBlock + lane);
    });
    unrolled<(U - 1) * R * G>([&](auto i) __attribute__((always_inline)) {
      sums[1 + i / (R * G)][i / G % R][i % G] = Floats{};
    });
    const float* weights = panel + lane;
    std::int64_t k = 0;
    for (; k + U <= depth; k += U, weights += U * G * kBlock) {
      unrolled<U>([&](auto u) __attribute__((always_inline)) {
        Floats w[G];
        unrolled<G>([&](auto g) __attribute__((always_inline)) {
          w[g] = load(weights + (u * G + g) * kBlock);
          if constexpr (Far) __builtin_prefetch(weights + (u * G + g) * kBlock + kAhead);
        });
        unrolled<R>([&](auto r) __attribute__((always_inline)) {
          const Floats element = all(rows[r][k + u]);
          unrolled<G>([&](auto g) __attribute__((always_inline)) { sums[u][r][g] += element * w[g]; });
        });
      });
    }
    for (; k < depth; ++k, weights += G * kBlock)
      unrolled<R * G>([&](auto i) __attribute__((always_inline)) {
        sums[0][i / G][i % G] += all(rows[i / G][k]) * load(weights + (i % G) * kBlock);
      });
    unrolled<R * G>([&](auto i) __attribute__((always_inline)) {
      unrolled<U - 1>([&](auto u)
                          __attribute__((always_inline)) { sums[0][i / G][i % G] += sums[u + 1][i / G][i % G]; });
      store(out + (i / G) * outStride + (i % G) * kBlock + lane, sums[0][i / G][i % G]);
    });
  }
}

template <int G>
void product(std::int64_t rows, const float* const* x, std::int64_t depth, const float* panel, const float* start,
             std::int64_t startStride, float* out, std::int64_t outStride) {
  // One row reads weights as fast as they come. The matrix is about as wide as it is deep: some megabytes.
  constexpr std::int64_t kFarDepth = 384;
  if (rows == 1 && depth >= kFarDepth) return multiply<G, 1, true>(x, depth, panel, start, startStride, out, outStride);
  unrolled<kMostRows<G>>([&](auto r) __attribute__((always_inline)) {
    if (rows == r + 1) multiply<G, r + 1, false>(x, depth, panel, start, startStride, out, outStride);
  });
}

/// f(first, count) over `rows` in pieces of about equal size that fit the registers.
template <int G, class F> TANDEM_INLINE void inTiles(std::int64_t rows, F f) {
  const std::int64_t tiles = (rows + kMostRows<G> - 1) / kMostRows<G>;
  for (std::int64_t i = 0; i < tiles; ++i) f(rows * i / tiles, rows * (i + 1) / tiles - rows * i / tiles);
}

template <int G> void project(const RecurrentProjection& p) {
  for (std::int64_t block = p.firstBlock; block < p.endBlock; ++block) {
    const float* panel = p.panels + block * p.depth * G * kBlock;
    inTiles<G>(p.rows, [&](std::int64_t first, std::int64_t count) {
      product<G>(count, p.x + first, p.depth, panel, p.bias + block * G * kBlock, 0,
                 p.out + first * p.outStride + block * G * kBlock, p.outStride);
    });
  }
}

/// Writes one vector of a row's new state, to the sequence as well.
TANDEM_INLINE void emit(const RecurrentStep& s, std::int64_t row, std::int64_t unit, Floats h) {
  store(s.next + row * s.stride + unit, h);
  if (!s.y) return;
  float* y = s.y[row] + unit;
  if (unit + kLanes <= s.hidden)
    *reinterpret_cast<FreeFloats*>(y) = h;
  else
    for (std::int64_t i = 0; i < s.hidden - unit; ++i) y[i] = h[i];
}

/// Products of the rows of `x` with R, `G` gates of one block after the other; then finish(row, lane, unit, sums) for
/// every vector of a row: `lane` within the block, `unit` its first hidden unit, `sums` where gate g lies at g *
/// kBlock.
template <int G, class Start, class Finish>
TANDEM_INLINE void overBlocks(const RecurrentStep& s, const float* x, const float* panels, Start start, Finish finish) {
  alignas(64) float sums[kRecurrentRows * G * kBlock];
  for (std::int64_t block = s.firstBlock; block < s.endBlock; ++block)
    inTiles<G>(s.rows, [&](std::int64_t first, std::int64_t count) {
      const float* rows[kRecurrentRows];
      for (std::int64_t r = 0; r < count; ++r) rows[r] = x + (first + r) * s.stride;
      const auto [values, stride] = start(first, count, block, sums);
      product<G>(count, rows, s.hidden, panels + block * s.hidden * G * kBlock, values, stride, sums, G * kBlock);
      for (std::int64_t r = 0; r < count; ++r)
        for (int lane = 0; lane < kBlock; lane += kLanes)
          finish(first + r, block * kBlock + lane, sums + r * G * kBlock + lane);
    });
}

/// Where a product starts: the sums so far and the distance of their rows.
struct Start {
  const float* values;
  std::int64_t stride;
};

void lstm(const RecurrentStep& s) {
  const auto start = [&](std::int64_t first, std::int64_t, std::int64_t block, float*) {
    return Start{s.gates + first * s.gatesStride + block * 4 * kBlock, s.gatesStride};
  };
  overBlocks<4>(s, s.h, s.panels, start, [&](std::int64_t row, std::int64_t unit, const float* sums) {
    float* state = s.c + row * s.stride + unit;
    Floats input = load(sums), output = load(sums + kBlock), forget = load(sums + 2 * kBlock);
    const Floats old = load(state);
    const float* p = s.peepholes;
    if (p) p += unit / kBlock * 3 * kBlock + unit % kBlock;
    if (p) input += load(p) * old;
    if (p) forget += load(p + 2 * kBlock) * old;
    input = applyClipped(s.f, s.clip, input);
    forget = s.couples ? 1.0f - input : applyClipped(s.f, s.clip, forget);
    const Floats c = forget * old + input * applyClipped(s.g, s.clip, load(sums + 3 * kBlock));
    if (p) output += load(p + kBlock) * c;
    store(state, c);
    emit(s, row, unit, applyClipped(s.f, s.clip, output) * apply(s.o, c));
  });
}

void rnn(const RecurrentStep& s) {
  const auto start = [&](std::int64_t first, std::int64_t, std::int64_t block, float*) {
    return Start{s.gates + first * s.gatesStride + block * kBlock, s.gatesStride};
  };
  overBlocks<1>(s, s.h, s.panels, start, [&](std::int64_t row, std::int64_t unit, const float* sums) {
    emit(s, row, unit, applyClipped(s.f, s.clip, load(sums)));
  });
}

void gruResetAfter(const RecurrentStep& s) {
  const auto start = [&](std::int64_t first, std::int64_t count, std::int64_t block, float* sums) {
    for (std::int64_t r = 0; r < count; ++r) {
      const float* gates = s.gates + (first + r) * s.gatesStride + block * 3 * kBlock;
      for (int i = 0; i < 2 * kBlock; ++i) sums[r * 3 * kBlock + i] = gates[i];
      for (int i = 0; i < kBlock; ++i) sums[(r * 3 + 2) * kBlock + i] = s.candidateBias[block * kBlock + i];
    }
    return Start{sums, 3 * kBlock};
  };
  overBlocks<3>(s, s.h, s.panels, start, [&](std::int64_t row, std::int64_t unit, const float* sums) {
    const float* gates = s.gates + row * s.gatesStride + unit / kBlock * 3 * kBlock + unit % kBlock;
    const Floats update = applyClipped(s.f, s.clip, load(sums));
    const Floats reset = applyClipped(s.f, s.clip, load(sums + kBlock));
    const Floats candidate = applyClipped(s.g, s.clip, load(gates + 2 * kBlock) + reset * load(sums + 2 * kBlock));
    emit(s, row, unit, (1.0f - update) * candidate + update * load(s.h + row * s.stride + unit));
  });
}

void gruGates(const RecurrentStep& s) {
  const auto start = [&](std::int64_t first, std::int64_t, std::int64_t block, float*) {
    return Start{s.gates + first * s.gatesStride + block * 3 * kBlock, s.gatesStride};
  };
  overBlocks<2>(s, s.h, s.panels, start, [&](std::int64_t row, std::int64_t unit, const float* sums) {
    const std::int64_t at = row * s.stride + unit;
    store(s.update + at, applyClipped(s.f, s.clip, load(sums)));
    store(s.reset + at, applyClipped(s.f, s.clip, load(sums + kBlock)) * load(s.h + at));
  });
}

void gruCandidate(const RecurrentStep& s) {
  const auto start = [&](std::int64_t first, std::int64_t, std::int64_t block, float*) {
    return Start{s.gates + first * s.gatesStride + (block * 3 + 2) * kBlock, s.gatesStride};
  };
  overBlocks<1>(s, s.reset, s.candidatePanels, start, [&](std::int64_t row, std::int64_t unit, const float* sums) {
    const std::int64_t at = row * s.stride + unit;
    const Floats update = load(s.update + at);
    emit(s, row, unit, (1.0f - update) * applyClipped(s.g, s.clip, load(sums)) + update * load(s.h + at));
  });
}

constexpr RecurrentCode codeNamed(const char* name) {
  return {name, {project<1>, project<2>, project<3>, project<4>}, rnn, gruResetAfter, gruGates, gruCandidate, lstm};
}

} // namespace
} // namespace tandem::cpu
