// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/parity.hpp"

#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/devices/simulated/simulated_device.hpp"
#include "engine/gallery/gallery.hpp"
#include "tests/support/graphs.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>

namespace tandem {
namespace {

constexpr DifferenceLimits kLimits{1e-3, 1e-5};

TEST(TensorDifference, IsZeroForEqualTensorsWithEqualSpecialValues) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  const Tensor a = Tensor::of<float>({5}, {1, -2, inf, -inf, nan});
  const Difference difference = differenceOf(a, a.clone(), kLimits, ErrorScale::Element);
  EXPECT_EQ(difference.worst, 0);
  EXPECT_EQ(difference.special, 0);
  EXPECT_EQ(difference.worstIndex, -1);
  EXPECT_FALSE(difference.isOver());
}

TEST(TensorDifference, FlagsNanAndInfinityOnOneSide) {
  const float inf = std::numeric_limits<float>::infinity();
  const Difference difference =
      differenceOf(Tensor::of<float>({3}, {1, inf, 3}), Tensor::of<float>({3}, {1, -inf, std::nanf("")}), kLimits,
                   ErrorScale::Tensor);
  EXPECT_EQ(difference.special, 2);
  EXPECT_TRUE(std::isinf(difference.worst));
  EXPECT_EQ(difference.worstIndex, 1);
  EXPECT_EQ(difference.maxAbs, 0); // of what is finite
}

TEST(TensorDifference, MeasuresKnownErrors) {
  const Difference difference =
      differenceOf(Tensor::of<float>({2}, {3, 4}), Tensor::of<float>({2}, {3, 4.5f}), kLimits, ErrorScale::Element);
  EXPECT_DOUBLE_EQ(difference.maxAbs, 0.5);
  EXPECT_DOUBLE_EQ(difference.maxRel, 0.125);
  EXPECT_DOUBLE_EQ(difference.rms, std::sqrt(0.125));
  EXPECT_DOUBLE_EQ(difference.relativeRms, 0.1);
  EXPECT_NEAR(difference.cosine, 27 / (5 * std::sqrt(29.25)), 1e-12);
  EXPECT_NEAR(difference.worst, 0.5 / (1e-5 + 4e-3), 1e-9);
  EXPECT_EQ(difference.over, 1);
  EXPECT_EQ(difference.worstIndex, 1);
}

TEST(TensorDifference, InsideANetworkAnElementNearZeroIsJudgedByItsTensor) {
  const Tensor a = Tensor::of<float>({4}, {100, -100, 100, 0}), b = Tensor::of<float>({4}, {100, -100, 100, 0.001f});
  EXPECT_FALSE(differenceOf(a, b, kLimits, ErrorScale::Tensor).isOver());
  EXPECT_TRUE(differenceOf(a, b, kLimits, ErrorScale::Element).isOver());
}

TEST(TensorDifference, CountsIntegersThatDifferEvenWhereADoubleCannotTell) {
  const std::int64_t large = (std::int64_t{1} << 62) + 1;
  const Difference difference =
      differenceOf(Tensor::of<std::int64_t>({3}, {large, 7, 9}), Tensor::of<std::int64_t>({3}, {large - 1, 7, 4}),
                   kLimits, ErrorScale::Tensor);
  EXPECT_EQ(difference.over, 2);
  EXPECT_EQ(difference.maxAbs, 5);
  EXPECT_TRUE(difference.isOver());
}

TEST(TensorDifference, SaysWhyTensorsOfOtherShapesCannotBeCompared) {
  const Difference difference = differenceOf(Tensor::zeros({DataType::Float32, {2}}),
                                             Tensor::zeros({DataType::Float32, {3}}), kLimits, ErrorScale::Tensor);
  EXPECT_TRUE(difference.isOver());
  EXPECT_EQ(difference.problem, "A is float32 2, B is float32 3");
}

class ParityTest : public testing::Test {
 protected:
  void SetUp() override {
    m_cpu = std::move(makeCpuDevices({}).front());
    m_gpu = std::move(*SimulatedDevice::create(simulatedPresets().front().id));
    m_options.limits = [](DataType) { return kLimits; };
  }
  Result<ParityResult> compare(const Graph& graph, const std::vector<Tensor>& inputs, Device& a, Device& b) {
    const BoundGraph bound = TANDEM_TRY(bindTensors(graph, inputs));
    const std::vector<Device*> onA(graph.nodes().size(), &a), onB(graph.nodes().size(), &b);
    return compareLayers(bound, inputs, onA, onB, *m_cpu, m_options);
  }
  std::unique_ptr<Device> m_cpu;
  std::unique_ptr<SimulatedDevice> m_gpu;
  ParityOptions m_options;
};

Tensor noise(const TensorDesc& desc) {
  Tensor tensor = Tensor::uninitialized(desc);
  std::mt19937 random(11);
  std::uniform_real_distribution<float> values(-1, 1);
  for (float& element : tensor.mutableAs<float>()) element = values(random);
  return tensor;
}

TEST_F(ParityTest, ComparesEveryLayerOfANetworkOnBothDevices) {
  const Graph graph = *buildSample("tiny_resnet");
  const BoundGraph bound = *bindInputs(graph, 1);
  const Tensor input = noise(bound.graph.value(bound.graph.inputs()[0]).desc);
  auto result = compare(graph, {input}, *m_cpu, *m_gpu);
  ASSERT_TRUE(result.ok()) << result.error().line();
  ASSERT_EQ(result->layers.size(), graph.nodes().size());
  int different = 0;
  for (const LayerParity& layer : result->layers) {
    EXPECT_TRUE(layer.compared()) << layer.note;
    EXPECT_FALSE(layer.isOver()) << layer.value << " " << layer.local.worst;
    EXPECT_EQ(layer.deviceA, m_cpu.get());
    EXPECT_EQ(layer.deviceB, m_gpu.get());
    EXPECT_GT(layer.local.elements, 0);
    different += layer.local.maxAbs > 0;
  }
  EXPECT_GT(different, 0); // oneDNN and plain loops round differently: a comparison of nothing would show zeros
  ASSERT_EQ(result->outputsA.size(), 1u);
  EXPECT_FALSE(differenceOf(result->outputsA[0], result->outputsB[0], kLimits, ErrorScale::Element).isOver());
}

TEST_F(ParityTest, AgainstItselfNothingDiffers) {
  auto result = compare(test::diamond(), {noise({DataType::Float32, {3, 4}})}, *m_cpu, *m_cpu);
  ASSERT_TRUE(result.ok()) << result.error().line();
  for (const LayerParity& layer : result->layers) {
    EXPECT_EQ(layer.local.maxAbs, 0);
    EXPECT_EQ(layer.accumulated.maxAbs, 0);
  }
}

TEST_F(ParityTest, WhereBFailsTheLayerSaysSoAndTheRestGoesOnFromA) {
  m_gpu->failures().failAfter(1);
  auto result = compare(test::diamond(), {noise({DataType::Float32, {3, 4}})}, *m_cpu, *m_gpu);
  ASSERT_TRUE(result.ok()) << result.error().line();
  EXPECT_FALSE(result->layers[0].failed);
  EXPECT_TRUE(result->layers[1].failed);
  EXPECT_TRUE(result->layers[1].isOver());
  EXPECT_FALSE(result->layers[1].note.empty());
  EXPECT_TRUE(result->layers[2].compared());
  EXPECT_EQ(result->layers[3].accumulated.maxAbs, 0);
}

TEST_F(ParityTest, ComparesLayersWhoseShapesDependOnTheData) {
  Graph graph;
  const ValueId x = graph.addInput("x", {DataType::Float32, {5}});
  graph.addOutput(test::add(graph, "NonZero", {test::add(graph, "Relu", {x})}));
  auto result = compare(graph, {Tensor::of<float>({5}, {-1, 2, 0, 3, -4})}, *m_cpu, *m_gpu);
  ASSERT_TRUE(result.ok()) << result.error().line();
  EXPECT_EQ(result->outputsB[0].toInts(), (std::vector<std::int64_t>{1, 3}));
  EXPECT_EQ(result->layers[1].desc, (TensorDesc{DataType::Int64, {1, 2}}));
}

TEST_F(ParityTest, ReportsProgressAndStopsWhenCancelled) {
  std::vector<std::string> seen;
  m_options.progress = [&](std::size_t done, std::size_t total, const std::string&) {
    EXPECT_EQ(done, seen.size());
    seen.push_back(std::to_string(total));
    if (done == 1) m_options.cancel.cancel();
  };
  auto result = compare(test::diamond(), {noise({DataType::Float32, {3, 4}})}, *m_cpu, *m_cpu);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::Cancelled);
  EXPECT_EQ(seen, (std::vector<std::string>{"4", "4"}));
}

} // namespace
} // namespace tandem
