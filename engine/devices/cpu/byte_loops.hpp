// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>
#include <utility>

// Rows of quantized elements, compiled per instruction set as those of loops.hpp are. Every result is to the bit what
// the operators' reference kernels give (engine/ops/quantization.hpp).
namespace tandem::cpu {

/// out[i] = round(x[i] / scale) + zeroPoint, saturated.
void quantizeRow(const float* x, float scale, std::int32_t zeroPoint, std::int8_t* out, std::int64_t count);
void quantizeRow(const float* x, float scale, std::int32_t zeroPoint, std::uint8_t* out, std::int64_t count);
/// out[i] = (x[i] - zeroPoint) * scale.
void dequantizeRow(const std::int8_t* x, float scale, std::int32_t zeroPoint, float* out, std::int64_t count);
void dequantizeRow(const std::uint8_t* x, float scale, std::int32_t zeroPoint, float* out, std::int64_t count);
/// One operand's scale and zero point.
struct ByteScale {
  float scale = 1;
  std::int32_t zeroPoint = 0;
  bool operator==(const ByteScale&) const = default;
};
/// out[i] = the sum of a[i] and b[i] as real numbers, quantized with `c`.
void addRow(const std::int8_t* a, ByteScale scaleA, const std::int8_t* b, ByteScale scaleB, ByteScale c,
            std::int8_t* out, std::int64_t count);
void addRow(const std::uint8_t* a, ByteScale scaleA, const std::uint8_t* b, ByteScale scaleB, ByteScale c,
            std::uint8_t* out, std::int64_t count);
/// out[i] = x[i] as a real number, quantized with `to`.
void requantizeRow(const std::int8_t* x, ByteScale from, ByteScale to, std::int8_t* out, std::int64_t count);
void requantizeRow(const std::uint8_t* x, ByteScale from, ByteScale to, std::uint8_t* out, std::int64_t count);
/// sums[i] += x[i].
void accumulateRow(const std::int8_t* x, std::int32_t* sums, std::int64_t count);
void accumulateRow(const std::uint8_t* x, std::int32_t* sums, std::int64_t count);
/// The least and the largest of the numbers and 0; NaN counts as none.
std::pair<float, float> rangeWithZero(const float* x, std::int64_t count);

std::int32_t byteSum(const std::int8_t* x, std::int64_t count);
std::int32_t byteSum(const std::uint8_t* x, std::int64_t count);

/// sums[i] += offsets[i] - factor * zeros[i], modulo 2^32; without the last term where `zeros` is null.
void offsetSums(const std::int32_t* offsets, std::int32_t factor, const std::int32_t* zeros, std::int32_t* sums,
                std::int64_t count);
/// out[i] = sums[i] * (scale * scales[i]) + bias[i]; without the last term where `bias` is null.
void scaleSums(const std::int32_t* sums, float scale, const float* scales, const float* bias, float* out,
               std::int64_t count);
/// out[i] = round((sums[i] + bias[i]) * factors[i]) + zeroPoint, saturated; no bias where `bias` is null.
void requantizeSums(const std::int32_t* sums, const std::int32_t* bias, const float* factors, std::int32_t zeroPoint,
                    std::int8_t* out, std::int64_t count);
void requantizeSums(const std::int32_t* sums, const std::int32_t* bias, const float* factors, std::int32_t zeroPoint,
                    std::uint8_t* out, std::int64_t count);

} // namespace tandem::cpu
