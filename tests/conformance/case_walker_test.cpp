// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/conformance/case_walker.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace tandem::conformance {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

Tensor floats(std::initializer_list<float> values) {
  return Tensor::of<float>(Shape{static_cast<std::int64_t>(values.size())}, values);
}

TEST(Difference, AcceptsWhatTheTolerancesAllow) {
  EXPECT_FALSE(difference(floats({1.0f, 100.05f}), floats({1.0f, 100.0f}), 1e-3, 0));
  EXPECT_FALSE(difference(floats({0.00005f}), floats({0.0f}), 0, 1e-4));
}

TEST(Difference, FindsAnElementBeyondTheTolerances) {
  const auto wrong = difference(floats({1.0f, 100.2f}), floats({1.0f, 100.0f}), 1e-3, 0);
  ASSERT_TRUE(wrong);
  EXPECT_NE(wrong->find("element 1"), std::string::npos) << *wrong;
}

TEST(Difference, TakesNanAsEqualToNanOnly) {
  EXPECT_FALSE(difference(floats({kNan}), floats({kNan}), 1, 1));
  EXPECT_TRUE(difference(floats({kNan}), floats({0.0f}), 1, 1));
  EXPECT_TRUE(difference(floats({0.0f}), floats({kNan}), 1, 1));
}

TEST(Difference, WantsTheSameInfinity) {
  EXPECT_FALSE(difference(floats({kInfinity, -kInfinity}), floats({kInfinity, -kInfinity}), 1, 1));
  EXPECT_TRUE(difference(floats({kInfinity}), floats({-kInfinity}), 1, 1));
  EXPECT_TRUE(difference(floats({3e38f}), floats({kInfinity}), 1, 1));
}

TEST(Difference, WantsTheSameTypeAndShape) {
  EXPECT_TRUE(difference(floats({1, 2}), Tensor::of<float>(Shape{1, 2}, {1, 2}), 1, 1));
  EXPECT_TRUE(difference(floats({1}), Tensor::of<double>(Shape{1}, {1}), 1, 1));
  EXPECT_TRUE(difference(Tensor{}, floats({1}), 1, 1));
}

TEST(Difference, ComparesIntegersExactly) {
  const auto ints = [](std::int64_t x) { return Tensor::of<std::int64_t>(Shape{1}, {x}); };
  EXPECT_FALSE(difference(ints(7), ints(7), 0, 0));
  EXPECT_TRUE(difference(ints((std::int64_t{1} << 60) + 1), ints(std::int64_t{1} << 60), 1, 1));
}

TEST(OperatorCases, ReadTolerancesAndDataSetsOfTheManifest) {
  const auto root = findConformanceData();
  if (!root) GTEST_SKIP() << "no conformance data; set TANDEM_CONFORMANCE_DIR";
  const std::vector<Case> cases = operatorCases(*root);
  ASSERT_GE(cases.size(), 1600u);
  bool seen = false;
  for (const Case& found : cases) {
    if (found.id == "node/test_conv_with_autopad_same") {
      seen = true;
      EXPECT_GT(found.rtol, 0);
      EXPECT_EQ(found.operators, std::vector<std::string>{"Conv"});
    }
    ASSERT_FALSE(found.dataSets.empty()) << found.id;
    for (const DataSet& data : found.dataSets) EXPECT_FALSE(data.outputs.empty()) << found.id;
  }
  EXPECT_TRUE(seen);
}

} // namespace
} // namespace tandem::conformance
