// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/shape.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(Shape, CountsElementsAndStrides) {
  EXPECT_EQ(Shape{}.elements(), 1);
  EXPECT_EQ((Shape{2, 3, 4}.elements()), 24);
  EXPECT_EQ((Shape{2, 0, 4}.elements()), 0);
  EXPECT_EQ((Shape{2, 3, 4}.strides()), (std::vector<std::int64_t>{12, 4, 1}));
  EXPECT_TRUE(Shape{}.strides().empty());
  EXPECT_FALSE((Shape{2, kUnknownDim}.checkedElements()));
  EXPECT_FALSE((Shape{std::int64_t{1} << 40, std::int64_t{1} << 40}.checkedElements()));
  EXPECT_TRUE((Shape{2, 3}.isStatic()));
  EXPECT_FALSE((Shape{2, kUnknownDim}.isStatic()));
}

TEST(Shape, ReadsWell) {
  EXPECT_EQ((Shape{1, 3, 224, 224}.toString()), "1x3x224x224");
  EXPECT_EQ(Shape{}.toString(), "scalar");
  EXPECT_EQ((Shape{kUnknownDim, 4}.toString()), "?x4");
}

TEST(NormalizeAxis, CountsFromTheEnd) {
  EXPECT_EQ(normalizeAxis(0, 3), 0u);
  EXPECT_EQ(normalizeAxis(2, 3), 2u);
  EXPECT_EQ(normalizeAxis(-1, 3), 2u);
  EXPECT_EQ(normalizeAxis(-3, 3), 0u);
  EXPECT_FALSE(normalizeAxis(3, 3));
  EXPECT_FALSE(normalizeAxis(-4, 3));
  EXPECT_FALSE(normalizeAxis(0, 0));
}

TEST(Broadcast, FollowsTheTable) {
  const std::int64_t u = kUnknownDim;
  struct Case {
    Shape a, b;
    std::optional<Shape> expected;
  };
  const std::vector<Case> cases{
      {{}, {}, Shape{}},
      {{2, 3, 4, 5}, {}, Shape{2, 3, 4, 5}},
      {{2, 3, 4, 5}, {5}, Shape{2, 3, 4, 5}},
      {{4, 5}, {2, 3, 4, 5}, Shape{2, 3, 4, 5}},
      {{1, 4, 5}, {2, 3, 1, 1}, Shape{2, 3, 4, 5}},
      {{3, 4, 5}, {2, 1, 1, 1}, Shape{2, 3, 4, 5}},
      {{2, 3}, {3, 2}, std::nullopt},
      {{4}, {3}, std::nullopt},
      {{0}, {1}, Shape{0}},
      {{0}, {2}, std::nullopt},
      {{u}, {5}, Shape{5}},
      {{u}, {1}, Shape{u}},
      {{u}, {u}, Shape{u}},
      {{u, 3}, {1, 3}, Shape{u, 3}},
      {{u, 3}, {u, 4}, std::nullopt},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(broadcast(each.a, each.b), each.expected) << each.a.toString() << " and " << each.b.toString();
    EXPECT_EQ(broadcast(each.b, each.a), each.expected) << each.b.toString() << " and " << each.a.toString();
  }
}

} // namespace
} // namespace tandem
