// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/roofline.hpp"
#include "tests/support/graphs.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

using test::add;

constexpr ProbeResult kPeaks{.gflops = 100, .memoryGbPerS = 10, .launchUs = 2};

TensorDesc floats(std::vector<std::int64_t> dims) { return {DataType::Float32, Shape(std::move(dims))}; }

void fix(Graph& graph, ValueId value, std::vector<std::int64_t> dims) {
  graph.value(value).desc = floats(std::move(dims));
  graph.value(value).rankKnown = true;
}

/// x[4,8] -> MatMul with w[8,2] -> Add of b[2] -> Relu -> y[4,2]: 128 + 8 + 8 FLOPs; 128, 64, 8 and 32 bytes.
struct Chain {
  Chain() {
    graph.opset = 18;
    const ValueId x = graph.addInput("x", floats({4, 8}));
    const ValueId w = graph.addConstant("w", Tensor::zeros(floats({8, 2})));
    const ValueId b = graph.addConstant("b", Tensor::zeros(floats({2})));
    product = add(graph, "MatMul", {x, w});
    sum = add(graph, "Add", {product, b});
    y = add(graph, "Relu", {sum});
    for (ValueId value : {product, sum, y}) fix(graph, value, {4, 2});
    graph.addOutput(y);
  }
  Graph graph;
  ValueId product, sum, y;
  const std::vector<NodeId> all{NodeId(0), NodeId(1), NodeId(2)};
};

TEST(FusedCost, CountsEveryOperationButWhatStaysInsideMovesNoBytes) {
  const Chain chain;
  const auto alone = fusedCost(chain.graph, std::vector<NodeId>{NodeId(0)});
  ASSERT_TRUE(alone);
  EXPECT_EQ(alone->flops, 128);
  EXPECT_EQ(alone->parameterBytes, 64);
  EXPECT_EQ(alone->activationBytes, 128 + 32);
  const auto fused = fusedCost(chain.graph, chain.all);
  ASSERT_TRUE(fused);
  EXPECT_EQ(fused->flops, 144);
  EXPECT_EQ(fused->parameterBytes, 64 + 8);
  EXPECT_EQ(fused->activationBytes, 128 + 32) << "product and sum stay inside";
}

TEST(FusedCost, AValueThatIsNeededOutsideMovesOnceAndOneReadTwiceToo) {
  Chain chain;
  chain.graph.addOutput(chain.sum);
  EXPECT_EQ(fusedCost(chain.graph, chain.all)->activationBytes, 128 + 32 + 32);
  add(chain.graph, "Shape", {chain.product}); // looks at no element
  EXPECT_EQ(fusedCost(chain.graph, chain.all)->activationBytes, 128 + 32 + 32);

  Graph square;
  const ValueId x = square.addInput("x", floats({10}));
  const ValueId y = add(square, "Mul", {x, x});
  fix(square, y, {10});
  square.addOutput(y);
  EXPECT_EQ(fusedCost(square, std::vector<NodeId>{NodeId(0)})->activationBytes, 40 + 40);
}

TEST(FusedCost, APickedPartOfALargeTableCountsNotTheTable) {
  Graph graph;
  const ValueId table = graph.addConstant("table", Tensor::zeros(floats({1000, 16})));
  const ValueId index = graph.addInput("index", {DataType::Int64, {3}});
  const ValueId rows = add(graph, "Gather", {table, index});
  fix(graph, rows, {3, 16});
  graph.addOutput(rows);
  const auto cost = fusedCost(graph, std::vector<NodeId>{NodeId(0)});
  ASSERT_TRUE(cost);
  EXPECT_EQ(cost->parameterBytes, 3 * 16 * 4);
  EXPECT_EQ(cost->activationBytes, 3 * 8 + 3 * 16 * 4);
  EXPECT_EQ(cost->flops, 0);
}

TEST(FusedCost, IsNotKnownForOpenSizesUnknownOperatorsAndControlFlow) {
  const Graph open = test::diamond(); // its first size is not fixed
  EXPECT_FALSE(fusedCost(open, std::vector<NodeId>{NodeId(0)}));
  for (const char* type : {"NoSuchOperator", "If", "Loop", "Scan"}) {
    Graph graph;
    const ValueId x = graph.addInput("x", floats({1}));
    const ValueId y = add(graph, type, {x});
    fix(graph, y, {1});
    EXPECT_FALSE(fusedCost(graph, std::vector<NodeId>{NodeId(0)})) << type;
  }
}

TEST(Locate, AKernelWithMuchWorkPerByteIsUnderTheComputeRoof) {
  // 1 GFLOP in 20 ms is 50 GFLOP/s of 100; 20 MB in 20 ms is 1 GB/s of 10; 1e9 / 20e6 = 50 FLOP per byte.
  const RooflinePoint point = locate({1e9, 5'000'000, 15'000'000}, 20, &kPeaks);
  EXPECT_DOUBLE_EQ(*point.gflopPerS, 50);
  EXPECT_DOUBLE_EQ(*point.gbPerS, 1);
  EXPECT_DOUBLE_EQ(*point.flopPerByte, 50);
  EXPECT_EQ(point.roof, Roof::Compute);
  EXPECT_DOUBLE_EQ(*point.roofMs, 10);
  EXPECT_DOUBLE_EQ(*point.roofFraction, 0.5);
  EXPECT_DOUBLE_EQ(*point.computeFraction, 0.5);
  EXPECT_DOUBLE_EQ(*point.memoryFraction, 0.1);
}

TEST(Locate, AKernelWithLittleWorkPerByteIsUnderTheMemoryRoof) {
  // 40 MB at 10 GB/s are 4 ms; 10 MFLOP at 100 GFLOP/s only 0.1 ms.
  const RooflinePoint point = locate({1e7, 0, 40'000'000}, 5, &kPeaks);
  EXPECT_EQ(point.roof, Roof::Memory);
  EXPECT_DOUBLE_EQ(*point.roofMs, 4);
  EXPECT_DOUBLE_EQ(*point.roofFraction, 0.8);
}

TEST(Locate, FewerOperationsThanTheDirectAlgorithmShowAsOver100Percent) {
  EXPECT_DOUBLE_EQ(*locate({1e9, 0, 1000}, 7, &kPeaks).roofFraction, 10.0 / 7);
}

TEST(Locate, ATinyLayerIsOverheadAndALargeSlowOneIsNot) {
  // 400 bytes at 10 GB/s are 0.04 us, less than the launch of 2 us.
  EXPECT_EQ(locate({100, 0, 400}, 0.003, &kPeaks).roof, Roof::Overhead);
  EXPECT_EQ(locate({100, 0, 400}, 0.00005, &kPeaks).roof, Roof::Memory) << "80 % of the roof";
  EXPECT_EQ(locate({1e9, 0, 400}, 10'000, &kPeaks).roof, Roof::Compute) << "plain loops: 0.1 %, but much to do";
  ProbeResult noLaunch = kPeaks;
  noLaunch.launchUs = 0;
  EXPECT_EQ(locate({100, 0, 400}, 0.003, &noLaunch).roof, Roof::Overhead);
}

TEST(Locate, WhatCannotBeSaidIsLeftOutInsteadOfZeroOrInfinite) {
  const RooflinePoint moved = locate({0, 0, 1'000'000}, 1, &kPeaks);
  EXPECT_FALSE(moved.gflopPerS);
  EXPECT_FALSE(moved.flopPerByte);
  EXPECT_DOUBLE_EQ(*moved.gbPerS, 1);
  EXPECT_DOUBLE_EQ(*moved.roofFraction, 0.1);
  EXPECT_EQ(moved.roof, Roof::Memory);

  const RooflinePoint nothing = locate({0, 0, 0}, 1, &kPeaks);
  EXPECT_FALSE(nothing.gbPerS || nothing.roof || nothing.roofFraction || nothing.roofMs);
  const RooflinePoint instant = locate({1e9, 0, 1'000'000}, 0, &kPeaks);
  EXPECT_FALSE(instant.gflopPerS || instant.gbPerS || instant.roofFraction);

  ProbeResult half = kPeaks;
  half.memoryGbPerS = 0;
  for (const ProbeResult* peaks : {static_cast<const ProbeResult*>(nullptr), static_cast<const ProbeResult*>(&half)}) {
    const RooflinePoint point = locate({1e9, 0, 1'000'000}, 10, peaks);
    EXPECT_TRUE(point.gflopPerS && point.gbPerS && point.flopPerByte);
    EXPECT_FALSE(point.roof || point.roofFraction || point.roofMs || point.computeFraction || point.memoryFraction);
  }
}

} // namespace
} // namespace tandem
