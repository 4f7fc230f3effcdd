// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/metrics/batch_means.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>

namespace tandem {
namespace {

/// Values with a correlation of `r` from one to the next (a first-order autoregression), mean `mean`, scatter 1.
std::vector<double> correlated(std::mt19937& random, int count, double r, double mean) {
  std::normal_distribution<double> normal;
  std::vector<double> values;
  double state = normal(random);
  for (int i = 0; i < count; ++i) {
    values.push_back(mean + state);
    state = r * state + std::sqrt(1 - r * r) * normal(random);
  }
  return values;
}

TEST(BatchMeans, StudentsQuantileIsThatOfTheTables) {
  const std::pair<double, double> table[] = {{1, 12.706}, {2, 4.303},  {3, 3.182},  {4, 2.776},
                                             {9, 2.262},  {19, 2.093}, {38, 2.024}, {1e6, 1.960}};
  for (const auto& [freedom, quantile] : table) EXPECT_NEAR(studentT975(freedom), quantile, 0.01) << freedom;
  for (double v = 1; v < 40; v += 0.1) EXPECT_GT(studentT975(v), studentT975(v + 0.1)) << v;
}

TEST(BatchMeans, AMeanOfIndependentValuesHasTheTextbookInterval) {
  // 1 to 10 in an order without correlation at lag one that would widen the interval.
  const auto mean = batchMean({1, 10, 2, 9, 3, 8, 4, 7, 5, 6});
  ASSERT_TRUE(mean);
  EXPECT_DOUBLE_EQ(mean->mean, 5.5);
  EXPECT_NEAR(mean->variance, 9.1667, 1e-3);
  EXPECT_DOUBLE_EQ(mean->effective, 10);
  EXPECT_NEAR(mean->halfWidth(), 2.262 * std::sqrt(9.1667 / 10), 0.01);
}

TEST(BatchMeans, FewOrBrokenValuesGiveNoStatement) {
  EXPECT_FALSE(batchMean({}));
  EXPECT_FALSE(batchMean({1, 2, 3, 4}));
  EXPECT_FALSE(batchMean({1, 2, 3, 4, std::numeric_limits<double>::quiet_NaN()}));
  EXPECT_FALSE(batchMean({1, 2, 3, 4, std::numeric_limits<double>::infinity()}));
  EXPECT_FALSE(ratioOf(*batchMean({0, 0, 0, 0, 0}), *batchMean({1, 1, 1, 1, 1})));
}

TEST(BatchMeans, EqualRunsDifferAboutAsOftenAsTheConfidenceSays) {
  std::mt19937 random(7);
  for (const double r : {0.0, 0.5}) {
    int found = 0;
    constexpr int kTrials = 2000;
    for (int trial = 0; trial < kTrials; ++trial) {
      const auto a = batchMean(correlated(random, 20, r, 20)), b = batchMean(correlated(random, 20, r, 20));
      ASSERT_TRUE(a && b);
      found += ratioOf(*a, *b)->differs() ? 1 : 0;
    }
    // 5 % is meant; twenty values underestimate a correlation somewhat.
    EXPECT_LT(found, kTrials * (r > 0 ? 15 : 7) / 100) << r;
    EXPECT_GT(found, kTrials * 2 / 100) << r;
  }
}

TEST(BatchMeans, ADifferenceOfTenPercentIsFoundAtAScatterOfFive) {
  std::mt19937 random(8);
  int found = 0;
  for (int trial = 0; trial < 500; ++trial) {
    const auto a = batchMean(correlated(random, 20, 0, 20)), b = batchMean(correlated(random, 20, 0, 22));
    const auto ratio = ratioOf(*a, *b);
    found += ratio->low > 1 ? 1 : 0;
    EXPECT_GT(ratio->high, 1);
  }
  EXPECT_GT(found, 490);
}

TEST(BatchMeans, ARatioOfValuesWithoutAnyScatterIsSure) {
  const auto a = batchMean({2, 2, 2, 2, 2}), b = batchMean({3, 3, 3, 3, 3});
  const auto ratio = ratioOf(*a, *b);
  ASSERT_TRUE(ratio);
  EXPECT_DOUBLE_EQ(ratio->ratio, 1.5);
  EXPECT_TRUE(ratio->differs());
  EXPECT_FALSE(ratioOf(*a, *a)->differs());
}

} // namespace
} // namespace tandem
