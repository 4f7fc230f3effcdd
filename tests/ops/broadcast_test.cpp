// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/ops/op_runner.hpp"

#include <limits>

namespace tandem::test {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsNan;
using testing::Not;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

TEST(Broadcasting, JoinsScalarsRowsColumnsAndLeadingAxes) {
  const Tensor matrix = counting({2, 3});
  EXPECT_THAT(Op("Add", 14).values({matrix, Tensor::scalar<float>(10)}), ElementsAre(10, 11, 12, 13, 14, 15));
  EXPECT_THAT(Op("Add", 14).values({matrix, floats({10, 20, 30})}), ElementsAre(10, 21, 32, 13, 24, 35));
  EXPECT_THAT(Op("Add", 14).values({floats({2, 1}, {10, 20}), matrix}), ElementsAre(10, 11, 12, 23, 24, 25));
  EXPECT_THAT(Op("Sub", 14).values({floats({2, 1}, {1, 2}), floats({1, 2}, {10, 20})}), ElementsAre(-9, -19, -8, -18));
  const Tensor cube = Op("Add", 14).run({counting({2, 1, 2}), floats({2, 1}, {10, 20})});
  EXPECT_EQ(cube.shape(), (Shape{2, 2, 2}));
  EXPECT_THAT(valuesOf(cube), ElementsAre(10, 11, 20, 21, 12, 13, 22, 23));
}

TEST(Broadcasting, KeepsEmptyTensorsEmpty) {
  const Tensor empty = Op("Mul", 14).run({floats({0, 3}, {}), floats({1, 3}, {1, 2, 3})});
  EXPECT_EQ(empty.shape(), (Shape{0, 3}));
}

TEST(Broadcasting, RefusesShapesAndTypesThatDoNotFit) {
  EXPECT_THAT(Op("Add", 14).error({counting({2, 3}), counting({2})}), HasSubstr("do not broadcast"));
  EXPECT_THAT(Op("Add", 14).error({floats({1}), ints({1})}), HasSubstr("different types"));
  EXPECT_THAT(Op("Add", 14).infer({Shape{2, 3}, Shape{2}}), HasSubstr("do not broadcast"));
  EXPECT_THAT(Op("Add", 14).infer({Shape{2}, ints({1, 2})}), HasSubstr("different types"));
}

TEST(Broadcasting, InfersWithUnknownDims) {
  EXPECT_EQ(Op("Add", 14).infer({Shape{kUnknownDim, 3}, Shape{4, 1}}), "float32 4x3");
  EXPECT_EQ(Op("Add", 14).infer({Shape{kUnknownDim, 3}, Shape{1, 3}}), "float32 ?x3");
  EXPECT_EQ(Op("Add", 14).infer({std::nullopt, Shape{1, 3}}), "float32 of unknown rank");
  EXPECT_EQ(Op("Less", 13).infer({Shape{2, 3}, Shape{3}}), "bool 2x3");
}

TEST(LegacyBroadcasting, PlacesTheSecondOperandAtAnAxis) {
  const Tensor x = counting({2, 3, 2});
  const Tensor y = Op("Add", 6).with("broadcast", 1).with("axis", 1).run({x, floats({100, 200, 300})});
  EXPECT_THAT(valuesOf(y), ElementsAre(100, 101, 202, 203, 304, 305, 106, 107, 208, 209, 310, 311));
  EXPECT_THAT(Op("Mul", 1).with("broadcast", 1).values({counting({2, 2}), floats({1, 10})}), ElementsAre(0, 10, 2, 30));
  EXPECT_EQ(Op("Add", 6).with("broadcast", 1).with("axis", 0).infer({Shape{2, 3}, Shape{2}}), "float32 2x3");
}

TEST(LegacyBroadcasting, IsOffWithoutTheAttribute) {
  EXPECT_THAT(Op("Add", 6).error({counting({2, 2}), floats({1, 2})}), HasSubstr("do not broadcast"));
  EXPECT_THAT(Op("Add", 6).with("broadcast", 1).with("axis", 1).error({counting({2, 2}), counting({2, 2})}),
              HasSubstr("do not broadcast"));
  EXPECT_THAT(Op("And", 1).with("broadcast", 1).values({bools({true, false}), bools({true})}), ElementsAre(1, 0));
}

TEST(Arithmetic, WrapsIntegers) {
  EXPECT_THAT(Op("Add", 14).values({int32s({INT32_MAX}), int32s({1})}), ElementsAre(INT32_MIN));
  EXPECT_THAT(Op("Sub", 14).values({tensor<std::uint8_t>({1}, {1}), tensor<std::uint8_t>({1}, {2})}), ElementsAre(255));
  EXPECT_THAT(Op("Mul", 14).values({tensor<std::uint16_t>({1}, {65535}), tensor<std::uint16_t>({1}, {65535})}),
              ElementsAre(1));
}

TEST(Div, TruncatesIntegersAndRefusesZero) {
  EXPECT_THAT(Op("Div", 14).values({ints({7, -7, 6}), ints({2, 2, -3})}), ElementsAre(3, -3, -2));
  EXPECT_THAT(Op("Div", 14).values({int32s({INT32_MIN}), int32s({-1})}), ElementsAre(INT32_MIN));
  EXPECT_THAT(Op("Div", 14).error({ints({1}), ints({0})}), HasSubstr("division by zero"));
  EXPECT_THAT(Op("Div", 14).values({floats({1}), floats({4})}), ElementsAre(0.25));
}

TEST(Mod, FollowsTheDivisorOrTheDividend) {
  EXPECT_THAT(Op("Mod", 13).values({ints({-4, 7, 5}), ints({3, -3, 3})}), ElementsAre(2, -2, 2));
  EXPECT_THAT(Op("Mod", 13).with("fmod", 1).values({ints({-4, 7, 5}), ints({3, -3, 3})}), ElementsAre(-1, 1, 2));
  EXPECT_THAT(Op("Mod", 13).with("fmod", 1).values({floats({-4.5f}), floats({2})}), ElementsAre(-0.5));
  EXPECT_THAT(Op("Mod", 13).values({int32s({INT32_MIN}), int32s({-1})}), ElementsAre(0));
  EXPECT_THAT(Op("Mod", 13).error({ints({1}), ints({0})}), HasSubstr("division by zero"));
}

TEST(Pow, AllowsMixedTypes) {
  EXPECT_THAT(Op("Pow", 7).values({floats({2, 3}), floats({3})}), ElementsAre(8, 27));
  EXPECT_THAT(Op("Pow", 15).values({floats({4, 9}), Tensor::scalar<float>(0.5f)}), ElementsAre(2, 3));
  EXPECT_THAT(Op("Pow", 15).values({floats({3}), Tensor::scalar<std::int64_t>(2)}), ElementsAre(9));
  EXPECT_THAT(Op("Pow", 15).values({ints({3, -2}), ints({3, 2})}), ElementsAre(27, 4));
  EXPECT_THAT(Op("Pow", 15).values({ints({2, 1, -1}), ints({-1, -5, -3})}), ElementsAre(0, 1, -1));
  EXPECT_THAT(Op("Pow", 15).values({int32s({9}), floats({0.5f})}), ElementsAre(3));
  EXPECT_EQ(Op("Pow", 15).infer({ints({1, 2}), Shape{1}}), "int64 2");
  EXPECT_THAT(Op("Pow", 15).error({floats({1}), bools({true})}), HasSubstr("bool"));
}

TEST(Comparisons, CompareElements) {
  const Tensor a = floats({1, 2, 3}), b = floats({2, 2, 2});
  EXPECT_THAT(Op("Equal", 13).values({a, b}), ElementsAre(0, 1, 0));
  EXPECT_THAT(Op("Less", 13).values({a, b}), ElementsAre(1, 0, 0));
  EXPECT_THAT(Op("Greater", 13).values({a, b}), ElementsAre(0, 0, 1));
  EXPECT_THAT(Op("LessOrEqual", 16).values({a, b}), ElementsAre(1, 1, 0));
  EXPECT_THAT(Op("GreaterOrEqual", 16).values({a, b}), ElementsAre(0, 1, 1));
  EXPECT_THAT(Op("Equal", 13).values({bools({true, false}), bools({true, true})}), ElementsAre(1, 0));
  EXPECT_EQ(Op("Equal", 13).run({a, b}).type(), DataType::Bool);
}

TEST(Logic, CombinesBoolsOnly) {
  const Tensor a = bools({false, false, true, true}), b = bools({false, true, false, true});
  EXPECT_THAT(Op("And", 7).values({a, b}), ElementsAre(0, 0, 0, 1));
  EXPECT_THAT(Op("Or", 7).values({a, b}), ElementsAre(0, 1, 1, 1));
  EXPECT_THAT(Op("Xor", 7).values({a, b}), ElementsAre(0, 1, 1, 0));
  EXPECT_THAT(Op("And", 7).error({floats({1}), floats({1})}), HasSubstr("float32"));
}

TEST(Bits, CombineAndShift) {
  const Tensor a = tensor<std::uint8_t>({2}, {12, 255}), b = tensor<std::uint8_t>({2}, {10, 9});
  EXPECT_THAT(Op("BitwiseAnd", 18).values({a, b}), ElementsAre(8, 9));
  EXPECT_THAT(Op("BitwiseOr", 18).values({a, b}), ElementsAre(14, 255));
  EXPECT_THAT(Op("BitwiseXor", 18).values({a, b}), ElementsAre(6, 246));
  EXPECT_THAT(Op("BitShift", 11).with("direction", "LEFT").values({a, tensor<std::uint8_t>({2}, {1, 9})}),
              ElementsAre(24, 0));
  EXPECT_THAT(Op("BitShift", 11).with("direction", "RIGHT").values({a, tensor<std::uint8_t>({2}, {2, 4})}),
              ElementsAre(3, 15));
  EXPECT_THAT(Op("BitShift", 11).error({a, b}), HasSubstr("direction"));
}

TEST(Variadic, FoldsAnyNumberOfInputs) {
  const Tensor a = floats({2, 1}, {1, 5}), b = floats({3, 4}), c = Tensor::scalar<float>(2);
  EXPECT_THAT(Op("Sum", 13).values({a, b, c}), ElementsAre(6, 7, 10, 11));
  EXPECT_THAT(Op("Mean", 13).values({a, b, c}),
              ElementsAre(2, DoubleNear(7.0 / 3, 1e-6), DoubleNear(10.0 / 3, 1e-6), DoubleNear(11.0 / 3, 1e-6)));
  EXPECT_THAT(Op("Max", 13).values({a, b, c}), ElementsAre(3, 4, 5, 5));
  EXPECT_THAT(Op("Min", 13).values({a, b, c}), ElementsAre(1, 1, 2, 2));
  EXPECT_THAT(Op("Sum", 13).values({b}), ElementsAre(3, 4));
  EXPECT_EQ(Op("Max", 13).infer({Shape{2, 1}, Shape{kUnknownDim}, Shape{}}), "float32 2x?");
}

TEST(Variadic, PassesNaNOn) {
  EXPECT_THAT(Op("Max", 13).values({floats({kNaN, 1}), floats({1, kNaN})}), ElementsAre(IsNan(), IsNan()));
  EXPECT_THAT(Op("Min", 13).values({floats({kNaN, 1}), floats({1, kNaN})}), ElementsAre(IsNan(), IsNan()));
}

TEST(Variadic, DemandsEqualShapesBeforeVersion8) {
  EXPECT_THAT(Op("Sum", 6).error({floats({1, 2}), floats({1})}), HasSubstr("do not broadcast"));
  EXPECT_THAT(Op("Sum", 6).infer({Shape{2}, Shape{1}}), HasSubstr("do not broadcast"));
}

TEST(PRelu, BroadcastsTheSlopeOneWay) {
  const Tensor x = floats({1, 2, 2}, {-1, 1, -2, 2});
  EXPECT_THAT(Op("PRelu", 16).values({x, floats({2, 1}, {0.5f, 0.25f})}), ElementsAre(-0.5, 1, -0.5, 2));
  EXPECT_THAT(Op("PRelu", 6).values({x, floats({0.5f, 0.25f})}), ElementsAre(-0.5, 1, -0.5, 2)) << "by channel";
  EXPECT_THAT(Op("PRelu", 16).error({floats({-1}), floats({2}, {1, 2})}), HasSubstr("slope"));
}

TEST(Where, ChoosesWithBroadcasting) {
  const Tensor condition = Tensor::of<bool>({2, 1}, {true, false});
  EXPECT_THAT(Op("Where", 16).values({condition, floats({1, 2}), floats({9})}), ElementsAre(1, 2, 9, 9));
  EXPECT_EQ(Op("Where", 16).infer({bools({true}), Shape{2, 1}, Shape{3}}), "float32 2x3");
  EXPECT_THAT(Op("Where", 16).error({floats({1}), floats({1}), floats({1})}), HasSubstr("bool"));
  EXPECT_THAT(Op("Where", 16).error({bools({true}), floats({1}), ints({1})}), HasSubstr("different types"));
}

TEST(Arity, IsCheckedBeforeAKernelRuns) { EXPECT_THAT(Op("Add", 14).error({floats({1})}), Not(IsEmpty())); }

} // namespace
} // namespace tandem::test
