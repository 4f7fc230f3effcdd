// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/ops/op_runner.hpp"

namespace tandem::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int64_t kUnknown = kUnknownDim;

TEST(Gather, PicksSlices) {
  const Tensor x = counting({3, 2});
  EXPECT_THAT(Op("Gather", 13).values({x, ints({2, 0, -1})}), ElementsAre(4, 5, 0, 1, 4, 5));
  EXPECT_THAT(Op("Gather", 13).with("axis", 1).values({x, int32s({1})}), ElementsAre(1, 3, 5));
  EXPECT_EQ(Op("Gather", 13).run({x, Tensor::scalar<std::int64_t>(1)}).shape(), Shape{2});
  EXPECT_THAT(Op("Gather", 13).error({x, ints({3})}), HasSubstr("index 3 is outside"));
  EXPECT_THAT(Op("Gather", 13).error({x, ints({-4})}), HasSubstr("index -4"));
  EXPECT_THAT(Op("Gather", 13).error({x, floats({0})}), HasSubstr("int32 or int64"));
  EXPECT_EQ(Op("Gather", 13).with("axis", -1).infer({Shape{3, 4}, Shape{kUnknown, 5}}), "float32 3x?x5");
}

TEST(GatherElements, PicksAlongOneAxis) {
  const Tensor x = floats({2, 2}, {1, 2, 3, 4});
  EXPECT_THAT(Op("GatherElements", 13).with("axis", 1).values({x, ints({2, 2}, {0, 0, 1, 0})}),
              ElementsAre(1, 1, 4, 3));
  EXPECT_THAT(Op("GatherElements", 13).values({x, ints({1, 2}, {-1, 0})}), ElementsAre(3, 2));
  EXPECT_THAT(Op("GatherElements", 13).error({x, ints({0})}), HasSubstr("do not fit"));
  EXPECT_THAT(Op("GatherElements", 13).error({x, ints({1, 3}, {0, 0, 0})}), HasSubstr("do not fit"));
  EXPECT_THAT(Op("GatherElements", 13).error({x, ints({1, 1}, {2})}), HasSubstr("outside"));
  EXPECT_EQ(Op("GatherElements", 13).infer({Shape{2, 2}, Shape{1, kUnknown}}), "float32 1x?");
}

TEST(GatherND, PicksByTuples) {
  const Tensor x = counting({2, 2, 2});
  EXPECT_THAT(Op("GatherND", 13).values({x, ints({2, 2}, {0, 1, 1, 0})}), ElementsAre(2, 3, 4, 5));
  EXPECT_THAT(Op("GatherND", 13).values({x, ints({1, 3}, {-1, -1, 0})}), ElementsAre(6));
  EXPECT_THAT(Op("GatherND", 13).with("batch_dims", 1).values({x, ints({2, 1}, {1, 0})}), ElementsAre(2, 3, 4, 5));
  EXPECT_THAT(Op("GatherND", 13).error({x, ints({1, 1}, {2})}), HasSubstr("outside"));
  EXPECT_THAT(Op("GatherND", 13).error({x, ints({1, 4}, {0, 0, 0, 0})}), HasSubstr("do not fit"));
  EXPECT_THAT(Op("GatherND", 13).with("batch_dims", 1).error({x, ints({3, 1}, {0, 0, 0})}), HasSubstr("batch"));
  EXPECT_EQ(Op("GatherND", 13).infer({Shape{2, 3, 4}, Shape{kUnknown, 2}}), "float32 ?x4");
}

TEST(ScatterElements, ReplacesOrJoins) {
  const Tensor x = floats({1, 2, 3}), index = ints({1, 1}), update = floats({10, 4});
  auto with = [&](const char* reduction) {
    return Op("ScatterElements", 18).with("reduction", reduction).values({x, index, update});
  };
  EXPECT_THAT(with("none"), ElementsAre(1, 4, 3));
  EXPECT_THAT(with("add"), ElementsAre(1, 16, 3));
  EXPECT_THAT(with("mul"), ElementsAre(1, 80, 3));
  EXPECT_THAT(with("max"), ElementsAre(1, 10, 3));
  EXPECT_THAT(with("min"), ElementsAre(1, 2, 3));
  EXPECT_THAT(Op("ScatterElements", 18).with("reduction", "mean").error({x, index, update}), HasSubstr("mean"));
  EXPECT_THAT(Op("Scatter", 9).with("axis", 0).values({x, ints({0}), floats({7})}), ElementsAre(7, 2, 3));
}

TEST(ScatterElements, WorksAlongTheAxisAndChecksIndices) {
  const Tensor x = counting({2, 3});
  EXPECT_THAT(Op("ScatterElements", 13).with("axis", 1).values({x, ints({2, 1}, {-1, 0}), floats({2, 1}, {20, 30})}),
              ElementsAre(0, 1, 20, 30, 4, 5));
  EXPECT_THAT(Op("ScatterElements", 13).error({x, ints({1, 1}, {2}), floats({1, 1}, {0})}), HasSubstr("outside"));
  EXPECT_THAT(Op("ScatterElements", 13).error({x, ints({1, 1}, {0}), floats({1, 2}, {0, 0})}), HasSubstr("do not fit"));
  EXPECT_THAT(Op("ScatterElements", 13).error({x, ints({1, 4}, {0, 0, 0, 0}), counting({1, 4})}),
              HasSubstr("do not fit"));
  EXPECT_EQ(Op("ScatterElements", 13).infer({Shape{2, kUnknown}, Shape{1, 1}, Shape{1, 1}}), "float32 2x?");
}

TEST(ScatterND, ReplacesOrJoinsSlices) {
  const Tensor x = counting({3, 2});
  EXPECT_THAT(Op("ScatterND", 13).values({x, ints({2, 1}, {2, 0}), floats({2, 2}, {9, 8, 7, 6})}),
              ElementsAre(7, 6, 2, 3, 9, 8));
  EXPECT_THAT(Op("ScatterND", 16).with("reduction", "add").values({x, ints({2, 2}, {0, 0, 0, 0}), floats({5, 6})}),
              ElementsAre(11, 1, 2, 3, 4, 5));
  EXPECT_THAT(Op("ScatterND", 13).error({x, ints({1, 1}, {3}), floats({1, 2}, {0, 0})}), HasSubstr("outside"));
  EXPECT_THAT(Op("ScatterND", 13).error({x, ints({1, 1}, {0}), floats({0})}), HasSubstr("should be 1x2"));
  EXPECT_THAT(Op("ScatterND", 13).error({x, ints({1, 3}, {0, 0, 0}), floats({0})}), HasSubstr("do not fit"));
}

TEST(OneHot, MarksIndices) {
  const Tensor values = floats({-1, 5}), depth = Tensor::scalar<std::int64_t>(3);
  EXPECT_THAT(Op("OneHot", 11).values({ints({1, -1}), depth, values}), ElementsAre(-1, 5, -1, -1, -1, 5));
  EXPECT_THAT(Op("OneHot", 9).values({ints({1, -1}), depth, values}), ElementsAre(-1, 5, -1, -1, -1, -1));
  EXPECT_THAT(Op("OneHot", 11).with("axis", 0).values({ints({2, 7}), depth, values}),
              ElementsAre(-1, -1, -1, -1, 5, -1));
  EXPECT_EQ(Op("OneHot", 11).infer({Shape{2, kUnknown}, depth, values}), "float32 2x?x3");
  EXPECT_EQ(Op("OneHot", 11).with("axis", 0).infer({Shape{2}, Shape{}, values}), "float32 ?x2");
  EXPECT_THAT(Op("OneHot", 11).error({ints({0}), depth, floats({1})}), HasSubstr("values"));
  EXPECT_THAT(Op("OneHot", 11).error({ints({0}), Tensor::scalar<std::int64_t>(-3), values}), HasSubstr("negative"));
}

TEST(NonZero, ListsPositionsByAxis) {
  const Tensor y = Op("NonZero", 13).run({floats({2, 2}, {1, 0, 3, 4})});
  EXPECT_EQ(y.shape(), (Shape{2, 3}));
  EXPECT_THAT(valuesOf(y), ElementsAre(0, 1, 1, 0, 0, 1));
  EXPECT_EQ(Op("NonZero", 13).run({bools({false})}).shape(), (Shape{1, 0}));
  EXPECT_EQ(Op("NonZero", 13).infer({Shape{2, 3}}), "int64 2x?");
}

} // namespace
} // namespace tandem::test
