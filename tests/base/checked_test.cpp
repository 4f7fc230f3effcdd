// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/checked.hpp"

#include <array>
#include <gtest/gtest.h>
#include <limits>
#include <random>

namespace tandem {
namespace {

__extension__ using Wide = __int128;
constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();

TEST(Checked, RefusesOverflowAndNegatives) {
  EXPECT_EQ(checkedMul(kLargest, 1), kLargest);
  EXPECT_EQ(checkedMul(kLargest, 0), 0);
  EXPECT_FALSE(checkedMul(kLargest / 2 + 1, 2));
  EXPECT_FALSE(checkedMul(-1, 1));
  EXPECT_FALSE(checkedMul(0, -1));
  EXPECT_EQ(checkedAdd(kLargest - 1, 1), kLargest);
  EXPECT_FALSE(checkedAdd(kLargest, 1));
  EXPECT_FALSE(checkedAdd(5, -1));
}

TEST(Checked, AgreesWithWideArithmetic) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 10000; ++i) {
    const auto a = static_cast<std::int64_t>(random() >> (1 + random() % 62));
    const auto b = static_cast<std::int64_t>(random() >> (1 + random() % 62));
    const Wide product = Wide(a) * b;
    EXPECT_EQ(checkedMul(a, b).has_value(), product <= kLargest);
    const Wide sum = Wide(a) + b;
    EXPECT_EQ(checkedAdd(a, b).has_value(), sum <= kLargest);
  }
}

TEST(Checked, ProductOfNoneIsOneAndAZeroWinsOverOverflow) {
  constexpr std::int64_t kHuge = std::int64_t{1} << 62;
  EXPECT_EQ(checkedProduct({}), 1);
  EXPECT_EQ(checkedProduct(std::array<std::int64_t, 3>{2, 3, 4}), 24);
  EXPECT_EQ(checkedProduct(std::array{kHuge, kHuge, std::int64_t{0}}), 0);
  EXPECT_FALSE(checkedProduct(std::array{kHuge, std::int64_t{2}}));
  EXPECT_FALSE(checkedProduct(std::array<std::int64_t, 2>{3, -1}));
}

} // namespace
} // namespace tandem
