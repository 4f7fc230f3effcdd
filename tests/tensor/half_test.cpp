// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/half.hpp"

#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>

namespace tandem {
namespace {

/// IEEE 754-2008 section 3.4, straight from the definition of binary16.
double halfByDefinition(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int mantissa = bits & 1023;
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == 31) return mantissa ? std::nan("") : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

TEST(Half, EveryValueMeansWhatTheStandardSaysAndRoundTrips) {
  for (std::uint32_t i = 0; i <= 0xffff; ++i) {
    const auto bits = static_cast<std::uint16_t>(i);
    const float value = halfBitsToFloat(bits);
    const double expected = halfByDefinition(bits);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(value)) << i;
      ASSERT_TRUE(std::isnan(halfBitsToFloat(floatToHalfBits(value)))) << i;
      continue;
    }
    ASSERT_EQ(static_cast<double>(value), expected) << i;
    ASSERT_EQ(std::signbit(value), (bits & 0x8000) != 0) << i;
    ASSERT_EQ(floatToHalfBits(value), bits) << i;
  }
}

TEST(Half, RoundsToTheNearestAndTiesToEven) {
  // Between every two neighbours (both signs): the middle, and the next floats on either side of it.
  for (std::uint32_t i = 0; i < 0x7bff; ++i) {
    const auto low = static_cast<std::uint16_t>(i);
    const auto high = static_cast<std::uint16_t>(i + 1);
    const auto middle = static_cast<float>((halfByDefinition(low) + halfByDefinition(high)) / 2); // exact
    const std::uint16_t even = i % 2 == 0 ? low : high;
    ASSERT_EQ(floatToHalfBits(middle), even) << i;
    ASSERT_EQ(floatToHalfBits(-middle), even | 0x8000) << i;
    ASSERT_EQ(floatToHalfBits(std::nextafter(middle, 0.0f)), low) << i;
    ASSERT_EQ(floatToHalfBits(std::nextafter(middle, 1e9f)), high) << i;
  }
}

TEST(Half, OverflowsToInfinityAndUnderflowsToZero) {
  EXPECT_EQ(floatToHalfBits(65504.0f), 0x7bff);
  EXPECT_EQ(floatToHalfBits(std::nextafter(65520.0f, 0.0f)), 0x7bff);
  EXPECT_EQ(floatToHalfBits(65520.0f), 0x7c00);
  EXPECT_EQ(floatToHalfBits(-1e30f), 0xfc00);
  EXPECT_EQ(floatToHalfBits(std::ldexp(1.0f, -25)), 0); // half of the smallest: a tie, even is zero
  EXPECT_EQ(floatToHalfBits(std::nextafter(std::ldexp(1.0f, -25), 1.0f)), 1);
  EXPECT_EQ(floatToHalfBits(-std::numeric_limits<float>::denorm_min()), 0x8000);
}

/// Rounds to eight significant bits in double arithmetic.
float toBFloat16ByArithmetic(float value) {
  if (value == 0 || !std::isfinite(value)) return value;
  int exponent = 0;
  std::frexp(value, &exponent);
  const int quantum = std::max(exponent - 8, -133); // the last bit; subnormals share the one of 2^-126
  const double rounded = std::ldexp(std::nearbyint(std::ldexp(static_cast<double>(value), -quantum)), quantum);
  return std::abs(rounded) >= std::ldexp(1.0, 128) ? std::copysign(INFINITY, value) : static_cast<float>(rounded);
}

TEST(BFloat16, RoundsToTheNearestEven) {
  std::mt19937 random(3);
  for (int i = 0; i < 200000; ++i) {
    std::uint32_t bits = static_cast<std::uint32_t>(random());
    if (i % 4 == 0) bits = (bits & 0xffff0000u) | 0x8000u; // a tie
    const float value = std::bit_cast<float>(bits);
    if (std::isnan(value)) continue;
    ASSERT_EQ(bfloat16BitsToFloat(floatToBFloat16Bits(value)), toBFloat16ByArithmetic(value)) << bits;
  }
}

TEST(BFloat16, EveryValueRoundTripsAndNaNStaysNaN) {
  for (std::uint32_t i = 0; i <= 0xffff; ++i) {
    const auto bits = static_cast<std::uint16_t>(i);
    const float value = bfloat16BitsToFloat(bits);
    if (std::isnan(value))
      ASSERT_TRUE(std::isnan(bfloat16BitsToFloat(floatToBFloat16Bits(value)))) << i;
    else
      ASSERT_EQ(floatToBFloat16Bits(value), bits) << i;
  }
  // A NaN whose payload lies in the bits that are cut off must not become infinity.
  EXPECT_TRUE(std::isnan(bfloat16BitsToFloat(floatToBFloat16Bits(std::bit_cast<float>(0x7f800001u)))));
}

} // namespace
} // namespace tandem
