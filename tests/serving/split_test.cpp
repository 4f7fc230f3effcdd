// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/split.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <numeric>
#include <random>

namespace tandem {
namespace {

int sum(const std::vector<int>& shares) { return std::accumulate(shares.begin(), shares.end(), 0); }

TEST(Split, EqualDevicesGetEqualShares) {
  const std::vector<LinearCost> costs{{0, 10}, {0, 10}};
  EXPECT_EQ(splitShares(16, costs), (std::vector<int>{8, 8}));
}

TEST(Split, SharesFollowTheSpeeds) {
  const std::vector<LinearCost> costs{{0, 10}, {0, 30}};
  EXPECT_EQ(splitShares(16, costs), (std::vector<int>{12, 4}));
}

TEST(Split, ADeviceWhoseStartUpTakesLongerThanTheWholeGetsNothing) {
  const std::vector<LinearCost> costs{{0, 10}, {1000, 1}};
  EXPECT_EQ(splitShares(16, costs), (std::vector<int>{16, 0}));
  EXPECT_GT(splitShares(1000, costs)[1], 0);
}

TEST(Split, IsWithinOneItemOfTheBestDivision) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> alpha(0, 200), beta(1, 40);
  for (int trial = 0; trial < 200; ++trial) {
    const std::vector<LinearCost> costs{{alpha(random), beta(random)}, {alpha(random), beta(random)}};
    const auto ns = [&](std::size_t d, int items) { return costs[d].alphaNs + costs[d].betaNs * items; };
    const int items = 2 + static_cast<int>(random() % 60);
    std::vector<int> shares = splitShares(items, costs);
    ASSERT_EQ(sum(shares), items);
    improveShares(shares, ns);
    ASSERT_EQ(sum(shares), items);
    double best = INFINITY;
    for (int first = 0; first <= items; ++first) {
      const std::vector<int> each{first, items - first};
      best = std::min(best, makespanNs(each, ns));
    }
    EXPECT_LE(makespanNs(shares, ns), best * (1 + 1e-9)) << items;
  }
}

TEST(Split, MovesItemsAlongMeasuredSteps) {
  // One device computes pairs: an odd item costs as much as two.
  const auto ns = [](std::size_t d, int items) { return d == 0 ? 20.0 * ((items + 1) / 2) : 10.0 * items; };
  std::vector<int> shares{5, 3};
  improveShares(shares, ns);
  EXPECT_EQ(sum(shares), 8);
  EXPECT_EQ(makespanNs(shares, ns), 40);
}

TEST(Split, FitsALineThroughMeasuredTimes) {
  const std::vector<std::pair<int, double>> points{{4, 140}, {8, 180}, {16, 260}};
  const LinearCost cost = fitLinear(points);
  EXPECT_NEAR(cost.alphaNs, 100, 1e-6);
  EXPECT_NEAR(cost.betaNs, 10, 1e-6);
}

TEST(Split, AFitNeverMakesItemsFreeOrTimesNegative) {
  const std::vector<std::vector<std::pair<int, double>>> odd{
      {{1, 100}, {8, 100}}, {{1, 100}, {8, 60}}, {{4, 10}}, {{1, 1}, {2, 10}, {4, 100}}};
  for (const auto& points : odd) {
    const LinearCost cost = fitLinear(points);
    EXPECT_GE(cost.alphaNs, 0);
    EXPECT_GT(cost.betaNs, 0);
  }
}

} // namespace
} // namespace tandem
