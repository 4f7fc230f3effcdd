// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/cpu_devices.hpp"
#include "tests/devices/cpu_support.hpp"

#include <gmock/gmock.h>
#include <random>

namespace tandem {
namespace {

using namespace test;
using testing::AnyOf;
using testing::StartsWith;

constexpr std::int64_t kNoZero = -1000;

/// `count` zero points or, for a count of 0, one as a scalar.
Tensor zeros(DataType type, std::int64_t first, std::int64_t count = 0) {
  Tensor tensor = Tensor::zeros({type, count == 0 ? Shape{} : Shape{count}});
  for (std::int64_t i = 0; i < std::max<std::int64_t>(count, 1); ++i)
    static_cast<std::uint8_t*>(tensor.mutableData())[i] = static_cast<std::uint8_t>(first + i);
  return tensor;
}

Tensor scales(std::int64_t count, float first) {
  Tensor tensor = Tensor::uninitialized({DataType::Float32, count == 0 ? Shape{} : Shape{count}});
  float scale = first;
  for (float& each : tensor.mutableAs<float>()) each = (scale *= 1.01f);
  return tensor;
}

std::string kernelOf(const Graph& graph) {
  const auto devices = makeCpuDevices({CpuSet({CpuSet::available().cpus().front()})});
  return compileWhole(*devices.front(), graph)->kernels().front().kernel;
}

/// Runs in both modes, on one thread and on two, and expects every element of the reference kernels to the bit.
void expectExactly(const Graph& graph, const std::vector<Tensor>& inputs) {
  const auto devices = makeCpuDevices({CpuSet::available()});
  const std::vector<Tensor> expected = runReference(graph, inputs);
  for (bool compiled : {true, false})
    for (int threads : {1, 2}) {
      const std::vector<Tensor> actual = runOn(*devices.front(), graph, inputs, {compiled, threads});
      ASSERT_EQ(actual.size(), expected.size());
      for (std::size_t i = 0; i < actual.size(); ++i)
        expectNear(actual[i], expected[i], 0, compiled ? "compiled" : "eager");
    }
}

struct ProductCase {
  Shape a;
  std::int64_t columns;
  DataType typeA, typeB;
  std::int64_t zeroA;
  std::int64_t zeroB;
  bool perColumn = false;
};

class CpuByteProduct : public testing::TestWithParam<ProductCase> {
 protected:
  /// A is input 0, its zero point another where `computed`.
  void addOperands(GraphMaker& maker, bool computed) {
    const ProductCase& c = GetParam();
    a = maker.input(c.a, c.typeA);
    inputs = {randomBytes(c.typeA, c.a, 3)};
    b = maker.constant(randomBytes(c.typeB, {c.a[c.a.rank() - 1], c.columns}, 4));
    if (c.zeroA != kNoZero && computed) {
      zeroA = maker.input(Shape{}, c.typeA);
      inputs.push_back(zeros(c.typeA, c.zeroA));
    } else if (c.zeroA != kNoZero) {
      zeroA = maker.constant(zeros(c.typeA, c.zeroA));
    }
    if (c.zeroB != kNoZero) zeroB = maker.constant(zeros(c.typeB, c.zeroB, c.perColumn ? c.columns : 0));
  }
  ValueId a, b, zeroA, zeroB;
  std::vector<Tensor> inputs;
};

TEST_P(CpuByteProduct, SumsLikeTheReference) {
  for (bool computed : {false, true}) {
    SCOPED_TRACE(computed);
    GraphMaker maker;
    addOperands(maker, computed);
    maker.finish({maker.node("MatMulInteger", {a, b, zeroA, zeroB})});
    expectExactly(maker.graph, inputs);
    EXPECT_THAT(kernelOf(maker.graph), AnyOf(StartsWith("onednn"), StartsWith("reference")));
  }
}

TEST_P(CpuByteProduct, RequantizesLikeTheReference) {
  const ProductCase& c = GetParam();
  GraphMaker maker;
  addOperands(maker, true);
  const ValueId first = zeroA.valid() ? zeroA : maker.constant(zeros(c.typeA, 0));
  const ValueId second = zeroB.valid() ? zeroB : maker.constant(zeros(c.typeB, 0));
  maker.finish({maker.node("QLinearMatMul", {a, maker.constant(scales(0, 0.02f)), first, b,
                                             maker.constant(scales(c.perColumn ? c.columns : 0, 0.01f)), second,
                                             maker.constant(scales(0, 7.0f)), maker.constant(zeros(c.typeA, 5))})});
  expectExactly(maker.graph, inputs);
}

TEST_P(CpuByteProduct, ScalesToFloatLikeTheReference) {
  const ProductCase& c = GetParam();
  for (bool bias : {false, true}) {
    GraphMaker maker;
    addOperands(maker, true);
    const ValueId scale = maker.input(Shape{});
    inputs.push_back(scales(0, 0.02f));
    maker.finish({maker.node("MatMulIntegerToFloat",
                             {a, b, scale, maker.constant(scales(c.perColumn ? c.columns : 0, 0.01f)), zeroA, zeroB,
                              bias ? maker.constant(scales(c.columns, 0.5f)) : ValueId()},
                             {}, 1, "com.microsoft")});
    const auto devices = makeCpuDevices({CpuSet::available()});
    const Tensor expected = runReference(maker.graph, inputs).front();
    // Multiplying and adding at once rounds once.
    expectNear(runOn(*devices.front(), maker.graph, inputs).front(), expected, 1e-6, "float");
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, CpuByteProduct,
                         testing::Values(ProductCase{{1, 64}, 48, DataType::UInt8, DataType::Int8, 128, 0},
                                         ProductCase{{7, 33}, 17, DataType::UInt8, DataType::UInt8, 3, 130},
                                         ProductCase{{2, 3, 40}, 20, DataType::UInt8, DataType::Int8, 255, 250, true},
                                         ProductCase{{5, 64}, 32, DataType::Int8, DataType::Int8, 250, 7},
                                         ProductCase{{5, 61}, 31, DataType::Int8, DataType::UInt8, kNoZero, kNoZero},
                                         ProductCase{
                                             {130, 96}, 70, DataType::UInt8, DataType::UInt8, kNoZero, 100, true},
                                         ProductCase{{1, 1}, 1, DataType::UInt8, DataType::UInt8, 9, 200}));

TEST(CpuByteProductSums, StayExactFarBeyondWhatFloat32Counts) {
  GraphMaker maker;
  const ValueId a = maker.input({2, 8192}, DataType::UInt8);
  Tensor weights = Tensor::uninitialized({DataType::Int8, {8192, 16}});
  Tensor left = Tensor::uninitialized({DataType::UInt8, {2, 8192}});
  std::mt19937 engine(9);
  for (auto& w : weights.mutableAs<std::int8_t>()) w = static_cast<std::int8_t>(127 - (engine() & 1u));
  for (auto& x : left.mutableAs<std::uint8_t>()) x = static_cast<std::uint8_t>(255 - (engine() & 1u));
  maker.finish({maker.node("MatMulInteger", {a, maker.constant(weights)})});
  expectExactly(maker.graph, {left});
}

TEST(CpuDynamicQuantization, OfOneTensorAndInAProductIsTheReferences) {
  for (float scale : {0.0f, 1.0f, 1e-30f, 40000.0f}) {
    SCOPED_TRACE(scale);
    const Tensor x = randomTensor({DataType::Float32, {9, 37}}, 5, scale);
    GraphMaker alone;
    const ValueId input = alone.input({9, 37});
    const ValueId y = alone.node("DynamicQuantizeLinear", {input}, {}, 3);
    alone.finish({y, alone.output(1), alone.output(2)});
    expectExactly(alone.graph, {x});
    GraphMaker product;
    const ValueId left = product.input({9, 37});
    product.finish({product.node("DynamicQuantizeMatMul",
                                 {left, product.constant(randomBytes(DataType::Int8, {37, 21}, 2)),
                                  product.constant(scales(0, 0.03f)), product.constant(zeros(DataType::Int8, 3))},
                                 {}, 1, "com.microsoft")});
    expectExactly(product.graph, {x});
  }
}

TEST(CpuQuantization, GoesBothWaysLikeTheReferencePerTensorAndPerAxis) {
  for (DataType type : {DataType::Int8, DataType::UInt8})
    for (std::int64_t count : {std::int64_t{0}, std::int64_t{5}}) {
      SCOPED_TRACE(std::string(toString(type)) + " " + std::to_string(count));
      Tensor x = randomTensor({DataType::Float32, {3, 5, 11}}, 7, 20);
      x.mutableAs<float>()[3] = NAN;
      x.mutableAs<float>()[4] = INFINITY;
      x.mutableAs<float>()[5] = -INFINITY;
      GraphMaker maker;
      const ValueId input = maker.input({3, 5, 11});
      const ValueId scale = maker.constant(scales(count, 0.11f)), zero = maker.constant(zeros(type, 4, count));
      const ValueId y = maker.node("QuantizeLinear", {input, scale, zero});
      maker.finish({y, maker.node("DequantizeLinear", {y, scale, zero})});
      expectExactly(maker.graph, {x});
      EXPECT_EQ(kernelOf(maker.graph), "rows");
    }
}

TEST(CpuQuantization, KeepsTheOrderThatAConvolutionChose) {
  GraphMaker maker;
  const ValueId x = maker.input({1, 8, 9, 9});
  const ValueId conv = maker.node("Conv", {x, maker.weights({16, 8, 3, 3})});
  const ValueId scale = maker.constant(scales(0, 0.05f)), zero = maker.constant(zeros(DataType::UInt8, 100));
  const ValueId y = maker.node("QuantizeLinear", {conv, scale, zero});
  const ValueId back = maker.node("DequantizeLinear", {y, scale, zero});
  maker.finish({maker.node("Conv", {back, maker.weights({4, 16, 1, 1})})});
  expectLikeReference(maker.graph, 0.02);
}

TEST(CpuQuantizedArithmetic, AddsLikeTheReference) {
  for (DataType type : {DataType::Int8, DataType::UInt8}) {
    GraphMaker maker;
    const ValueId a = maker.input({2, 7, 5, 3}, type), b = maker.input({2, 7, 5, 3}, type);
    maker.finish({maker.node("QLinearAdd",
                             {a, maker.constant(scales(0, 0.03f)), maker.constant(zeros(type, 9)), b,
                              maker.constant(scales(0, 0.05f)), maker.constant(zeros(type, 90)),
                              maker.constant(scales(0, 0.06f)), maker.constant(zeros(type, 40))},
                             {}, 1, "com.microsoft")});
    expectExactly(maker.graph, {randomBytes(type, {2, 7, 5, 3}, 1), randomBytes(type, {2, 7, 5, 3}, 2)});
    EXPECT_EQ(kernelOf(maker.graph), "rows");
  }
}

TEST(CpuQuantizedArithmetic, JoinsOperandsOfDifferentScalesLikeTheReference) {
  for (DataType type : {DataType::Int8, DataType::UInt8})
    for (std::int64_t axis : {0, 1, -1}) {
      GraphMaker maker;
      const ValueId a = maker.input({2, 4, 3}, type), b = maker.input({2, 4, 3}, type);
      const ValueId scale = maker.constant(scales(0, 0.05f)), zero = maker.constant(zeros(type, 90));
      maker.finish({maker.node(
          "QLinearConcat",
          {scale, zero, a, scale, zero, b, maker.constant(scales(0, 0.11f)), maker.constant(zeros(type, 7))},
          attributes({{"axis", axis}}), 1, "com.microsoft")});
      expectExactly(maker.graph, {randomBytes(type, {2, 4, 3}, 1), randomBytes(type, {2, 4, 3}, 2)});
      EXPECT_EQ(kernelOf(maker.graph), "copy");
    }
}

/// A convolution that leaves its channels last, then pooling, a join and an average on that.
TEST(CpuQuantizedArithmetic, StaysWithTheChannelsLastThroughANetwork) {
  GraphMaker maker;
  const DataType type = DataType::UInt8;
  const ValueId x = maker.input({2, 3, 17, 15}, type);
  const ValueId scale = maker.constant(scales(0, 0.02f)), zero = maker.constant(zeros(type, 128));
  const ValueId wide = maker.constant(scales(0, 0.4f));
  const ValueId conv =
      maker.node("QLinearConv", {x, scale, zero, maker.constant(randomBytes(DataType::Int8, {16, 3, 3, 3}, 5)), scale,
                                 maker.constant(zeros(DataType::Int8, 0)), wide, zero});
  const ValueId pool = maker.node("MaxPool", {conv},
                                  attributes({{"kernel_shape", std::vector<std::int64_t>{3, 3}},
                                              {"strides", std::vector<std::int64_t>{2, 2}},
                                              {"pads", std::vector<std::int64_t>{1, 1, 1, 1}}}));
  const ValueId sum =
      maker.node("QLinearAdd", {pool, wide, zero, pool, scale, zero, wide, zero}, {}, 1, "com.microsoft");
  const ValueId joined = maker.node("QLinearConcat", {wide, zero, sum, wide, zero, pool, scale, zero},
                                    attributes({{"axis", std::int64_t{1}}}), 1, "com.microsoft");
  const ValueId mean =
      maker.node("QLinearGlobalAveragePool", {joined, wide, zero, scale, zero}, {}, 1, "com.microsoft");
  maker.finish({mean, pool, joined});
  const Tensor input = randomBytes(type, {2, 3, 17, 15}, 8);
  const auto devices = makeCpuDevices({CpuSet::available()});
  const std::vector<Tensor> expected = runReference(maker.graph, {input});
  for (bool compiled : {true, false}) {
    const std::vector<Tensor> actual = runOn(*devices.front(), maker.graph, {input}, {compiled, 1});
    // The mean of integers is rounded once, that of the reference's floats many times: a tie may fall either way.
    for (std::int64_t i = 0; i < expected[0].elements(); ++i)
      EXPECT_NEAR(actual[0].asDouble(i), expected[0].asDouble(i), 1) << i;
    expectNear(actual[1], expected[1], 0, "pool");
    expectNear(actual[2], expected[2], 0, "join");
  }
  if (kernelOf(maker.graph) == "reference") return; // no VNNI: convolutions stay as they are
  const auto program = compileWhole(*devices.front(), maker.graph);
  for (const KernelInfo& info : program->kernels()) EXPECT_FALSE(info.isReference) << maker.graph.node(info.node).type;
}

} // namespace
} // namespace tandem
