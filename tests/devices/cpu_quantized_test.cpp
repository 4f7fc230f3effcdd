// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/cpu_devices.hpp"
#include "tests/devices/cpu_support.hpp"

#include <gmock/gmock.h>
#include <random>

namespace tandem {
namespace {

using namespace test;
using Ints = std::vector<std::int64_t>;

Tensor oneByte(DataType type, int value) {
  Tensor tensor = Tensor::zeros({type, Shape{}});
  *static_cast<std::uint8_t*>(tensor.mutableData()) = static_cast<std::uint8_t>(value);
  return tensor;
}

bool hasExactSums() { return makeCpuDevices({CpuSet({CpuSet::available().cpus().front()})}).front()->info().int8; }

/// Runs on one core in both modes and expects every element of the reference kernels.
void expectExactly(const Graph& graph, const Tensor& x) {
  const auto devices = makeCpuDevices({CpuSet({CpuSet::available().cpus().front()})});
  const Tensor expected = runReference(graph, {x}).front();
  for (bool compiled : {true, false}) {
    const Tensor actual = runOn(*devices.front(), graph, {x}, {compiled, 1}).front();
    ASSERT_EQ(actual.desc(), expected.desc());
    for (std::int64_t i = 0; i < actual.elements(); ++i)
      ASSERT_EQ(actual.asInt(i), expected.asInt(i)) << (compiled ? "compiled" : "eager") << ", element " << i;
  }
}

struct QuantizedConvCase {
  Shape x, w;
  Ints strides, pads, dilations;
  std::int64_t group;
  DataType type, weightType;
};

class CpuQuantizedConv : public testing::TestWithParam<QuantizedConvCase> {};

TEST_P(CpuQuantizedConv, RequantizesLikeTheReference) {
  const QuantizedConvCase& c = GetParam();
  for (bool perChannel : {false, true}) {
    GraphMaker maker;
    const auto real = [&](float value) { return maker.constant(Tensor::scalar<float>(value)); };
    const ValueId x = maker.input(c.x, c.type);
    Tensor scales = Tensor::uninitialized({DataType::Float32, perChannel ? Shape{c.w[0]} : Shape{}});
    for (std::size_t i = 0; i < scales.as<float>().size(); ++i)
      scales.mutableAs<float>()[i] = 0.01f + 0.001f * static_cast<float>(i);
    Tensor bias = Tensor::uninitialized({DataType::Int32, {c.w[0]}});
    for (std::size_t i = 0; i < bias.as<std::int32_t>().size(); ++i)
      bias.mutableAs<std::int32_t>()[i] = static_cast<std::int32_t>(i) * 300 - 500;
    const std::vector<ValueId> inputs{x,
                                      real(0.02f),
                                      maker.constant(oneByte(c.type, 11)),
                                      maker.constant(randomBytes(c.weightType, c.w, 3)),
                                      maker.constant(scales),
                                      maker.constant(oneByte(c.weightType, c.weightType == DataType::UInt8 ? 128 : 0)),
                                      real(0.3f),
                                      maker.constant(oneByte(c.type, 7)),
                                      maker.constant(bias)};
    maker.finish({maker.node(
        "QLinearConv", inputs,
        attributes({{"strides", c.strides}, {"pads", c.pads}, {"dilations", c.dilations}, {"group", c.group}}))});
    expectExactly(maker.graph, randomBytes(c.type, c.x, 5));
  }
}

TEST_P(CpuQuantizedConv, SumsLikeTheReference) {
  const QuantizedConvCase& c = GetParam();
  GraphMaker maker;
  const ValueId x = maker.input(c.x, c.type);
  const std::vector<ValueId> inputs{x, maker.constant(randomBytes(c.weightType, c.w, 3)),
                                    maker.constant(oneByte(c.type, 11)),
                                    maker.constant(oneByte(c.weightType, c.weightType == DataType::UInt8 ? 128 : 0))};
  maker.finish({maker.node(
      "ConvInteger", inputs,
      attributes({{"strides", c.strides}, {"pads", c.pads}, {"dilations", c.dilations}, {"group", c.group}}))});
  expectExactly(maker.graph, randomBytes(c.type, c.x, 5));
}

constexpr DataType kSigned = DataType::Int8, kUnsigned = DataType::UInt8;
INSTANTIATE_TEST_SUITE_P(
    Shapes, CpuQuantizedConv,
    testing::Values(
        QuantizedConvCase{{1, 3, 17, 19}, {16, 3, 3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}, 1, kUnsigned, kSigned},
        QuantizedConvCase{{2, 16, 9, 7}, {32, 16, 1, 1}, {1, 1}, {0, 0, 0, 0}, {1, 1}, 1, kUnsigned, kUnsigned},
        QuantizedConvCase{{1, 16, 9, 7}, {24, 16, 3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 1, kSigned, kSigned},
        QuantizedConvCase{{1, 5, 11, 13}, {7, 5, 3, 5}, {1, 2}, {0, 1, 2, 3}, {1, 1}, 1, kSigned, kUnsigned},
        QuantizedConvCase{{1, 16, 12, 12}, {16, 1, 3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 16, kUnsigned, kSigned},
        QuantizedConvCase{{2, 24, 13, 11}, {24, 1, 5, 5}, {2, 2}, {2, 2, 2, 2}, {1, 1}, 24, kSigned, kSigned},
        QuantizedConvCase{{1, 8, 10, 10}, {12, 4, 3, 3}, {1, 1}, {2, 2, 2, 2}, {2, 2}, 2, kUnsigned, kSigned},
        QuantizedConvCase{{2, 4, 20}, {8, 4, 3}, {2}, {1, 0}, {1}, 1, kUnsigned, kSigned}));

TEST(CpuConvInteger, ReadsAComputedZeroPoint) {
  GraphMaker maker;
  const ValueId x = maker.input({1, 8, 9, 9});
  maker.node("DynamicQuantizeLinear", {x}, {}, 3);
  const ValueId quantized = maker.output(0), zero = maker.output(2);
  maker.finish({maker.node("ConvInteger", {quantized, maker.constant(randomBytes(kSigned, {16, 8, 3, 3}, 3)), zero},
                           attributes({{"pads", Ints{1, 1, 1, 1}}}))});
  expectExactly(maker.graph, randomTensor({DataType::Float32, {1, 8, 9, 9}}, 2));
}

TEST(CpuConvInteger, StaysExactWhereSumsOutgrowFloats) {
  GraphMaker maker;
  const ValueId x = maker.input({1, 600, 3, 3}, kUnsigned);
  Tensor weights = Tensor::zeros({kSigned, {1, 600, 1, 1}});
  for (std::int8_t& weight : weights.mutableAs<std::int8_t>()) weight = 127;
  maker.finish({maker.node("ConvInteger", {x, maker.constant(weights)})});
  Tensor full = Tensor::zeros({kUnsigned, {1, 600, 3, 3}});
  for (std::uint8_t& element : full.mutableAs<std::uint8_t>()) element = 255;
  full.mutableAs<std::uint8_t>()[0] = 254; // an odd sum above 2^24
  expectExactly(maker.graph, full);
}

TEST(CpuQuantizedConvolution, RunsNativelyWhereSumsOutgrowFloatsAndDiffersInTiesAtMost) {
  if (!hasExactSums()) GTEST_SKIP() << "this processor has no instructions for exact sums of bytes";
  GraphMaker maker;
  const ValueId x = maker.input({1, 512, 5, 5}, kUnsigned);
  const auto real = [&](float value) { return maker.constant(Tensor::scalar<float>(value)); };
  const ValueId zero = maker.constant(oneByte(kUnsigned, 77));
  maker.finish({maker.node("QLinearConv",
                           {x, real(0.02f), zero, maker.constant(randomBytes(kSigned, {16, 512, 3, 3}, 3)), real(0.01f),
                            maker.constant(oneByte(kSigned, 0)), real(60.0f), zero},
                           attributes({{"pads", Ints{1, 1, 1, 1}}}))});
  const auto devices = makeCpuDevices({CpuSet({CpuSet::available().cpus().front()})});
  EXPECT_THAT(compileWhole(*devices.front(), maker.graph)->kernels().front().kernel, testing::StartsWith("onednn"));
  const Tensor input = randomBytes(kUnsigned, {1, 512, 5, 5}, 5);
  const Tensor expected = runReference(maker.graph, {input}).front();
  const Tensor actual = runOn(*devices.front(), maker.graph, {input}).front();
  std::int64_t different = 0;
  for (std::int64_t i = 0; i < expected.elements(); ++i) {
    EXPECT_NEAR(actual.asDouble(i), expected.asDouble(i), 1) << i;
    different += actual.asInt(i) != expected.asInt(i);
  }
  EXPECT_LE(different, 1);
}

TEST(CpuQuantizedConvolution, RunsNativelyWhereSumsAreExact) {
  if (!hasExactSums()) GTEST_SKIP() << "this processor has no instructions for exact sums of bytes";
  GraphMaker maker;
  const ValueId x = maker.input({1, 16, 8, 8}, kUnsigned);
  maker.finish({maker.node("ConvInteger", {x, maker.constant(randomBytes(kSigned, {16, 16, 3, 3}, 3))})});
  EXPECT_THAT(expectLikeReference(maker.graph), testing::StartsWith("onednn"));
}

} // namespace
} // namespace tandem
