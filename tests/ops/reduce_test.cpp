// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/ops/op_runner.hpp"

#include <cmath>
#include <limits>

namespace tandem::test {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsNan;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// [[1, -2], [3, 4]]
Tensor matrix() { return floats({2, 2}, {1, -2, 3, 4}); }

TEST(Reduce, FoldsOverEveryAxis) {
  auto all = [](const char* type) { return Op(type, 13).with("keepdims", 0).values({matrix()})[0]; };
  EXPECT_EQ(all("ReduceMean"), 1.5);
  EXPECT_EQ(all("ReduceMax"), 4);
  EXPECT_EQ(all("ReduceMin"), -2);
  EXPECT_EQ(all("ReduceProd"), -24);
  EXPECT_EQ(all("ReduceL1"), 10);
  EXPECT_NEAR(all("ReduceL2"), std::sqrt(30), 1e-6);
  EXPECT_EQ(all("ReduceSumSquare"), 30);
  EXPECT_NEAR(all("ReduceLogSum"), std::log(6), 1e-6);
  EXPECT_NEAR(all("ReduceLogSumExp"), std::log(std::exp(1) + std::exp(-2) + std::exp(3) + std::exp(4)), 1e-6);
  EXPECT_EQ(Op("ReduceSum", 11).with("keepdims", 0).values({matrix()})[0], 6);
}

TEST(Reduce, TakesAxesAsAttributeThenAsInput) {
  using Axes = std::vector<std::int64_t>;
  EXPECT_THAT(Op("ReduceSum", 11).with("axes", Axes{0}).values({matrix()}), ElementsAre(4, 2));
  EXPECT_THAT(Op("ReduceSum", 13).values({matrix(), ints({-1})}), ElementsAre(-1, 7));
  EXPECT_THAT(Op("ReduceMax", 13).with("axes", Axes{1}).values({matrix()}), ElementsAre(1, 4));
  EXPECT_THAT(Op("ReduceMax", 18).values({matrix(), ints({0})}), ElementsAre(3, 4));
  EXPECT_EQ(Op("ReduceMean", 18).run({counting({2, 3, 4}), ints({0, 2})}).shape(), (Shape{1, 3, 1}));
  EXPECT_THAT(Op("ReduceMean", 18).with("keepdims", 0).values({counting({2, 3, 4}), ints({0, 2})}),
              ElementsAre(7.5, 11.5, 15.5));
}

TEST(Reduce, EmptyAxesMeanAllOrNone) {
  const Tensor none = Tensor::zeros({DataType::Int64, {0}});
  EXPECT_THAT(Op("ReduceSum", 13).values({matrix(), none}), ElementsAre(6));
  EXPECT_THAT(Op("ReduceSum", 13).with("noop_with_empty_axes", 1).values({matrix(), none}), ElementsAre(1, -2, 3, 4));
  EXPECT_THAT(Op("ReduceSum", 13).with("noop_with_empty_axes", 1).values({matrix()}), ElementsAre(1, -2, 3, 4));
}

TEST(Reduce, HasAnAnswerForNothing) {
  const Tensor empty = floats({2, 0}, {});
  const Tensor axis = ints({1});
  EXPECT_THAT(Op("ReduceSum", 13).values({empty, axis}), ElementsAre(0, 0));
  EXPECT_THAT(Op("ReduceProd", 18).values({empty, axis}), ElementsAre(1, 1));
  EXPECT_THAT(Op("ReduceMax", 18).values({empty, axis}), ElementsAre(-kInf, -kInf));
  EXPECT_THAT(Op("ReduceMin", 18).values({empty, axis}), ElementsAre(kInf, kInf));
  EXPECT_THAT(Op("ReduceLogSumExp", 18).values({empty, axis}), ElementsAre(-kInf, -kInf));
  EXPECT_THAT(Op("ReduceMean", 18).values({empty, axis}), ElementsAre(IsNan(), IsNan()));
  EXPECT_THAT(Op("ReduceMax", 18).values({Tensor::zeros({DataType::Int32, {0}}), ints({0})}), ElementsAre(INT32_MIN));
  EXPECT_THAT(Op("ReduceMean", 18).error({Tensor::zeros({DataType::Int32, {0}}), ints({0})}), HasSubstr("mean"));
}

TEST(Reduce, KeepsLargeAndSpecialNumbers) {
  EXPECT_NEAR(Op("ReduceLogSumExp", 13).values({floats({1000, 1000})})[0], 1000 + std::log(2), 1e-3);
  EXPECT_THAT(Op("ReduceMax", 13).values({floats({1, kNaN, 2})}), ElementsAre(IsNan()));
  EXPECT_THAT(Op("ReduceMax", 20).values({bools({false, true})}), ElementsAre(1));
  EXPECT_THAT(Op("ReduceSum", 13).values({ints({INT64_MAX, 1})}), ElementsAre(static_cast<double>(INT64_MIN)));
  EXPECT_THAT(Op("ReduceL2", 13).values({int32s({3, 4})}), ElementsAre(5));
}

TEST(Reduce, SumsFloatsWithoutDrift) {
  Tensor ones = Tensor::uninitialized({DataType::Float32, {1 << 25}});
  std::fill(ones.mutableAs<float>().begin(), ones.mutableAs<float>().end(), 1.0f);
  EXPECT_THAT(Op("ReduceSum", 13).values({ones}), ElementsAre(1 << 25)) << "float alone would stop at 2^24";
}

TEST(Reduce, InfersWhatIsKnown) {
  EXPECT_EQ(Op("ReduceSum", 13).infer({Shape{2, kUnknownDim}, ints({0})}), "float32 1x?");
  EXPECT_EQ(Op("ReduceSum", 13).with("keepdims", 0).infer({Shape{2, kUnknownDim}, ints({0})}), "float32 ?");
  EXPECT_EQ(Op("ReduceSum", 13).infer({std::nullopt, ints({0})}), "float32 of unknown rank");
  EXPECT_THAT(Op("ReduceSum", 13).infer({Shape{2}, ints({1})}), HasSubstr("axis 1"));
  EXPECT_THAT(Op("ReduceSum", 13).error({floats({2}), ints({0, 0})}), HasSubstr("twice"));
}

TEST(ArgReduce, FindsTheFirstOrTheLast) {
  const Tensor x = floats({2, 3}, {1, 3, 3, 2, 0, 0});
  EXPECT_THAT(Op("ArgMax", 13).with("axis", 1).values({x}), ElementsAre(1, 0));
  EXPECT_THAT(Op("ArgMax", 13).with("axis", 1).with("select_last_index", 1).values({x}), ElementsAre(2, 0));
  EXPECT_THAT(Op("ArgMin", 13).with("axis", -1).values({x}), ElementsAre(0, 1));
  EXPECT_THAT(Op("ArgMin", 13).with("axis", -1).with("select_last_index", 1).values({x}), ElementsAre(0, 2));
  EXPECT_THAT(Op("ArgMax", 13).values({x}), ElementsAre(1, 0, 0)) << "axis 0 by default";
  EXPECT_EQ(Op("ArgMax", 13).with("keepdims", 0).infer({Shape{2, 3}}), "int64 3");
  EXPECT_EQ(Op("ArgMax", 13).infer({Shape{2, 3}}), "int64 1x3");
  EXPECT_THAT(Op("ArgMax", 13).error({floats({0}, {})}), HasSubstr("no element"));
  EXPECT_THAT(Op("ArgMax", 13).with("axis", 2).error({x}), HasSubstr("axis 2"));
}

TEST(CumSum, RunsForwardsBackwardsAndExclusively) {
  const Tensor x = floats({1, 2, 3}), axis = Tensor::scalar<std::int32_t>(0);
  EXPECT_THAT(Op("CumSum", 14).values({x, axis}), ElementsAre(1, 3, 6));
  EXPECT_THAT(Op("CumSum", 14).with("exclusive", 1).values({x, axis}), ElementsAre(0, 1, 3));
  EXPECT_THAT(Op("CumSum", 14).with("reverse", 1).values({x, axis}), ElementsAre(6, 5, 3));
  EXPECT_THAT(Op("CumSum", 14).with("reverse", 1).with("exclusive", 1).values({x, axis}), ElementsAre(5, 3, 0));
  EXPECT_THAT(Op("CumSum", 14).values({counting({2, 2}), axis}), ElementsAre(0, 1, 2, 4));
  EXPECT_THAT(Op("CumProd", 26).values({x, axis}), ElementsAre(1, 2, 6));
  EXPECT_THAT(Op("CumSum", 14).error({x, Tensor::scalar<std::int32_t>(1)}), HasSubstr("axis 1"));
  EXPECT_EQ(Op("CumSum", 14).infer({Shape{2, kUnknownDim}, ints({0})}), "float32 2x?");
}

TEST(TopK, SortsAndBreaksTiesByIndex) {
  const Tensor x = floats({1, 5}, {3, 1, 3, 2, 1});
  auto best = Op("TopK", 11, 2).runAll({x, ints({3})});
  EXPECT_THAT(valuesOf(best[0]), ElementsAre(3, 3, 2));
  EXPECT_THAT(valuesOf(best[1]), ElementsAre(0, 2, 3));
  auto least = Op("TopK", 11, 2).with("largest", 0).runAll({x, ints({2})});
  EXPECT_THAT(valuesOf(least[1]), ElementsAre(1, 4));
  auto old = Op("TopK", 1, 2).with("k", 1).with("axis", 0).runAll({floats({2, 2}, {1, 4, 3, 2})});
  EXPECT_THAT(valuesOf(old[0]), ElementsAre(3, 4));
  EXPECT_THAT(valuesOf(old[1]), ElementsAre(1, 0));
}

TEST(TopK, OrdersNaNAsTheLargest) {
  auto best = Op("TopK", 11, 2).runAll({floats({1, kNaN, 5}), ints({2})});
  EXPECT_THAT(valuesOf(best[1]), ElementsAre(1, 2));
}

TEST(TopK, ChecksK) {
  EXPECT_THAT(Op("TopK", 11, 2).error({floats({1, 2}), ints({3})}), HasSubstr("cannot take 3 of 2"));
  EXPECT_THAT(Op("TopK", 11, 2).infer({Shape{2, 4}, ints({5})}), HasSubstr("cannot take 5 of 4"));
  EXPECT_EQ(Op("TopK", 11, 2).infer({Shape{2, 4}, ints({3})}, 1), "int64 2x3");
}

} // namespace
} // namespace tandem::test
