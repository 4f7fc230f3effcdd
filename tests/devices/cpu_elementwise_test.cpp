// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/cpu_devices.hpp"
#include "tests/devices/cpu_support.hpp"

#include <gmock/gmock.h>
#include <limits>
#include <map>

namespace tandem {
namespace {

using namespace test;
using testing::StartsWith;
using Ints = std::vector<std::int64_t>;

TEST(CpuEltwise, MatchesTheReference) {
  for (const char* type : {"Abs", "Elu", "Erf", "Exp", "Gelu", "HardSwish", "LeakyRelu", "Relu", "Round", "Sigmoid",
                           "Softplus", "Tanh", "Neg", "Floor", "Ceil", "HardSigmoid"}) {
    SCOPED_TRACE(type);
    GraphMaker maker;
    const ValueId x = maker.input({3, 5, 7});
    maker.finish({maker.node(type, {x})});
    EXPECT_NE(expectLikeReference(maker.graph), "reference");
  }
}

TEST(CpuEltwise, ClipsBetweenConstantBounds) {
  GraphMaker maker;
  const ValueId x = maker.input({4, 9});
  const ValueId both =
      maker.node("Clip", {x, maker.constant(Tensor::scalar(-0.25f)), maker.constant(Tensor::scalar(0.5f))});
  const ValueId low = maker.node("Clip", {x, maker.constant(Tensor::scalar(0.25f))});
  maker.finish({both, low});
  EXPECT_THAT(expectLikeReference(maker.graph), StartsWith("onednn"));
}

TEST(CpuBinary, BroadcastsLikeTheReference) {
  const std::vector<std::pair<Shape, Shape>> shapes{{{3, 4, 5}, {3, 4, 5}}, {{3, 4, 5}, {5}},          {{5}, {3, 4, 5}},
                                                    {{3, 1, 5}, {1, 4, 1}}, {{2, 3, 4, 5}, {3, 1, 1}}, {{2, 3}, {}},
                                                    {{}, {2, 3}},           {{1}, {1, 1, 1}}};
  for (const auto& [a, b] : shapes) {
    for (const char* type : {"Add", "Sub", "Mul", "Div", "Max", "Min"}) {
      SCOPED_TRACE(std::string(type) + " " + a.toString() + " " + b.toString());
      GraphMaker maker;
      const ValueId x = maker.input(a);
      const ValueId y = maker.input(b);
      maker.finish({maker.node(type, {x, y})});
      EXPECT_NE(expectLikeReference(maker.graph), "reference");
    }
  }
}

TEST(CpuBinary, WorksOnIntegersToo) {
  GraphMaker maker;
  const ValueId x = maker.input({2, 3}, DataType::Int64);
  maker.finish({maker.node("Add", {x, x})});
  EXPECT_EQ(expectLikeReference(maker.graph), "reference");
}

TEST(CpuSoftmax, MatchesTheReferenceOnEveryAxis) {
  for (const char* type : {"Softmax", "LogSoftmax"}) {
    for (std::int64_t axis : {0, 1, 2, -1}) {
      for (int version : {11, 13}) {
        GraphMaker maker;
        const ValueId x = maker.input({3, 17, 5});
        const ValueId y = maker.node(type, {x}, attributes({{"axis", axis}}));
        maker.graph.node(NodeId(0)).version = version;
        maker.finish({y});
        const std::string kernel = expectLikeReference(maker.graph);
        const bool contiguous = version == 11 || axis == 2 || axis == -1;
        const bool isLog = std::string_view(type) == "LogSoftmax";
        EXPECT_THAT(kernel, StartsWith(!isLog ? "rows" : contiguous ? "onednn" : "reference")) << type << " " << axis;
      }
    }
  }
}

TEST(CpuSoftmax, RowsOfEveryLengthSumToOne) {
  for (std::int64_t length : {1, 2, 7, 15, 16, 17, 33, 47, 64, 129, 1000}) {
    SCOPED_TRACE(length);
    GraphMaker maker;
    const ValueId x = maker.input({3, length});
    const ValueId wide = maker.node("Mul", {x, maker.constant(Tensor::scalar(30.0f))});
    maker.finish({maker.node("Softmax", {wide}, attributes({{"axis", std::int64_t{-1}}}))});
    expectLikeReference(maker.graph, 2e-6);
  }
}

TEST(CpuSoftmax, NaNSpreadsOverItsColumnAlone) {
  GraphMaker maker;
  const ValueId x = maker.input({2, 5, 20});
  maker.finish({maker.node("Softmax", {x}, attributes({{"axis", std::int64_t{1}}}))});
  Tensor scores = randomTensor({DataType::Float32, {2, 5, 20}}, 3);
  for (std::size_t at : {std::size_t{3}, std::size_t{100 + 2 * 20 + 18}})
    scores.mutableAs<float>()[at] = std::numeric_limits<float>::quiet_NaN();
  const auto cpus = makeCpuDevices({});
  const Tensor y = runOn(*cpus.front(), maker.graph, {scores}).front();
  for (std::size_t i = 0; i < 200; ++i) EXPECT_EQ(std::isnan(y.as<float>()[i]), i % 20 == (i < 100 ? 3u : 18u)) << i;
}

TEST(CpuSoftmax, AMaskedElementGetsNothingAndNaNSpreadsOverItsRowAlone) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  GraphMaker maker;
  const ValueId x = maker.input({3, 18});
  maker.finish({maker.node("Softmax", {x}, attributes({{"axis", std::int64_t{-1}}}))});
  Tensor scores = randomTensor({DataType::Float32, {3, 18}}, 3);
  scores.mutableAs<float>()[4] = -kInfinity;
  scores.mutableAs<float>()[17] = -kInfinity;
  scores.mutableAs<float>()[20] = std::numeric_limits<float>::quiet_NaN();
  const auto cpus = makeCpuDevices({});
  const Tensor y = runOn(*cpus.front(), maker.graph, {scores}).front();
  EXPECT_LT(y.as<float>()[4], 1e-30f);
  EXPECT_LT(y.as<float>()[17], 1e-30f);
  for (std::size_t i = 0; i < 54; ++i) EXPECT_EQ(std::isnan(y.as<float>()[i]), i / 18 == 1) << i;
}

TEST(CpuExponentials, ArePreciseNearZeroAndInTheTails) {
  for (const char* type : {"Erf", "Gelu", "Sigmoid", "Tanh", "Swish"}) {
    SCOPED_TRACE(type);
    GraphMaker maker;
    const ValueId x = maker.input({4001});
    maker.finish({maker.node(type, {x})});
    Tensor points = Tensor::uninitialized({DataType::Float32, {4001}});
    for (std::size_t i = 0; i < 4001; ++i) points.mutableAs<float>()[i] = (static_cast<float>(i) - 2000) * 0.005f;
    points.mutableAs<float>()[0] = -1e30f;
    points.mutableAs<float>()[1999] = -1e-6f;
    points.mutableAs<float>()[2001] = 1e-6f;
    points.mutableAs<float>()[4000] = 1e30f;
    const auto cpus = makeCpuDevices({});
    const Tensor actual = runOn(*cpus.front(), maker.graph, {points}).front();
    const Tensor expected = runReference(maker.graph, {points}).front();
    for (std::size_t i = 0; i < 4001; ++i) {
      const float wanted = expected.as<float>()[i];
      EXPECT_NEAR(actual.as<float>()[i], wanted, 2e-6f * std::abs(wanted) + 1e-7f) << points.as<float>()[i];
    }
  }
}

TEST(CpuExponentials, KeepNaNAndReachTheirLimits) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> points{-kInfinity, -3e38f, -100, 100, 3e38f, kInfinity};
  const std::map<std::string, std::vector<float>> limits{
      {"Sigmoid", {0, 0, 0, 1, 1, 1}}, {"Tanh", {-1, -1, -1, 1, 1, 1}}, {"Swish", {0, 0, 0, 100, 3e38f, kInfinity}}};
  for (const auto& [type, wanted] : limits) {
    std::vector<float> x(40, std::numeric_limits<float>::quiet_NaN());
    std::copy(points.begin(), points.end(), x.begin() + 17);
    GraphMaker maker;
    maker.finish({maker.node(type, {maker.input({40})})});
    const auto cpus = makeCpuDevices({});
    const Tensor y = runOn(*cpus.front(), maker.graph, {Tensor::of<float>({40}, std::span<const float>(x))}).front();
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float actual = y.as<float>()[i];
      if (i < 17 || i >= 17 + points.size())
        EXPECT_TRUE(std::isnan(actual)) << type << " " << i;
      else if (std::isinf(wanted[i - 17]))
        EXPECT_EQ(actual, wanted[i - 17]) << type;
      else
        EXPECT_NEAR(actual, wanted[i - 17], 1e-6f * std::abs(wanted[i - 17]) + 1e-30f) << type << " " << x[i];
    }
  }
}

TEST(CpuEltwise, GeluByTanhMatchesTheReference) {
  for (std::int64_t length : {5, 16, 50}) {
    GraphMaker maker;
    const ValueId x = maker.input({3, length});
    const ValueId wide = maker.node("Mul", {x, maker.constant(Tensor::scalar(5.0f))});
    maker.finish({maker.node("Gelu", {wide}, attributes({{"approximate", std::string("tanh")}}))});
    expectLikeReference(maker.graph, 1e-5);
  }
}

TEST(CpuNormalization, MatchesTheReference) {
  GraphMaker maker;
  const ValueId x = maker.input({3, 20, 5, 7});
  const Tensor variance = Tensor::of<float>({20}, std::vector<float>(20, 0.7f));
  const ValueId b = maker.node("BatchNormalization", {x, maker.weights({20}), maker.weights({20}), maker.weights({20}),
                                                      maker.constant(variance)});
  const ValueId l = maker.node("LRN", {b}, attributes({{"size", std::int64_t{5}}, {"alpha", 0.01f}}));
  const ValueId even = maker.node("LRN", {b}, attributes({{"size", std::int64_t{4}}, {"alpha", 0.01f}}));
  const ValueId n = maker.node("LayerNormalization", {x, maker.weights({5, 7}), maker.weights({5, 7})},
                               attributes({{"axis", std::int64_t{2}}}));
  const ValueId noShift = maker.node("LayerNormalization", {x, maker.weights({7})});
  maker.finish({l, even, n, noShift});
  EXPECT_EQ(expectLikeReference(maker.graph), "channel scale");
}

TEST(CpuNormalization, ScalesChannelsOfAnyRankAndLayout) {
  for (const Shape& shape :
       {Shape{5, 48}, Shape{3, 48, 7}, Shape{2, 48, 6, 5}, Shape{2, 20, 6, 5}, Shape{3, 48, 1, 1}}) {
    for (bool convolved : {false, true}) { // leaves its channels last or in blocks
      if (convolved && shape.rank() != 4) continue;
      SCOPED_TRACE(shape.toString());
      const std::int64_t channels = shape[1];
      GraphMaker maker;
      ValueId x = maker.input(shape);
      if (convolved) x = maker.node("Conv", {x, maker.weights({channels, channels, 1, 1})});
      const Tensor variance =
          Tensor::of<float>({channels}, std::vector<float>(static_cast<std::size_t>(channels), 0.7f));
      const ValueId y = maker.node("BatchNormalization", {x, maker.weights({channels}), maker.weights({channels}),
                                                          maker.weights({channels}), maker.constant(variance)});
      maker.finish({maker.node("Abs", {y}), y});
      expectLikeReference(maker.graph);
    }
  }
}

TEST(CpuNormalization, InstancesAndGroupsMatchTheReference) {
  for (std::int64_t inner : {1, 5, 40, 1000}) {
    GraphMaker maker;
    const ValueId x = maker.input({2, 12, inner});
    std::vector<ValueId> outputs{maker.node("InstanceNormalization", {x, maker.weights({12}), maker.weights({12})}),
                                 maker.node("GroupNormalization", {x, maker.weights({12}), maker.weights({12})},
                                            attributes({{"num_groups", std::int64_t{4}}})),
                                 maker.node("GroupNormalization", {x, maker.weights({12}), maker.weights({12})},
                                            attributes({{"num_groups", std::int64_t{12}}, {"epsilon", 0.1f}}))};
    maker.finish(std::move(outputs));
    EXPECT_THAT(expectLikeReference(maker.graph, 1e-3), StartsWith("rows")) << inner;
  }
}

TEST(CpuNormalization, GroupsOfTheOldVersionHaveOneScaleEach) {
  GraphMaker maker;
  const ValueId x = maker.input({2, 12, 5, 4});
  const ValueId y = maker.node("GroupNormalization", {x, maker.weights({4}), maker.weights({4})},
                               attributes({{"num_groups", std::int64_t{4}}}));
  maker.graph.node(NodeId(0)).version = 18;
  maker.finish({y});
  EXPECT_THAT(expectLikeReference(maker.graph), StartsWith("rows"));
}

TEST(CpuNormalization, ComputedParametersAreTakenToo) {
  GraphMaker maker;
  const ValueId x = maker.input({3, 20, 5, 7}), scale = maker.input({20});
  const Tensor variance = Tensor::of<float>({20}, std::vector<float>(20, 0.7f));
  maker.finish({maker.node("BatchNormalization",
                           {x, scale, maker.weights({20}), maker.weights({20}), maker.constant(variance)})});
  EXPECT_THAT(expectLikeReference(maker.graph), StartsWith("onednn"));
}

TEST(CpuNormalization, NormalizesRowsOfEveryLength) {
  for (const char* type : {"LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization"}) {
    for (std::int64_t length : {1, 3, 16, 17, 31, 64, 100, 768}) {
      SCOPED_TRACE(std::string(type) + " " + std::to_string(length));
      GraphMaker maker;
      const ValueId x = maker.input({2, 3, length});
      maker.finish({maker.node(type, {x, maker.weights({length}, 1)}, attributes({{"epsilon", 1e-3f}}))});
      EXPECT_THAT(expectLikeReference(maker.graph), StartsWith("rows"));
    }
  }
}

TEST(CpuNormalization, KeepsTheDigitsOfSmallDifferences) {
  GraphMaker maker;
  const ValueId x = maker.input({4, 257});
  maker.finish({maker.node("LayerNormalization", {maker.node("Add", {x, maker.constant(Tensor::scalar(100.0f))}),
                                                  maker.weights({257}, 1), maker.weights({257}, 1)})});
  expectLikeReference(maker.graph, 1e-3);
}

TEST(CpuReduce, TheLargestOfARowOfAnyLengthAndNaNWhereThereIsOne) {
  const auto cpus = makeCpuDevices({});
  for (std::int64_t length : {1, 15, 16, 17, 40, 252}) {
    GraphMaker maker;
    const ValueId x = maker.input({3, length});
    maker.finish({maker.node("ReduceMax", {x, maker.constant(Tensor::of<std::int64_t>({1}, {-1}))})});
    EXPECT_EQ(expectLikeReference(maker.graph, 0), "rows");
    for (std::int64_t at : {std::int64_t{0}, length / 2, length - 1}) {
      Tensor rows = randomTensor({DataType::Float32, {3, length}}, 5);
      rows.mutableAs<float>()[static_cast<std::size_t>(length + at)] = std::numeric_limits<float>::quiet_NaN();
      const Tensor y = runOn(*cpus.front(), maker.graph, {rows}).front();
      for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(std::isnan(y.as<float>()[i]), i == 1) << length << " " << at;
    }
  }
}

TEST(CpuCast, TruthBecomesZeroAndOne) {
  GraphMaker maker;
  const ValueId x = maker.input({3, 37});
  const ValueId isLarger = maker.node("Greater", {x, maker.constant(Tensor::scalar(0.1f))});
  maker.finish({maker.node("Cast", {isLarger}, attributes({{"to", std::int64_t{1}}}))});
  expectLikeReference(maker.graph, 0);
}

TEST(CpuPow, MultipliesOrTakesRootsForSmallConstantExponents) {
  for (float exponent : {2.0f, 3.0f, 0.5f, 1.7f}) {
    GraphMaker maker;
    const ValueId x = maker.input({3, 5, 7});
    const ValueId positive = maker.node("Abs", {x});
    const ValueId y = maker.node("Pow", {positive, maker.constant(Tensor::scalar(exponent))});
    maker.finish({y, maker.node("Pow", {x, maker.constant(Tensor::scalar<std::int64_t>(3))})});
    expectLikeReference(maker.graph, 1e-6);
    const auto devices = makeCpuDevices({CpuSet({CpuSet::available().cpus().front()})});
    const auto program = compileWhole(*devices.front(), maker.graph);
    EXPECT_EQ(program->kernels()[1].kernel == "reference", exponent == 1.7f);
    EXPECT_EQ(program->kernels()[2].kernel, "rows");
  }
}

TEST(CpuReduce, FoldsLastAxesInRowsAndOthersByTheReference) {
  const std::vector<std::pair<Ints, bool>> cases{
      {{-1}, true}, {{2, 1}, true}, {{}, true}, {{1}, false}, {{0, 2}, false}};
  for (const char* type : {"ReduceMean", "ReduceSum", "ReduceMax"}) {
    for (const auto& [axes, fast] : cases) {
      for (std::int64_t keep : {0, 1}) {
        SCOPED_TRACE(type);
        GraphMaker maker;
        std::vector<ValueId> inputs{maker.input({4, 5, 37})};
        if (!axes.empty())
          inputs.push_back(maker.constant(Tensor::of<std::int64_t>({static_cast<std::int64_t>(axes.size())}, axes)));
        maker.finish({maker.node(type, inputs, attributes({{"keepdims", keep}}))});
        EXPECT_EQ(expectLikeReference(maker.graph), fast ? "rows" : "reference");
      }
    }
  }
}

} // namespace
} // namespace tandem
