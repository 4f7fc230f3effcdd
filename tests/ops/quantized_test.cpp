// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/integer_product.hpp"
#include "tests/ops/one_node.hpp"

namespace tandem {
namespace {

using Ints = std::vector<std::int64_t>;

template <class T> Tensor of(Shape shape, std::initializer_list<T> values) { return Tensor::of<T>(shape, values); }
Tensor scale(float value) { return Tensor::scalar<float>(value); }

template <class T> void expectElements(const Result<std::vector<Tensor>>& results, Shape shape, std::vector<T> values) {
  ASSERT_TRUE(results.ok()) << results.error().line();
  const Tensor& result = results->front();
  ASSERT_EQ(result.desc(), (TensorDesc{dataTypeOf<T>(), shape}));
  EXPECT_THAT(std::vector<T>(result.as<T>().begin(), result.as<T>().end()), testing::ElementsAreArray(values));
}

TEST(QuantizeLinear, RoundsTiesToEvenAndSaturates) {
  const auto node = OneNode("QuantizeLinear", 13)
                        .input(floats({6}, {0, 1, 3, 5, 1000, -1000}))
                        .input(scale(2))
                        .input(Tensor::scalar<std::uint8_t>(128));
  expectElements<std::uint8_t>(node.run(), {6}, {128, 128, 130, 130, 255, 0});
}

TEST(QuantizeLinear, MakesUnsignedBytesWithoutAZeroPoint) {
  const auto node = OneNode("QuantizeLinear", 10).input(floats({2}, {3, -3})).input(scale(0.5f));
  expectElements<std::uint8_t>(node.run(), {2}, {6, 0});
}

TEST(QuantizeLinear, TakesAScalePerAxis) {
  const auto node = OneNode("QuantizeLinear", 13)
                        .input(floats({2, 2}, {4, 4, 4, 4}))
                        .input(floats({2}, {1, 2}))
                        .input(of<std::int8_t>({2}, {0, -3}))
                        .set("axis", std::int64_t{0});
  expectElements<std::int8_t>(node.run(), {2, 2}, {4, 4, -1, -1});
}

TEST(QuantizeLinear, TakesAScalePerBlockWhoseLastOneMayBeShort) {
  const auto node = OneNode("QuantizeLinear", 21)
                        .input(floats({1, 5}, {4, 4, 4, 4, 4}))
                        .input(floats({1, 3}, {1, 2, 4}))
                        .set("axis", std::int64_t{1})
                        .set("block_size", std::int64_t{2})
                        .set("output_dtype", std::int64_t{5});
  expectElements<std::int16_t>(node.run(), {1, 5}, {4, 4, 2, 2, 1});
}

TEST(QuantizeLinear, DividesInThePrecisionOfAHalfScale) {
  // 1 / 0.6665 is 1.5004 in float32, but 1.5 in float16: a tie, which goes to 2.
  const Tensor x = of<Half>({1}, {Half(1.0f)}), s = of<Half>({1}, {Half(0.6665f)});
  expectElements<std::uint8_t>(OneNode("QuantizeLinear", 19).input(x).input(s).run(), {1}, {2});
  const Tensor three = of<Half>({1}, {Half(2.5f)}), one = of<Half>({1}, {Half(0.9995f)});
  expectElements<std::uint8_t>(OneNode("QuantizeLinear", 19).input(three).input(one).run(), {1}, {3});
  // With attribute precision it is float32 again.
  const auto node = OneNode("QuantizeLinear", 23).input(x).input(s).set("precision", std::int64_t{1});
  expectElements<std::uint8_t>(node.run(), {1}, {2});
}

TEST(QuantizeLinear, SurvivesNanInfinityAndAZeroScale) {
  const float infinity = std::numeric_limits<float>::infinity();
  const auto node = OneNode("QuantizeLinear", 13)
                        .input(floats({4}, {std::nanf(""), infinity, -infinity, 0}))
                        .input(scale(0))
                        .input(Tensor::scalar<std::int8_t>(5));
  expectElements<std::int8_t>(node.run(), {4}, {-128, 127, -128, -128});
}

TEST(QuantizeLinear, NamesTheTypesThatAreNotStored) {
  const auto node =
      OneNode("QuantizeLinear", 21).input(floats({1}, {1})).input(scale(1)).set("output_dtype", std::int64_t{22});
  expectError(node.infer(), "int4");
  const auto float8 =
      OneNode("QuantizeLinear", 21).input(floats({1}, {1})).input(scale(1)).set("output_dtype", std::int64_t{17});
  expectError(float8.infer(), "float8e4m3fn");
}

TEST(QuantizeLinear, RefusesAScaleThatDoesNotFit) {
  const auto axis = OneNode("QuantizeLinear", 13).input(counting({2, 3})).input(floats({2}, {1, 1}));
  expectError(axis.run(), "does not go with axis 1");
  const auto blocks =
      OneNode("QuantizeLinear", 21).input(counting({2, 3})).input(filled({2, 1}, 1)).set("block_size", std::int64_t{2});
  expectError(blocks.run(), "does not go with axis 1");
  const auto zero =
      OneNode("QuantizeLinear", 13).input(counting({2, 3})).input(filled({3}, 1)).input(of<std::uint8_t>({2}, {0, 0}));
  expectError(zero.run(), "differ in shape");
}

TEST(DequantizeLinear, TakesOffTheZeroPoint) {
  const auto bytes = OneNode("DequantizeLinear", 13)
                         .input(of<std::uint8_t>({3}, {0, 128, 255}))
                         .input(scale(0.5f))
                         .input(Tensor::scalar<std::uint8_t>(128));
  expectFloats(bytes.run(), {3}, {-64, 0, 63.5f});
  const auto words = OneNode("DequantizeLinear", 21)
                         .input(of<std::uint16_t>({2}, {0, 65535}))
                         .input(scale(1))
                         .input(Tensor::scalar<std::uint16_t>(32767));
  expectFloats(words.run(), {2}, {-32767, 32768});
  expectFloats(OneNode("DequantizeLinear", 10).input(of<std::int32_t>({2}, {-7, 1 << 20})).input(scale(2)).run(), {2},
               {-14, 2097152});
}

TEST(DequantizeLinear, GivesTheTypeOfTheScaleUnlessToldOtherwise) {
  const Tensor half = of<Half>({}, {Half(0.5f)});
  const auto node = OneNode("DequantizeLinear", 23).input(of<std::int8_t>({1}, {3})).input(half);
  const auto result = node.run();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->front().type(), DataType::Float16);
  auto wide = OneNode("DequantizeLinear", 23).input(of<std::int8_t>({1}, {3})).input(half);
  expectFloats(wide.set("output_dtype", std::int64_t{1}).run(), {1}, {1.5f});
}

TEST(DynamicQuantizeLinear, KeepsZeroExactAndAcceptsConstantZeros) {
  const auto ramp = OneNode("DynamicQuantizeLinear", 11).input(floats({3}, {0, 2, 5.1f})).outputs(3).run();
  expectElements<std::uint8_t>(ramp, {3}, {0, 100, 255});
  EXPECT_FLOAT_EQ((*ramp)[1].as<float>()[0], 0.02f);
  const auto zeros = OneNode("DynamicQuantizeLinear", 11).input(filled({2}, 0)).outputs(3).run();
  expectElements<std::uint8_t>(zeros, {2}, {0, 0});
}

TEST(MatMulInteger, TakesZeroPointsPerRowAndColumn) {
  const auto node = OneNode("MatMulInteger", 10)
                        .input(of<std::uint8_t>({2, 2}, {1, 2, 3, 4}))
                        .input(of<std::int8_t>({2, 2}, {1, -1, 0, 2}))
                        .input(of<std::uint8_t>({2}, {1, 3}))
                        .input(of<std::int8_t>({2}, {0, 1}));
  // Rows [0 1] [0 1]; columns [1 0] [-2 1].
  expectElements<std::int32_t>(node.run(), {2, 2}, {0, 1, 0, 1});
}

TEST(MatMulInteger, BroadcastsAndTakesVectors) {
  const auto vector = OneNode("MatMulInteger", 10)
                          .input(of<std::int8_t>({2}, {2, 3}))
                          .input(of<std::int8_t>({2, 2, 1}, {1, 1, 10, 10}));
  expectElements<std::int32_t>(vector.run(), {2, 1}, {5, 50});
}

TEST(MatMulInteger, RefusesWiderIntegersAndZeroPointsOfWrongCount) {
  expectError(
      OneNode("MatMulInteger", 10).input(of<std::int32_t>({1, 1}, {1})).input(of<std::int8_t>({1, 1}, {1})).run(),
      "int32");
  const auto node = OneNode("MatMulInteger", 10)
                        .input(of<std::int8_t>({3, 1}, {1, 2, 3}))
                        .input(of<std::int8_t>({1, 1}, {1}))
                        .input(of<std::int8_t>({2}, {0, 0}));
  expectError(node.run(), "neither one element nor one for each of 3");
}

TEST(MultiplyCentred, SumsLongRowsWithoutOverflow) {
  const std::int64_t k = 40000; // 255 * 255 * 40000 is above 2^31: the sum wraps as int32 does
  const std::vector<std::int16_t> a(static_cast<std::size_t>(k), 255), b(static_cast<std::size_t>(k), -255);
  std::int32_t sum = 0;
  ops::multiplyCentred(1, 1, k, a.data(), b.data(), &sum);
  EXPECT_EQ(sum, static_cast<std::int32_t>(static_cast<std::uint32_t>(-255LL * 255 * k)));
}

OneNode qLinearConv() {
  return OneNode("QLinearConv", 10)
      .input(of<std::uint8_t>({1, 1, 2, 2}, {10, 11, 12, 13}))
      .input(scale(1))
      .input(Tensor::scalar<std::uint8_t>(10))
      .constant(of<std::int8_t>({2, 1, 1, 1}, {1, 2}))
      .input(floats({2}, {1, 0.5f}))
      .input(Tensor::scalar<std::int8_t>(0))
      .input(scale(1))
      .input(Tensor::scalar<std::uint8_t>(100))
      .input(of<std::int32_t>({2}, {0, 4}));
}

TEST(QLinearConv, ScalesEveryOutputChannelAndAddsTheBias) {
  expectElements<std::uint8_t>(qLinearConv().run(), {1, 2, 2, 2}, {100, 101, 102, 103, 102, 103, 104, 105});
}

TEST(QLinearConv, PadsWithTheZeroPoint) {
  expectElements<std::uint8_t>(qLinearConv().set("pads", Ints{0, 1, 0, 0}).run(), {1, 2, 2, 3},
                               {100, 100, 101, 100, 102, 103, 102, 102, 103, 102, 104, 105});
}

TEST(ConvInteger, SumsGroupsApart) {
  const auto node = OneNode("ConvInteger", 10)
                        .input(of<std::uint8_t>({1, 2, 3}, {1, 2, 3, 4, 5, 6}))
                        .input(of<std::uint8_t>({2, 1, 2}, {1, 1, 2, 3}))
                        .input(Tensor::scalar<std::uint8_t>(1))
                        .input(of<std::uint8_t>({2}, {0, 1}))
                        .set("group", std::int64_t{2})
                        .set("dilations", Ints{2});
  // Inputs less one: [0 1 2] [3 4 5]; kernels [1 1] [1 2].
  expectElements<std::int32_t>(node.run(), {1, 2, 1}, {2, 13});
}

TEST(QLinearMatMul, TakesHalfScales) {
  const Tensor half = of<Half>({1}, {Half(0.5f)});
  const auto node = OneNode("QLinearMatMul", 21)
                        .input(of<std::int8_t>({1, 2}, {4, 6}))
                        .input(half)
                        .input(of<std::int8_t>({1}, {0}))
                        .input(of<std::int8_t>({2, 1}, {2, 2}))
                        .input(half)
                        .input(of<std::int8_t>({1}, {0}))
                        .input(half)
                        .input(of<std::int8_t>({1}, {-1}));
  expectElements<std::int8_t>(node.run(), {1, 1}, {9});
}

} // namespace
} // namespace tandem
