// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/ops/op_runner.hpp"

namespace tandem::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Axes = std::vector<std::int64_t>;

constexpr std::int64_t kUnknown = kUnknownDim;

TEST(Transpose, ReordersAxes) {
  EXPECT_THAT(Op("Transpose", 13).values({counting({2, 3})}), ElementsAre(0, 3, 1, 4, 2, 5));
  const Tensor y = Op("Transpose", 13).with("perm", Axes{1, 0, 2}).run({counting({2, 2, 2})});
  EXPECT_THAT(valuesOf(y), ElementsAre(0, 1, 4, 5, 2, 3, 6, 7));
  EXPECT_THAT(Op("Transpose", 13).values({Tensor::scalar<float>(3)}), ElementsAre(3));
  EXPECT_EQ(Op("Transpose", 13).with("perm", Axes{2, 0, 1}).infer({Shape{2, kUnknown, 4}}), "float32 4x2x?");
  EXPECT_THAT(Op("Transpose", 13).with("perm", Axes{0}).error({counting({2, 3})}), HasSubstr("perm"));
  EXPECT_THAT(Op("Transpose", 13).with("perm", Axes{0, 0}).error({counting({2, 3})}), HasSubstr("twice"));
}

TEST(Transpose, MovesEveryElementOfTensorsLargerThanATile) {
  const Shape shape{3, 40, 5, 70};
  const Tensor x = counting(shape);
  for (const Axes& perm : {Axes{0, 2, 3, 1}, Axes{3, 2, 1, 0}, Axes{0, 3, 1, 2}, Axes{1, 3, 0, 2}}) {
    const Tensor y = Op("Transpose", 13).with("perm", perm).run({x});
    const std::vector<std::int64_t> from = shape.strides(), to = y.shape().strides();
    std::int64_t wrong = 0;
    for (std::int64_t i = 0; i < y.elements(); ++i) {
      std::int64_t source = 0;
      for (std::size_t k = 0; k < 4; ++k) source += i / to[k] % y.shape()[k] * from[static_cast<std::size_t>(perm[k])];
      wrong += y.as<float>()[static_cast<std::size_t>(i)] != static_cast<float>(source);
    }
    EXPECT_EQ(wrong, 0) << y.shape().toString();
  }
}

TEST(Concat, JoinsAlongANegativeAxis) {
  const Tensor a = counting({2, 2}), b = floats({2, 1}, {8, 9});
  EXPECT_THAT(Op("Concat", 13).with("axis", -1).values({a, b}), ElementsAre(0, 1, 8, 2, 3, 9));
  EXPECT_THAT(Op("Concat", 1).values({a, b}), ElementsAre(0, 1, 8, 2, 3, 9)) << "axis 1 by default in version 1";
  EXPECT_THAT(Op("Concat", 13).with("axis", 0).values({floats({}), floats({1}), floats({2, 3})}), ElementsAre(1, 2, 3));
}

TEST(Concat, ChecksAndInfersShapes) {
  EXPECT_EQ(Op("Concat", 13).with("axis", 0).infer({Shape{2, kUnknown}, Shape{3, 4}}), "float32 5x4");
  EXPECT_EQ(Op("Concat", 13).with("axis", 0).infer({Shape{2, 4}, std::nullopt}), "float32 ?x4");
  EXPECT_THAT(Op("Concat", 13).with("axis", 0).infer({Shape{2, 3}, Shape{2, 4}}), HasSubstr("cannot join"));
  EXPECT_THAT(Op("Concat", 13).with("axis", 0).error({counting({2}), counting({2, 1})}), HasSubstr("cannot join"));
  EXPECT_THAT(Op("Concat", 13).error({counting({2})}), HasSubstr("axis"));
  EXPECT_THAT(Op("Concat", 13).with("axis", 0).error({counting({2}), ints({1})}), HasSubstr("different types"));
}

TEST(Split, CutsIntoEqualOrGivenParts) {
  const auto halves = Op("Split", 13, 2).with("axis", 1).runAll({counting({2, 4})});
  EXPECT_THAT(valuesOf(halves[1]), ElementsAre(2, 3, 6, 7));
  const auto given = Op("Split", 13, 3).runAll({counting({4}), ints({1, 0, 3})});
  EXPECT_THAT(valuesOf(given[1]), IsEmpty());
  EXPECT_THAT(valuesOf(given[2]), ElementsAre(1, 2, 3));
  const auto attribute = Op("Split", 2, 2).with("split", Axes{3, 1}).runAll({counting({4})});
  EXPECT_THAT(valuesOf(attribute[1]), ElementsAre(3));
  const auto uneven = Op("Split", 18, 3).with("num_outputs", 3).runAll({counting({7})});
  EXPECT_THAT(valuesOf(uneven[2]), ElementsAre(6));
}

TEST(Split, RefusesPartsThatDoNotAddUp) {
  EXPECT_THAT(Op("Split", 13, 2).error({counting({3})}), HasSubstr("equal parts"));
  EXPECT_THAT(Op("Split", 13, 2).error({counting({4}), ints({1, 1})}), HasSubstr("add up"));
  EXPECT_THAT(Op("Split", 13, 2).error({counting({4}), ints({INT64_MAX, INT64_MAX})}), HasSubstr("add up"));
  EXPECT_THAT(Op("Split", 13, 2).error({counting({4}), ints({4})}), HasSubstr("2 outputs"));
  EXPECT_THAT(Op("Split", 18, 2).with("num_outputs", 3).error({counting({4})}), HasSubstr("num_outputs"));
  EXPECT_EQ(Op("Split", 13, 2).infer({Shape{kUnknown, 3}, ints({1, 2})}, 1), "float32 2x3");
  EXPECT_EQ(Op("Split", 13, 2).infer({Shape{4, 3}, Shape{2}}, 1), "float32 ?x3");
}

TEST(Slice, CutsWithStepsOfBothSigns) {
  const Tensor x = counting({2, 5});
  EXPECT_THAT(Op("Slice", 13).values({x, ints({1}), ints({4}), ints({1}), ints({2})}), ElementsAre(1, 3, 6, 8));
  EXPECT_THAT(Op("Slice", 13).values({x, ints({-1}), ints({INT64_MIN}), ints({1}), ints({-2})}),
              ElementsAre(4, 2, 0, 9, 7, 5));
  EXPECT_THAT(Op("Slice", 10).values({x, ints({1, 0}), ints({2, INT64_MAX})}), ElementsAre(5, 6, 7, 8, 9));
  EXPECT_THAT(Op("Slice", 1).with("starts", Axes{-2}).with("ends", Axes{1000}).with("axes", Axes{1}).values({x}),
              ElementsAre(3, 4, 8, 9));
  EXPECT_THAT(Op("Slice", 13).values({x, ints({9}), ints({10})}), IsEmpty());
  EXPECT_THAT(Op("Slice", 13).values({counting({0}), ints({-1}), ints({-9}), ints({0}), ints({-1})}), IsEmpty());
  EXPECT_THAT(Op("Slice", 13).values({counting({3}), ints({-6}), ints({INT64_MIN}), ints({0}), ints({-2})}),
              ElementsAre(0));
  EXPECT_THAT(Op("Slice", 13).values({counting({3}), ints({0}), ints({3}), ints({0}), ints({INT64_MAX})}),
              ElementsAre(0));
  EXPECT_THAT(Op("Slice", 13).values({counting({3}), ints({2}), ints({INT64_MIN}), ints({0}), ints({INT64_MIN})}),
              ElementsAre(2));
}

TEST(Slice, ChecksAndInfers) {
  EXPECT_THAT(Op("Slice", 13).error({counting({3}), ints({0}), ints({1}), ints({0}), ints({0})}), HasSubstr("zero"));
  EXPECT_THAT(Op("Slice", 13).error({counting({3}), ints({0}), ints({1, 2})}), HasSubstr("length"));
  EXPECT_THAT(Op("Slice", 13).error({counting({3}), ints({0}), ints({1}), ints({1})}), HasSubstr("axis 1"));
  EXPECT_EQ(Op("Slice", 13).infer({Shape{5, kUnknown}, ints({1}), ints({3}), ints({0})}), "float32 2x?");
  EXPECT_EQ(Op("Slice", 13).infer({Shape{5, 6}, Shape{1}, ints({3}), ints({1})}), "float32 5x?");
  EXPECT_EQ(Op("Slice", 13).infer({Shape{5, 6}, Shape{1}, Shape{1}}), "float32 ?x6");
}

TEST(Slice, NamesAMissingInput) {
  EXPECT_THAT(Op("Slice", 13).error({counting({3}), ints({0})}), HasSubstr("input 2 is missing"));
}

TEST(Expand, BroadcastsBothWays) {
  EXPECT_THAT(Op("Expand", 13).values({floats({2, 1}, {1, 2}), ints({3})}), ElementsAre(1, 1, 1, 2, 2, 2));
  EXPECT_THAT(Op("Expand", 8).values({floats({1, 2}), ints({2, 1})}), ElementsAre(1, 2, 1, 2));
  EXPECT_EQ(Op("Expand", 13).run({Tensor::scalar<float>(1), ints({2, 0})}).shape(), (Shape{2, 0}));
  EXPECT_THAT(Op("Expand", 13).error({floats({1, 2}), ints({3})}), HasSubstr("cannot expand"));
  EXPECT_THAT(Op("Expand", 13).error({floats({1}), ints({-1})}), HasSubstr("negative"));
  EXPECT_THAT(Op("Expand", 13).error({floats({1}), ints({int64_t{1} << 40})}), HasSubstr("16 GiB"));
  EXPECT_EQ(Op("Expand", 13).infer({Shape{2, 1}, Shape{3}}), "float32 ?x?x?");
  EXPECT_EQ(Op("Expand", 13).infer({Shape{kUnknown, 1}, ints({1, 4})}), "float32 ?x4");
}

TEST(Tile, RepeatsAxes) {
  const Tensor x = counting({2, 2});
  EXPECT_THAT(Op("Tile", 13).values({x, ints({1, 2})}), ElementsAre(0, 1, 0, 1, 2, 3, 2, 3));
  EXPECT_THAT(Op("Tile", 13).values({x, ints({2, 1})}), ElementsAre(0, 1, 2, 3, 0, 1, 2, 3));
  EXPECT_THAT(Op("Tile", 1).values({x, ints({2}), ints({1})}), ElementsAre(0, 1, 0, 1, 2, 3, 2, 3));
  EXPECT_THAT(Op("Tile", 13).values({x, ints({0, 1})}), IsEmpty());
  EXPECT_THAT(Op("Tile", 13).error({x, ints({2})}), HasSubstr("rank 2"));
  EXPECT_THAT(Op("Tile", 13).error({x, ints({-1, 1})}), HasSubstr("negative"));
  EXPECT_THAT(Op("Tile", 13).error({x, ints({INT64_MAX, 2})}), HasSubstr("too large"));
  EXPECT_EQ(Op("Tile", 13).infer({Shape{2, kUnknown}, ints({3, 2})}), "float32 6x?");
}

TEST(Pad, FillsBordersInEveryMode) {
  const Tensor x = floats({1, 2, 3}), two = ints({2, 2});
  EXPECT_THAT(Op("Pad", 13).values({x, two}), ElementsAre(0, 0, 1, 2, 3, 0, 0));
  EXPECT_THAT(Op("Pad", 13).values({x, two, Tensor::scalar<float>(9)}), ElementsAre(9, 9, 1, 2, 3, 9, 9));
  EXPECT_THAT(Op("Pad", 13).with("mode", "reflect").values({x, two}), ElementsAre(3, 2, 1, 2, 3, 2, 1));
  EXPECT_THAT(Op("Pad", 13).with("mode", "edge").values({x, two}), ElementsAre(1, 1, 1, 2, 3, 3, 3));
  EXPECT_THAT(Op("Pad", 19).with("mode", "wrap").values({x, two}), ElementsAre(2, 3, 1, 2, 3, 1, 2));
  EXPECT_THAT(Op("Pad", 13).with("mode", "reflect").values({floats({1, 2}), ints({0, 4})}),
              ElementsAre(1, 2, 1, 2, 1, 2));
  EXPECT_THAT(Op("Pad", 13).values({x, ints({-1, 1})}), ElementsAre(2, 3, 0)) << "negative pads cut off";
}

TEST(Pad, KnowsTheFormsOfEveryVersion) {
  const Tensor x = floats({1, 2}, {1, 2});
  EXPECT_THAT(Op("Pad", 1).with("paddings", Axes{0, 1, 0, 0}).values({x}), ElementsAre(0, 1, 2));
  EXPECT_THAT(Op("Pad", 2).with("pads", Axes{0, 0, 0, 1}).with("value", 5.0f).values({x}), ElementsAre(1, 2, 5));
  EXPECT_THAT(Op("Pad", 18).values({x, ints({1, 0}), Tensor(), ints({-1})}), ElementsAre(0, 1, 2));
  EXPECT_EQ(Op("Pad", 18).infer({Shape{kUnknown, 2}, ints({1, 1}), Tensor::scalar<float>(0), ints({1})}),
            "float32 ?x4");
  EXPECT_EQ(Op("Pad", 13).infer({Shape{1, 2}, Shape{4}}), "float32 ?x?");
}

TEST(Pad, RefusesImpossiblePads) {
  const Tensor x = floats({1, 2, 3});
  EXPECT_THAT(Op("Pad", 13).error({x, ints({1})}), HasSubstr("pads are given"));
  EXPECT_THAT(Op("Pad", 13).error({x, ints({-2, -2})}), HasSubstr("cut more"));
  EXPECT_THAT(Op("Pad", 13).error({x, ints({INT64_MAX, INT64_MAX})}), HasSubstr("too large"));
  EXPECT_THAT(Op("Pad", 13).with("mode", "edge").error({floats({}), ints({1, 0})}), HasSubstr("nothing to repeat"));
  EXPECT_THAT(Op("Pad", 13).with("mode", "mirror").error({x, ints({1, 1})}), HasSubstr("mirror"));
  EXPECT_THAT(Op("Pad", 13).error({x, ints({1, 1}), Tensor::scalar<double>(1)}), HasSubstr("constant_value"));
}

TEST(DepthToSpace, SpreadsChannelsInBothOrders) {
  const Tensor x = counting({1, 8, 1, 1});
  EXPECT_THAT(Op("DepthToSpace", 13).with("blocksize", 2).values({x}), ElementsAre(0, 2, 4, 6, 1, 3, 5, 7));
  EXPECT_THAT(Op("DepthToSpace", 13).with("blocksize", 2).with("mode", "CRD").values({x}),
              ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_EQ(Op("DepthToSpace", 13).with("blocksize", 2).infer({Shape{kUnknown, 8, 3, 4}}), "float32 ?x2x6x8");
  EXPECT_THAT(Op("DepthToSpace", 13).with("blocksize", 3).error({x}), HasSubstr("divide"));
  EXPECT_THAT(Op("DepthToSpace", 13).error({x}), HasSubstr("blocksize"));
}

TEST(SpaceToDepth, UndoesDepthToSpace) {
  const Tensor x = counting({1, 8, 2, 3});
  const Tensor spread = Op("DepthToSpace", 13).with("blocksize", 2).run({x});
  EXPECT_EQ(valuesOf(Op("SpaceToDepth", 13).with("blocksize", 2).run({spread})), valuesOf(x));
  EXPECT_EQ(Op("SpaceToDepth", 13).with("blocksize", 2).infer({Shape{1, 2, 4, 6}}), "float32 1x8x2x3");
  EXPECT_THAT(Op("SpaceToDepth", 13).with("blocksize", 2).error({counting({1, 1, 3, 2})}), HasSubstr("divide"));
}

TEST(Trilu, KeepsATriangle) {
  const Tensor x = floats({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_THAT(Op("Trilu", 14).values({x}), ElementsAre(1, 2, 3, 0, 5, 6));
  EXPECT_THAT(Op("Trilu", 14).with("upper", 0).values({x}), ElementsAre(1, 0, 0, 4, 5, 0));
  EXPECT_THAT(Op("Trilu", 14).values({x, Tensor::scalar<std::int64_t>(1)}), ElementsAre(0, 2, 3, 0, 0, 6));
  EXPECT_THAT(Op("Trilu", 14).with("upper", 0).values({x, Tensor::scalar<std::int64_t>(-1)}),
              ElementsAre(0, 0, 0, 4, 0, 0));
  EXPECT_THAT(Op("Trilu", 14).values({x, Tensor::scalar<std::int64_t>(INT64_MAX)}), ElementsAre(0, 0, 0, 0, 0, 0));
  EXPECT_THAT(Op("Trilu", 14).error({floats({1})}), HasSubstr("two dimensions"));
}

} // namespace
} // namespace tandem::test
