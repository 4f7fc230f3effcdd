// SPDX-License-Identifier: GPL-3.0-or-later
// Weights as halves: what is computed, in which kernels, and what it costs in exactness and memory.
#include "engine/runtime/tensor_difference.hpp"
#include "engine/tensor/half.hpp"
#include "tests/devices/opencl_variants.hpp"

#include <algorithm>

namespace tandem::test {
namespace {

using Ints = std::vector<std::int64_t>;
constexpr OpenClKernels kStyles[] = {OpenClKernels::Cpu, OpenClKernels::Gpu};

/// Random weights that halves hold exactly, so that storing them as halves may change nothing.
Tensor halfTensor(const Shape& shape, std::uint32_t seed) {
  Tensor tensor = randomTensor(shape, seed);
  for (float& value : tensor.mutableAs<float>()) value = halfBitsToFloat(floatToHalfBits(value));
  return tensor;
}

bool anyStartsWith(const std::set<std::string>& names, const std::string& start) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) { return name.starts_with(start); });
}

bool readsHalves(const KernelInfo& kernel) { return kernel.kernel.find(" float16") != std::string::npos; }

/// What the builder's graph gives on one device, and how.
struct Outcome {
  std::vector<Tensor> outputs;
  std::vector<bool> halves; ///< by output: the node that makes it reads halves
  std::int64_t weightsBytes = 0;
};

Outcome runIn(Device& device, GraphBuilder& builder, Precision precision, bool compiled = true) {
  Outcome outcome;
  EXPECT_TRUE(inferShapes(builder.graph).ok());
  auto run = DeviceRun::create(device, builder.graph, builder.feeds, compiled, precision);
  EXPECT_TRUE(run.ok()) << (run.ok() ? "" : run.error().line());
  if (!run.ok()) return outcome;
  outcome.weightsBytes = run->program().memory().weightsBytes;
  const auto& kernels = run->program().kernels();
  for (ValueId output : builder.graph.outputs())
    outcome.halves.push_back(std::any_of(kernels.begin(), kernels.end(), [&](const KernelInfo& kernel) {
      return kernel.node == builder.graph.value(output).producer && readsHalves(kernel);
    }));
  auto outputs = run->run();
  EXPECT_TRUE(outputs.ok()) << (outputs.ok() ? "" : outputs.error().line());
  if (outputs.ok()) outcome.outputs = *outputs;
  return outcome;
}

/// Float16 differs from float32 where a kernel says it reads halves, by no more than the rounding of weights explains,
/// and nowhere else. In both styles and modes.
void expectRoundedOnly(GraphBuilder& builder) {
  constexpr double kMost = 1e-3; // a half has 11 digits, 2^-11 is 5e-4
  for (OpenClKernels style : kStyles)
    for (const auto& device : openClDevices(style))
      for (bool compiled : {true, false}) {
        const Outcome exact = runIn(*device, builder, Precision::Model, compiled);
        const Outcome rounded = runIn(*device, builder, Precision::Float16, compiled);
        ASSERT_EQ(exact.outputs.size(), rounded.outputs.size());
        EXPECT_EQ(std::count(exact.halves.begin(), exact.halves.end(), true), 0);
        EXPECT_EQ(std::count(rounded.halves.begin(), rounded.halves.end(), false), 0);
        for (std::size_t i = 0; i < exact.outputs.size(); ++i) {
          const Difference difference = differenceOf(exact.outputs[i], rounded.outputs[i], {1, 0}, ErrorScale::Tensor);
          EXPECT_EQ(difference.worst > 0, rounded.halves[i]) << "output " << i;
          EXPECT_LT(difference.relativeRms, kMost) << "output " << i;
        }
      }
}

struct HalfConv {
  const char* name;
  Shape x, w;
  std::int64_t group = 1;
  Ints strides = {1, 1};
  Ints pads = {0, 0, 0, 0};
  const char* family = "tile"; ///< that the CPU style must offer
  double absolute = 1e-4;      ///< of the greatest output: minimal filtering rounds what its transform made
};

class ConvWithHalves : public testing::TestWithParam<HalfConv> {};

TEST_P(ConvWithHalves, GivesTheReferenceResultWithEveryVariant) {
  if (openClDevices(OpenClKernels::Cpu).empty()) GTEST_SKIP() << "no OpenCL platform on this machine";
  const HalfConv& c = GetParam();
  GraphBuilder builder;
  const ValueId x = builder.input("x", randomTensor(c.x, 1));
  const ValueId w = builder.constant(halfTensor(c.w, 2));
  Attributes window = attributes({{"group", c.group}, {"strides", c.strides}, {"pads", c.pads}});
  window.set("activation", std::string("HardSwish"));
  builder.output(builder.add("FusedConv", {x, w, builder.constant(randomTensor(Shape{c.w[0]}, 3))}, window, "tandem"));
  const auto names = expectEveryVariantSameAsReference(builder, Precision::Float16, c.absolute);
  EXPECT_TRUE(anyStartsWith(names, c.family));
  EXPECT_FALSE(anyStartsWith(names, "winograd 4")) << "its way back makes too much of the rounding";
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, ConvWithHalves,
    testing::Values(HalfConv{"PointwiseOdd", {1, 19, 9, 11}, {33, 19, 1, 1}},
                    HalfConv{"Batch3Stride2", {3, 5, 13, 12}, {18, 5, 3, 2}, 1, {2, 2}, {1, 1, 1, 0}},
                    HalfConv{"TwoGroups", {2, 12, 9, 9}, {20, 6, 3, 3}, 2, {1, 1}, {1, 1, 1, 1}},
                    HalfConv{"Depthwise", {2, 40, 11, 12}, {40, 1, 3, 3}, 40, {2, 2}, {1, 1, 1, 1}, "depthwise"},
                    HalfConv{
                        "Same3x3Batch2", {2, 17, 7, 6}, {35, 17, 3, 3}, 1, {1, 1}, {1, 1, 1, 1}, "winograd 2", 2e-3}),
    [](const auto& param) { return std::string(param.param.name); });

struct HalfProduct {
  const char* name;
  Shape a, b;
};

class ProductWithHalves : public testing::TestWithParam<HalfProduct> {};

TEST_P(ProductWithHalves, GivesTheReferenceResultWithEveryVariant) {
  if (openClDevices(OpenClKernels::Cpu).empty()) GTEST_SKIP() << "no OpenCL platform on this machine";
  GraphBuilder builder;
  const ValueId a = builder.input("a", randomTensor(GetParam().a, 1));
  builder.output(builder.add("MatMul", {a, builder.constant(halfTensor(GetParam().b, 2))}));
  const auto names = expectEveryVariantSameAsReference(builder, Precision::Float16);
  EXPECT_TRUE(anyStartsWith(names, "panel"));
  EXPECT_TRUE(anyStartsWith(names, "tile"));
  EXPECT_FALSE(names.contains("blas")) << "the library knows no such products";
}

INSTANTIATE_TEST_SUITE_P(Shapes, ProductWithHalves,
                         testing::Values(HalfProduct{"Odd", {37, 29}, {29, 53}}, HalfProduct{"Row", {1, 70}, {70, 160}},
                                         HalfProduct{"BatchOfMatrices", {3, 20, 24}, {24, 17}},
                                         HalfProduct{"LargeEnoughForTheLibrary", {96, 128}, {128, 112}}),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(WeightsAsHalves, OfEveryOperatorRoundTheResultsAndNoMore) {
  GraphBuilder builder;
  const ValueId x = builder.input("x", randomTensor({2, 18, 11, 9}, 1));
  const auto weights = [&](const Shape& shape, std::uint32_t seed) {
    return builder.constant(randomTensor(shape, seed, -0.3f, 0.3f));
  };
  builder.output(builder.add("Conv", {x, weights({21, 18, 5, 3}, 2)}, attributes({{"pads", Ints{1, 1, 1, 1}}})));
  builder.output(builder.add("Conv", {x, weights({37, 18, 3, 3}, 3)}, attributes({{"pads", Ints{1, 1, 1, 1}}})));
  builder.output(builder.add("Conv", {x, weights({18, 1, 3, 3}, 4)}, attributes({{"group", std::int64_t{18}}})));
  builder.output(builder.add("ConvTranspose", {x, weights({18, 7, 3, 3}, 5)}, attributes({{"strides", Ints{2, 2}}})));
  const ValueId a = builder.input("a", randomTensor({3, 5, 31}, 6));
  builder.output(builder.add("MatMul", {a, weights({31, 45}, 7)}));
  const ValueId rows = builder.input("rows", randomTensor({33, 20}, 8));
  for (std::int64_t transB : {0, 1})
    builder.output(builder.add("Gemm", {rows, weights(transB ? Shape{50, 20} : Shape{20, 50}, 9)},
                               attributes({{"transB", transB}, {"alpha", 0.5f}})));
  expectRoundedOnly(builder);
}

TEST(WeightsAsHalves, OfRecurrentLayersRoundTheResultsAndNoMore) {
  for (const auto& [type, gates] : {std::pair("LSTM", 4), std::pair("GRU", 3), std::pair("RNN", 1)}) {
    SCOPED_TRACE(type);
    constexpr std::int64_t kInputs = 13, kHidden = 21;
    GraphBuilder builder;
    const ValueId x = builder.input("x", randomTensor({6, 2, kInputs}, 10));
    const std::vector<ValueId> outputs =
        builder.addMany(type,
                        {x, builder.constant(randomTensor({2, gates * kHidden, kInputs}, 11, -0.4f, 0.4f)),
                         builder.constant(randomTensor({2, gates * kHidden, kHidden}, 12, -0.4f, 0.4f))},
                        1, attributes({{"hidden_size", kHidden}, {"direction", std::string("bidirectional")}}));
    builder.output(outputs[0]);
    expectRoundedOnly(builder);
  }
}

TEST(WeightsAsHalves, TakeHalfTheMemory) {
  GraphBuilder builder;
  const ValueId x = builder.input("x", randomTensor({1, 64, 8, 8}, 13));
  const ValueId conv = builder.add("Conv", {x, builder.constant(randomTensor({96, 64, 1, 1}, 14))});
  const ValueId rows = builder.add("Flatten", {conv});
  builder.output(builder.add("MatMul", {rows, builder.constant(randomTensor({96 * 64, 48}, 15))}));
  for (OpenClKernels style : kStyles)
    for (const auto& device : openClDevices(style)) {
      const std::int64_t floats = runIn(*device, builder, Precision::Model).weightsBytes;
      const std::int64_t halves = runIn(*device, builder, Precision::Float16).weightsBytes;
      EXPECT_GE(floats, (96 * 64 + 96 * 64 * 48) * 4);
      // Biases and tables stay what they are.
      EXPECT_LT(halves, floats * 51 / 100);
      EXPECT_GE(halves, floats / 2);
    }
}

TEST(WeightsAsHalves, ThatNoHalfCanHoldStayFloats) {
  GraphBuilder builder;
  const ValueId a = builder.input("a", randomTensor({4, 20}, 16));
  Tensor large = randomTensor({20, 24}, 17);
  large.mutableAs<float>()[37] = 70000.0f;
  builder.output(builder.add("MatMul", {a, builder.constant(large)}));
  Tensor largest = randomTensor({20, 24}, 18);
  largest.mutableAs<float>()[37] = 65504.0f;
  builder.output(builder.add("MatMul", {a, builder.constant(largest)}));
  for (OpenClKernels style : kStyles)
    for (const auto& device : openClDevices(style)) {
      EXPECT_TRUE(inferShapes(builder.graph).ok());
      auto run = DeviceRun::create(*device, builder.graph, builder.feeds, true, Precision::Float16);
      ASSERT_TRUE(run.ok()) << run.error().line();
      ASSERT_EQ(run->program().kernels().size(), 2u);
      for (const KernelInfo& kernel : run->program().kernels())
        EXPECT_EQ(readsHalves(kernel), kernel.node.index() == 1) << kernel.kernel;
      const auto outputs = run->run();
      ASSERT_TRUE(outputs.ok()) << outputs.error().line();
      const auto expected = referenceValues(builder.graph, builder.feeds);
      for (std::size_t i = 0; i < 2; ++i)
        expectClose((*outputs)[i], expected.at(builder.graph.outputs()[i]), i == 0 ? 0.05 : 50.0, 1e-4, "output");
    }
}

TEST(WeightsAsHalves, ThatAreTinyKeepTheirDigitsInMinimalFiltering) {
  GraphBuilder builder;
  const ValueId x = builder.input("x", randomTensor({1, 16, 10, 10}, 19));
  builder.output(builder.add("Conv", {x, builder.constant(randomTensor({16, 16, 3, 3}, 20, -1e-3f, 1e-3f))},
                             attributes({{"pads", Ints{1, 1, 1, 1}}})));
  const auto names = expectEveryVariantSameAsReference(builder, Precision::Float16, 2e-3);
  EXPECT_TRUE(openClDevices(OpenClKernels::Auto).empty() || anyStartsWith(names, "winograd 2"));
}

TEST(WeightsAsHalves, ComeFromModelsOfHalvesWithoutAnyError) {
  GraphBuilder builder;
  const ValueId a = builder.input("a", randomTensor({5, 40}, 21));
  builder.output(builder.add("MatMul", {a, builder.constant(halfTensor({40, 33}, 22))}));
  for (OpenClKernels style : kStyles)
    for (const auto& device : openClDevices(style)) {
      const Outcome exact = runIn(*device, builder, Precision::Model),
                    halves = runIn(*device, builder, Precision::Float16);
      ASSERT_EQ(exact.outputs.size(), 1u);
      ASSERT_EQ(halves.outputs.size(), 1u);
      EXPECT_TRUE(halves.halves[0]);
      expectClose(halves.outputs[0], exact.outputs[0], 1e-5, 1e-5, "output");
    }
}

} // namespace
} // namespace tandem::test
