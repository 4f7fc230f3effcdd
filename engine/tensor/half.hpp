// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>

namespace tandem {

std::uint16_t floatToHalfBits(float value); ///< IEEE 754 binary16, round to nearest even
float halfBitsToFloat(std::uint16_t bits);
std::uint16_t floatToBFloat16Bits(float value); ///< round to nearest even; NaN stays NaN
float bfloat16BitsToFloat(std::uint16_t bits);

/// Storage types with value semantics: kernels convert to float, compute, and convert back.
struct Half {
  std::uint16_t bits = 0;
  Half() = default;
  explicit Half(float value) : bits(floatToHalfBits(value)) {}
  explicit operator float() const { return halfBitsToFloat(bits); }
};
struct BFloat16 {
  std::uint16_t bits = 0;
  BFloat16() = default;
  explicit BFloat16(float value) : bits(floatToBFloat16Bits(value)) {}
  explicit operator float() const { return bfloat16BitsToFloat(bits); }
};
static_assert(sizeof(Half) == 2 && sizeof(BFloat16) == 2);

} // namespace tandem
