// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/placement/transfers.hpp"
#include "tests/placement/fake_device.hpp"

#include <gtest/gtest.h>

using namespace tandem;
using namespace tandem::test;

namespace {

std::vector<std::string> described(const Graph& graph, const Placement& placement, const DeviceRegistry& registry) {
  auto effective = computeEffective(graph, placement, registry);
  EXPECT_TRUE(effective.ok());
  std::vector<std::string> lines;
  for (const TransferEdge& edge : crossDeviceTransfers(graph, *effective))
    lines.push_back(graph.value(edge.value).name + " " + edge.from + ">" + edge.to + " " + std::to_string(edge.bytes));
  return lines;
}

using Lines = std::vector<std::string>;

} // namespace

TEST(Transfers, InputsComeFromTheHostAndOutputsGoThere) {
  EXPECT_EQ(described(reluChain(2), Placement("GPU:0"), cpuAndGpu()),
            (Lines{"x CPU:0>GPU:0 1024", "relu_1_out GPU:0>CPU:0 1024"}));
  EXPECT_EQ(described(reluChain(2), Placement("CPU:0"), cpuAndGpu()), Lines{});
}

TEST(Transfers, OneTransferServesEveryConsumerOnADevice) {
  Graph graph;
  const TensorDesc desc{DataType::Float32, Shape{8}};
  const ValueId x = graph.addInput("x", desc);
  const ValueId weight = graph.addConstant("w", Tensor::zeros(desc));
  for (int i = 0; i < 3; ++i) graph.addOutput(addOp(graph, "Add", "n" + std::to_string(i), {x, weight}, desc));
  const auto lines = described(graph, Placement("GPU:0").withNode("n2", "CPU:0"), cpuAndGpu());
  EXPECT_EQ(lines, (Lines{"x CPU:0>GPU:0 32", "n0_out GPU:0>CPU:0 32", "n1_out GPU:0>CPU:0 32"}));
}

TEST(Transfers, NativeCpusShareMemory) {
  auto registry = cpuAndGpu();
  registry.add(std::make_unique<FakeDevice>("CPU:1", DeviceKind::NativeCpu, supportsAll));
  EXPECT_EQ(described(reluChain(2), Placement("CPU:0").withNode("relu_1", "CPU:1"), registry), Lines{});
  EXPECT_EQ(described(reluChain(2), Placement("CPU:1").withNode("relu_0", "GPU:0"), registry),
            (Lines{"x CPU:0>GPU:0 1024", "relu_0_out GPU:0>CPU:1 1024"}));
}

TEST(Transfers, ReadingOnlyTheShapeMovesNothing) {
  Graph graph;
  const TensorDesc desc{DataType::Float32, Shape{8}};
  const ValueId x = graph.addInput("x", desc);
  const ValueId y = addOp(graph, "Relu", "relu", {x}, desc);
  graph.addOutput(addOp(graph, "Shape", "shape", {y}, {DataType::Int64, Shape{1}}));
  EXPECT_EQ(described(graph, Placement("GPU:0"), cpuAndGpu()), (Lines{"x CPU:0>GPU:0 32"}));
}

TEST(Transfers, TotalsAddUp) {
  const std::vector<TransferEdge> edges{{ValueId(0), "a", "b", 10}, {ValueId(1), "b", "a", 32}};
  EXPECT_EQ(totalOf(edges).count, 2);
  EXPECT_EQ(totalOf(edges).bytes, 42);
}
