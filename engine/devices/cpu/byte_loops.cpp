// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/byte_loops.hpp"

#include "engine/devices/cpu/loops.hpp"
#include "engine/ops/quantization.hpp"

#include <array>

namespace tandem::cpu {
namespace {

// Always inlined, so that the loop takes on the instruction set of the function it is in.
template <class Q>
__attribute__((always_inline)) inline void quantize(const float* x, float scale, std::int32_t zeroPoint, Q* out,
                                                    std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = ops::quantizeValue<Q>(x[i] / scale, zeroPoint);
}

template <class Q>
__attribute__((always_inline)) inline void dequantize(const Q* x, float scale, std::int32_t zeroPoint, float* out,
                                                      std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = static_cast<float>(x[i] - zeroPoint) * scale;
}

template <class Q>
__attribute__((always_inline)) inline void addQuantized(const Q* a, ByteScale scaleA, const Q* b, ByteScale scaleB,
                                                        ByteScale c, Q* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float left = static_cast<float>(a[i] - scaleA.zeroPoint) * scaleA.scale;
    const float right = static_cast<float>(b[i] - scaleB.zeroPoint) * scaleB.scale;
    out[i] = ops::quantizeValue<Q>((left + right) / c.scale, c.zeroPoint);
  }
}

template <class Q>
__attribute__((always_inline)) inline void rescale(const Q* x, ByteScale from, ByteScale to, Q* out,
                                                   std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i)
    out[i] = ops::quantizeValue<Q>(static_cast<float>(x[i] - from.zeroPoint) * from.scale / to.scale, to.zeroPoint);
}

template <class Q> __attribute__((always_inline)) inline std::int32_t sum(const Q* x, std::int64_t count) {
  std::uint32_t total = 0;
  for (std::int64_t i = 0; i < count; ++i) total += static_cast<std::uint32_t>(static_cast<std::int32_t>(x[i]));
  return static_cast<std::int32_t>(total);
}

template <class Q>
__attribute__((always_inline)) inline void requantize(const std::int32_t* sums, const std::int32_t* bias,
                                                      const float* factors, std::int32_t zeroPoint, Q* out,
                                                      std::int64_t count) {
  if (!bias) {
    for (std::int64_t i = 0; i < count; ++i)
      out[i] = ops::quantizeValue<Q>(static_cast<float>(sums[i]) * factors[i], zeroPoint);
    return;
  }
  for (std::int64_t i = 0; i < count; ++i)
    out[i] = ops::quantizeValue<Q>(static_cast<float>(sums[i] + bias[i]) * factors[i], zeroPoint);
}

} // namespace

TANDEM_VECTOR_CLONES
void quantizeRow(const float* x, float scale, std::int32_t zeroPoint, std::int8_t* out, std::int64_t count) {
  quantize(x, scale, zeroPoint, out, count);
}
TANDEM_VECTOR_CLONES
void quantizeRow(const float* x, float scale, std::int32_t zeroPoint, std::uint8_t* out, std::int64_t count) {
  quantize(x, scale, zeroPoint, out, count);
}

TANDEM_VECTOR_CLONES
void dequantizeRow(const std::int8_t* x, float scale, std::int32_t zeroPoint, float* out, std::int64_t count) {
  dequantize(x, scale, zeroPoint, out, count);
}
TANDEM_VECTOR_CLONES
void dequantizeRow(const std::uint8_t* x, float scale, std::int32_t zeroPoint, float* out, std::int64_t count) {
  dequantize(x, scale, zeroPoint, out, count);
}

TANDEM_VECTOR_CLONES
void addRow(const std::int8_t* a, ByteScale scaleA, const std::int8_t* b, ByteScale scaleB, ByteScale c,
            std::int8_t* out, std::int64_t count) {
  addQuantized(a, scaleA, b, scaleB, c, out, count);
}
TANDEM_VECTOR_CLONES
void addRow(const std::uint8_t* a, ByteScale scaleA, const std::uint8_t* b, ByteScale scaleB, ByteScale c,
            std::uint8_t* out, std::int64_t count) {
  addQuantized(a, scaleA, b, scaleB, c, out, count);
}

TANDEM_VECTOR_CLONES
void requantizeRow(const std::int8_t* x, ByteScale from, ByteScale to, std::int8_t* out, std::int64_t count) {
  rescale(x, from, to, out, count);
}
TANDEM_VECTOR_CLONES
void requantizeRow(const std::uint8_t* x, ByteScale from, ByteScale to, std::uint8_t* out, std::int64_t count) {
  rescale(x, from, to, out, count);
}

TANDEM_VECTOR_CLONES
void accumulateRow(const std::int8_t* x, std::int32_t* sums, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) sums[i] += x[i];
}
TANDEM_VECTOR_CLONES
void accumulateRow(const std::uint8_t* x, std::int32_t* sums, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) sums[i] += x[i];
}

TANDEM_VECTOR_CLONES
std::pair<float, float> rangeWithZero(const float* x, std::int64_t count) {
  constexpr std::int64_t kLanes = 16; // side by side, since the order of a single minimum could not be changed
  std::array<float, kLanes> low{}, high{};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      const auto at = static_cast<std::size_t>(lane);
      low[at] = x[i + lane] < low[at] ? x[i + lane] : low[at];
      high[at] = x[i + lane] > high[at] ? x[i + lane] : high[at];
    }
  for (; i < count; ++i) {
    low[0] = x[i] < low[0] ? x[i] : low[0];
    high[0] = x[i] > high[0] ? x[i] : high[0];
  }
  for (std::size_t lane = 1; lane < low.size(); ++lane) {
    low[0] = std::min(low[0], low[lane]);
    high[0] = std::max(high[0], high[lane]);
  }
  return {low[0], high[0]};
}

TANDEM_VECTOR_CLONES
std::int32_t byteSum(const std::int8_t* x, std::int64_t count) { return sum(x, count); }
TANDEM_VECTOR_CLONES
std::int32_t byteSum(const std::uint8_t* x, std::int64_t count) { return sum(x, count); }

TANDEM_VECTOR_CLONES
void offsetSums(const std::int32_t* offsets, std::int32_t factor, const std::int32_t* zeros, std::int32_t* sums,
                std::int64_t count) {
  const auto bits = [](std::int32_t value) { return static_cast<std::uint32_t>(value); };
  if (!zeros) {
    for (std::int64_t i = 0; i < count; ++i) sums[i] = static_cast<std::int32_t>(bits(sums[i]) + bits(offsets[i]));
    return;
  }
  for (std::int64_t i = 0; i < count; ++i)
    sums[i] = static_cast<std::int32_t>(bits(sums[i]) + bits(offsets[i]) - bits(factor) * bits(zeros[i]));
}

TANDEM_VECTOR_CLONES
void scaleSums(const std::int32_t* sums, float scale, const float* scales, const float* bias, float* out,
               std::int64_t count) {
  if (!bias) {
    for (std::int64_t i = 0; i < count; ++i) out[i] = static_cast<float>(sums[i]) * (scale * scales[i]);
    return;
  }
  for (std::int64_t i = 0; i < count; ++i) out[i] = static_cast<float>(sums[i]) * (scale * scales[i]) + bias[i];
}

TANDEM_VECTOR_CLONES
void requantizeSums(const std::int32_t* sums, const std::int32_t* bias, const float* factors, std::int32_t zeroPoint,
                    std::int8_t* out, std::int64_t count) {
  requantize(sums, bias, factors, zeroPoint, out, count);
}
TANDEM_VECTOR_CLONES
void requantizeSums(const std::int32_t* sums, const std::int32_t* bias, const float* factors, std::int32_t zeroPoint,
                    std::uint8_t* out, std::int64_t count) {
  requantize(sums, bias, factors, zeroPoint, out, count);
}

} // namespace tandem::cpu
