// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/ops/op_runner.hpp"

#include <cmath>
#include <limits>

namespace tandem::test {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pointwise;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr float kNaNf = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

struct UnaryCase {
  const char* type;
  int version;
  std::vector<float> x;
  std::vector<double> y;
};
std::ostream& operator<<(std::ostream& out, const UnaryCase& c) { return out << c.type; }

class Unary : public testing::TestWithParam<UnaryCase> {};

TEST_P(Unary, GivesTheKnownValues) {
  const UnaryCase& c = GetParam();
  const Shape shape{static_cast<std::int64_t>(c.x.size())};
  const Tensor x = Tensor::of<float>(shape, c.x);
  EXPECT_THAT(Op(c.type, c.version).values({x}), Pointwise(testing::NanSensitiveDoubleNear(1e-5), c.y));
  EXPECT_EQ(Op(c.type, c.version).infer({Shape{2, kUnknownDim}}), "float32 2x?");
  EXPECT_EQ(Op(c.type, c.version).infer({std::nullopt}), "float32 of unknown rank");
}

// Values from the definitions, worked out by hand or to six digits with a pocket calculator.
INSTANTIATE_TEST_SUITE_P(
    AllOperators, Unary,
    testing::Values(
        UnaryCase{"Abs", 13, {-2, 0, 3}, {2, 0, 3}}, UnaryCase{"Neg", 13, {-2, 0, 3}, {2, 0, -3}},
        UnaryCase{"Exp", 13, {0, 1}, {1, 2.718282}}, UnaryCase{"Log", 13, {1, -1}, {0, kNaN}},
        UnaryCase{"Sqrt", 13, {4, 2}, {2, 1.414214}}, UnaryCase{"Reciprocal", 13, {4, -2}, {0.25, -0.5}},
        UnaryCase{"Floor", 13, {-1.5f, 1.5f}, {-2, 1}}, UnaryCase{"Ceil", 13, {-1.5f, 1.5f}, {-1, 2}},
        UnaryCase{"Round", 11, {0.5f, 1.5f, -2.5f, 2.6f}, {0, 2, -2, 3}}, UnaryCase{"Sin", 7, {0, 1}, {0, 0.841471}},
        UnaryCase{"Cos", 7, {0, 1}, {1, 0.540302}}, UnaryCase{"Tan", 7, {0, 1}, {0, 1.557408}},
        UnaryCase{"Asin", 7, {0, 1}, {0, 1.570796}}, UnaryCase{"Acos", 7, {1, 0}, {0, 1.570796}},
        UnaryCase{"Atan", 7, {0, 1}, {0, 0.785398}}, UnaryCase{"Sinh", 9, {0, 1}, {0, 1.175201}},
        UnaryCase{"Cosh", 9, {0, 1}, {1, 1.543081}}, UnaryCase{"Asinh", 9, {0, 1}, {0, 0.881374}},
        UnaryCase{"Acosh", 9, {1, 2}, {0, 1.316958}}, UnaryCase{"Atanh", 9, {0, 0.5f}, {0, 0.549306}},
        UnaryCase{"Erf", 13, {0, 1}, {0, 0.842701}}, UnaryCase{"Tanh", 13, {0, 1}, {0, 0.761594}},
        UnaryCase{"Sigmoid", 13, {0, 100, -200}, {0.5, 1, 0}},
        UnaryCase{"HardSigmoid", 6, {-9, 0, 1, 9}, {0, 0.5, 0.7, 1}},
        UnaryCase{"HardSwish", 14, {-4, 3, 1}, {0, 3, 0.666667}}, UnaryCase{"LeakyRelu", 6, {-1, 2}, {-0.01, 2}},
        UnaryCase{"Elu", 6, {-1, 2}, {-0.632121, 2}}, UnaryCase{"Celu", 12, {-1, 2}, {-0.632121, 2}},
        UnaryCase{"Selu", 6, {-1, 1}, {-1.111331, 1.050701}},
        UnaryCase{"Gelu", 20, {0, 1, -1}, {0, 0.841345, -0.158655}}, UnaryCase{"Mish", 18, {0, 1}, {0, 0.865098}},
        UnaryCase{"Swish", 24, {0, 1}, {0, 0.731059}}, UnaryCase{"ThresholdedRelu", 10, {0.5f, 1, 2}, {0, 0, 2}},
        UnaryCase{"Shrink", 9, {-1, 0.2f, 2}, {-1, 0, 2}}, UnaryCase{"Softplus", 1, {0, 100, -100}, {0.693147, 100, 0}},
        UnaryCase{"Softsign", 1, {1, -3}, {0.5, -0.75}}, UnaryCase{"Sign", 9, {-3, 0, 2}, {-1, 0, 1}},
        UnaryCase{"Relu", 14, {-1, 2}, {0, 2}}, UnaryCase{"Identity", 1, {-1, kNaNf}, {-1, kNaN}}));

TEST(UnaryTypes, IntegersStayIntegersAndWrap) {
  EXPECT_THAT(Op("Abs", 13).values({tensor<std::int8_t>({2}, {-128, -5})}), ElementsAre(-128, 5));
  EXPECT_THAT(Op("Neg", 13).values({tensor<std::int32_t>({2}, {INT32_MIN, 7})}), ElementsAre(INT32_MIN, -7));
  EXPECT_THAT(Op("Sign", 13).values({tensor<std::uint8_t>({2}, {0, 200})}), ElementsAre(0, 1));
}

TEST(UnaryTypes, SixteenBitFloatsAreComputedInFloat) {
  const Tensor x = tensor<Half>({2}, {Half(4.0f), Half(2.0f)});
  const Tensor y = Op("Sqrt", 13).run({x});
  EXPECT_EQ(y.type(), DataType::Float16);
  EXPECT_NEAR(y.asDouble(1), 1.41421, 1e-3);
}

TEST(UnaryTypes, RefusesWhatIsNotNumeric) {
  EXPECT_THAT(Op("Sqrt", 13).error({bools({true})}), HasSubstr("bool"));
  EXPECT_THAT(Op("Not", 1).error({floats({1})}), HasSubstr("float32"));
}

TEST(Gelu, KnowsTheTanhApproximation) {
  EXPECT_NEAR(Op("Gelu", 20).with("approximate", "tanh").values({floats({1})})[0], 0.841192, 1e-5);
  EXPECT_THAT(Op("Gelu", 20).with("approximate", "sinh").error({floats({1})}), HasSubstr("sinh"));
}

TEST(Selu, Version1RoundsItsConstants) { EXPECT_NEAR(Op("Selu", 1).values({floats({1})})[0], 1.0507, 1e-7); }

TEST(Attributes, ReplaceTheDefaults) {
  EXPECT_THAT(Op("LeakyRelu", 16).with("alpha", 0.5f).values({floats({-2})}), ElementsAre(-1));
  EXPECT_THAT(Op("Elu", 6).with("alpha", 2.0f).values({floats({-1})}), ElementsAre(DoubleNear(-1.264241, 1e-5)));
  EXPECT_THAT(Op("HardSigmoid", 6).with("alpha", 0.5f).with("beta", 0.0f).values({floats({1})}), ElementsAre(0.5));
  EXPECT_THAT(Op("Shrink", 9).with("lambd", 1.0f).with("bias", 1.0f).values({floats({-3, 3, 1})}),
              ElementsAre(-2, 2, 0));
}

TEST(Not, NegatesBools) { EXPECT_THAT(Op("Not", 1).values({bools({true, false})}), ElementsAre(0, 1)); }

TEST(BitwiseNot, FlipsEveryBit) {
  EXPECT_THAT(Op("BitwiseNot", 18).values({tensor<std::uint8_t>({2}, {0, 0xF0})}), ElementsAre(255, 0x0F));
}

TEST(IsNaN, FindsOnlyNaN) {
  const Tensor y = Op("IsNaN", 13).run({floats({1, kNaNf, kInf})});
  EXPECT_EQ(y.type(), DataType::Bool);
  EXPECT_THAT(valuesOf(y), ElementsAre(0, 1, 0));
  EXPECT_EQ(Op("IsNaN", 13).infer({Shape{2}}), "bool 2");
}

TEST(IsInf, ObeysTheSigns) {
  const Tensor x = floats({kInf, -kInf, kNaNf, 1});
  EXPECT_THAT(Op("IsInf", 10).values({x}), ElementsAre(1, 1, 0, 0));
  EXPECT_THAT(Op("IsInf", 10).with("detect_negative", 0).values({x}), ElementsAre(1, 0, 0, 0));
  EXPECT_THAT(Op("IsInf", 10).with("detect_positive", 0).values({x}), ElementsAre(0, 1, 0, 0));
}

TEST(Clip, TakesAttributesBeforeVersion11) {
  const Tensor x = floats({-5, 0, 5});
  EXPECT_THAT(Op("Clip", 6).with("min", -1.0f).with("max", 2.0f).values({x}), ElementsAre(-1, 0, 2));
  EXPECT_THAT(Op("Clip", 6).with("max", 2.0f).values({x}), ElementsAre(-5, 0, 2));
  EXPECT_THAT(Op("Clip", 6).values({x}), ElementsAre(-5, 0, 5));
}

TEST(Clip, TakesOptionalInputsSinceVersion11) {
  const Tensor x = floats({-5, 0, 5}), low = Tensor::scalar<float>(-1), high = Tensor::scalar<float>(2);
  EXPECT_THAT(Op("Clip", 13).values({x, low, high}), ElementsAre(-1, 0, 2));
  EXPECT_THAT(Op("Clip", 13).values({x, Tensor(), high}), ElementsAre(-5, 0, 2));
  EXPECT_THAT(Op("Clip", 13).values({x, high, low}), ElementsAre(-1, -1, -1)) << "max wins";
  EXPECT_THAT(Op("Clip", 12).values({int32s({-5, 5}), Tensor::scalar<std::int32_t>(0)}), ElementsAre(0, 5));
}

TEST(Clip, RefusesBoundsOfAnotherTypeOrSize) {
  EXPECT_THAT(Op("Clip", 13).error({floats({1}), Tensor::scalar<double>(0)}), HasSubstr("float64"));
  EXPECT_THAT(Op("Clip", 13).error({floats({1}), floats({0, 1})}), HasSubstr("one element"));
}

TEST(Dropout, PassesEverythingAtInference) {
  const auto old = Op("Dropout", 7, 2).with("ratio", 0.5f).runAll({floats({1, 2})});
  EXPECT_THAT(valuesOf(old[0]), ElementsAre(1, 2));
  EXPECT_EQ(old[1].type(), DataType::Float32);
  const auto recent = Op("Dropout", 13, 2).runAll({floats({1, 2}), Tensor::scalar<float>(0.5f)});
  EXPECT_EQ(recent[1].type(), DataType::Bool);
  EXPECT_THAT(valuesOf(recent[1]), ElementsAre(1, 1));
  EXPECT_EQ(Op("Dropout", 10, 2).infer({Shape{3}}, 1), "bool 3");
}

TEST(Dropout, RefusesToDropAtRandom) {
  const Tensor training = Tensor::scalar<bool>(true);
  EXPECT_THAT(Op("Dropout", 13).error({floats({1}), Tensor::scalar<float>(0.5f), training}), HasSubstr("training"));
  EXPECT_THAT(Op("Dropout", 13).values({floats({1}), Tensor::scalar<float>(0), training}), ElementsAre(1));
}

} // namespace
} // namespace tandem::test
