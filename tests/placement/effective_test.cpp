// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/placement/effective.hpp"
#include "tests/placement/fake_device.hpp"

#include <gtest/gtest.h>

using namespace tandem;
using namespace tandem::test;

namespace {

EffectivePlacement effectiveOf(const Graph& graph, const Placement& placement, const DeviceRegistry& registry) {
  auto effective = computeEffective(graph, placement, registry);
  EXPECT_TRUE(effective.ok());
  return *std::move(effective);
}

FakeDevice::Supports allBut(std::string name, MoveReason reason, std::string detail) {
  return
      [=](const Graph&, const Node& node) { return node.name == name ? Support::no(reason, detail) : Support::yes(); };
}

const TensorDesc kInts2{DataType::Int64, Shape{2}};
const TensorDesc kFloats4{DataType::Float32, Shape{2, 2}};

} // namespace

TEST(Effective, KeepsWhatTheDeviceSupports) {
  const Graph graph = reluChain(3);
  const auto effective = effectiveOf(graph, Placement("GPU:0"), cpuAndGpu());
  EXPECT_EQ(effective.effective, std::vector<std::string>(3, "GPU:0"));
  EXPECT_EQ(effective.requested, effective.effective);
  EXPECT_EQ(effective.movedNodes(), 0);
  EXPECT_EQ(effective.summary, "3 nodes: 3 GPU:0");
  EXPECT_EQ(effective.host, "CPU:0");
}

TEST(Effective, AnUnsupportedNodeGoesToTheHostWithItsReason) {
  const Graph graph = reluChain(3);
  const auto registry = cpuAndGpu(allBut("relu_1", MoveReason::UnsupportedAttribute, "Relu with a twist"));
  const auto effective = effectiveOf(graph, Placement("GPU:0"), registry);
  EXPECT_EQ(effective.requested[1], "GPU:0");
  EXPECT_EQ(effective.effective[1], "CPU:0");
  EXPECT_EQ(effective.reason[1], MoveReason::UnsupportedAttribute);
  EXPECT_EQ(effective.detail[1], "Relu with a twist");
  EXPECT_EQ(effective.reason[0], MoveReason::None);
  EXPECT_TRUE(effective.detail[0].empty());
  EXPECT_EQ(effective.nodesPerDevice.at("GPU:0"), 2);
}

TEST(Effective, TheSummaryCountsReasonsAndTheUsersOwnChoices) {
  const Graph graph = reluChain(412, 4);
  std::vector<std::pair<std::string, std::string>> mine;
  for (int i = 100; i < 103; ++i) mine.emplace_back("relu_" + std::to_string(i), "CPU:0");
  const auto registry = cpuAndGpu([](const Graph&, const Node& node) {
    return std::stoi(node.name.substr(5)) < 11 ? Support::no(MoveReason::UnsupportedOp, "Relu") : Support::yes();
  });
  const auto effective = effectiveOf(graph, Placement("GPU:0").withNodes(mine), registry);
  EXPECT_EQ(effective.summary, "412 nodes: 398 GPU:0, 14 CPU:0 (11 unsupported op, 3 by you)");
}

TEST(Effective, AnAbsentDeviceIsNamed) {
  const auto effective = effectiveOf(reluChain(1), Placement("GPU:7"), cpuAndGpu());
  EXPECT_EQ(effective.reason[0], MoveReason::DeviceAbsent);
  EXPECT_EQ(effective.detail[0], "GPU:7 is not on this machine");
  EXPECT_EQ(effective.summary, "1 node: 1 CPU:0 (1 device absent)");
}

TEST(Effective, AHiddenDeviceIsNotUsed) {
  auto registry = cpuAndGpu();
  registry.hide("GPU:0");
  const auto effective = effectiveOf(reluChain(2), Placement("GPU:0"), registry);
  EXPECT_EQ(effective.summary, "2 nodes: 2 CPU:0 (2 device hidden)");
}

TEST(Effective, WithTheHostHiddenAnotherNativeCpuTakesOver) {
  auto registry = cpuAndGpu();
  registry.add(std::make_unique<FakeDevice>("CPU:1", DeviceKind::NativeCpu, supportsAll));
  registry.hide("CPU:0");
  const auto effective = effectiveOf(reluChain(2), Placement("CPU:0"), registry);
  EXPECT_EQ(effective.host, "CPU:1");
  EXPECT_EQ(effective.effective[0], "CPU:1");
  EXPECT_EQ(effective.reason[0], MoveReason::DeviceHidden);
}

TEST(Effective, WhatTheHostCannotDoGoesToADeviceThatCan) {
  DeviceRegistry registry;
  registry.add(std::make_unique<FakeDevice>("CPU:0", DeviceKind::NativeCpu,
                                            allBut("relu_0", MoveReason::UnsupportedOp, "Relu")));
  registry.add(std::make_unique<FakeDevice>("GPU:0", DeviceKind::OpenClGpu, supportsAll));
  const auto effective = effectiveOf(reluChain(2), Placement("CPU:0"), registry);
  EXPECT_EQ(effective.effective[0], "GPU:0");
  EXPECT_EQ(effective.effective[1], "CPU:0");
  EXPECT_TRUE(effective.unsupported.empty());
}

TEST(Effective, ANodeThatNobodySupportsIsListed) {
  DeviceRegistry registry;
  const auto refuse = allBut("relu_0", MoveReason::UnsupportedOp, "Relu");
  registry.add(std::make_unique<FakeDevice>("CPU:0", DeviceKind::NativeCpu, refuse));
  registry.add(std::make_unique<FakeDevice>("GPU:0", DeviceKind::OpenClGpu, refuse));
  const auto effective = effectiveOf(reluChain(2), Placement("GPU:0"), registry);
  ASSERT_EQ(effective.unsupported.size(), 1u);
  EXPECT_EQ(effective.unsupported[0], NodeId(0));
  EXPECT_EQ(effective.effective[0], "CPU:0");
}

TEST(Effective, StrictModeTurnsMovesIntoAnErrorThatNamesThem) {
  const Graph graph = reluChain(9);
  const auto registry =
      cpuAndGpu([](const Graph&, const Node&) { return Support::no(MoveReason::UnsupportedOp, "x"); });
  auto strict = computeEffective(graph, Placement("GPU:0"), registry, {.strict = true});
  ASSERT_FALSE(strict.ok());
  EXPECT_EQ(strict.error().code, ErrorCode::Unsupported);
  EXPECT_EQ(strict.error().message, "9 nodes cannot run where the placement asks");
  EXPECT_NE(strict.error().where.find("relu_0 (GPU:0: unsupported op)"), std::string::npos);
  EXPECT_NE(strict.error().where.find("and 4 more"), std::string::npos);
  EXPECT_TRUE(computeEffective(graph, Placement("CPU:0"), registry, {.strict = true}).ok());
}

TEST(Effective, ShapeArithmeticStaysOnTheHost) {
  Graph graph;
  const ValueId x = graph.addInput("x", kFloats4);
  const ValueId shape = addOp(graph, "Shape", "shape", {x}, kInts2);
  const ValueId y = addOp(graph, "Relu", "relu", {x}, kFloats4);
  graph.addOutput(y);
  graph.addOutput(shape);
  const auto effective = effectiveOf(graph, Placement("GPU:0"), cpuAndGpu());
  EXPECT_EQ(effective.reason[0], MoveReason::ShapeComputation);
  EXPECT_EQ(effective.effective[0], "CPU:0");
  EXPECT_EQ(effective.effective[1], "GPU:0");
}

TEST(Effective, AChainBetweenShapeAndReshapeStaysOnTheHost) {
  Graph graph;
  const ValueId x = graph.addInput("x", kFloats4);
  const ValueId index = graph.addConstant("index", Tensor::of<std::int64_t>(Shape{1}, {0}));
  const ValueId rest = graph.addConstant("rest", Tensor::of<std::int64_t>(Shape{1}, {-1}));
  const ValueId shape = addOp(graph, "Shape", "shape", {x}, kInts2);
  const ValueId batch = addOp(graph, "Gather", "gather", {shape, index}, {DataType::Int64, Shape{1}});
  const ValueId target = addOp(graph, "Concat", "concat", {batch, rest}, kInts2);
  graph.addOutput(addOp(graph, "Reshape", "reshape", {x, target}, kFloats4));
  EXPECT_EQ(shapeComputations(graph), (std::vector<bool>{true, true, true, false}));
  const auto effective = effectiveOf(graph, Placement("GPU:0"), cpuAndGpu());
  EXPECT_EQ(effective.summary, "4 nodes: 3 CPU:0 (3 shape computation stays on the host), 1 GPU:0");
}

TEST(Effective, IntegersThatAreDataAreNotShapeComputations) {
  Graph graph;
  const ValueId table = graph.addConstant("table", Tensor::zeros(kFloats4));
  const ValueId ids = graph.addInput("ids", kInts2);
  const ValueId shifted = addOp(graph, "Add", "add", {ids, ids}, kInts2);
  graph.addOutput(addOp(graph, "Gather", "embedding", {table, shifted}, kFloats4));
  EXPECT_EQ(shapeComputations(graph), (std::vector<bool>{false, false}));
}

TEST(Effective, NodesWithUnboundSymbolsAreNotDataDependent) {
  Graph graph;
  const ValueId x = graph.addInput("x", {DataType::Float32, Shape{kUnknownDim, 4}});
  graph.addOutput(addOp(graph, "Relu", "relu", {x}, {DataType::Float32, Shape{kUnknownDim, 4}}));
  EXPECT_FALSE(dataDependentNodes(graph)[0]);
}

TEST(Effective, WhatFollowsADataDependentShapeStaysOnTheHost) {
  Graph graph;
  const ValueId x = graph.addInput("x", kFloats4);
  const ValueId some = addOp(graph, "Relu", "some", {x}, {DataType::Float32, Shape{kUnknownDim}});
  const ValueId next = addOp(graph, "Relu", "next", {some}, {DataType::Float32, Shape{kUnknownDim}});
  const ValueId sum = addOp(graph, "Relu", "sum", {next}, {DataType::Float32, Shape{1}});
  graph.addOutput(addOp(graph, "Relu", "after", {sum}, {DataType::Float32, Shape{1}}));
  EXPECT_EQ(dataDependentNodes(graph), (std::vector<bool>{true, true, true, false}));
  const auto effective = effectiveOf(graph, Placement("GPU:0"), cpuAndGpu());
  EXPECT_EQ(effective.reason[1], MoveReason::DataDependentShape);
  EXPECT_EQ(effective.effective[3], "GPU:0");
}

TEST(Effective, TheLastLayersLeaveADeviceThatIsTooSmall) {
  // Every tensor has 1 KiB; a chain of them never needs more than two at a time, so weights decide.
  Graph graph;
  const TensorDesc desc{DataType::Float32, Shape{256}};
  ValueId last = graph.addInput("x", desc);
  for (int i = 0; i < 10; ++i) {
    const ValueId weight = graph.addConstant("w" + std::to_string(i), Tensor::zeros(desc));
    last = addOp(graph, "Relu", "n" + std::to_string(i), {last, weight}, desc);
  }
  graph.addOutput(last);
  EXPECT_EQ(estimateMemory(graph, std::vector<std::string>(10, "GPU:0"), "GPU:0"), (10 + 2) * 1024);

  auto registry = cpuAndGpu(supportsAll, 8 * 1024);
  auto effective = effectiveOf(graph, Placement("GPU:0"), registry);
  EXPECT_EQ(effective.summary, "10 nodes: 6 GPU:0, 4 CPU:0 (4 over memory limit)");
  EXPECT_EQ(effective.effective[5], "GPU:0");
  EXPECT_EQ(effective.effective[6], "CPU:0");
  EXPECT_NE(effective.detail[6].find("the limit is 0.0 MB"), std::string::npos);

  registry.setMemoryLimit("GPU:0", 4 * 1024); // the user's limit is below the device's own
  EXPECT_EQ(effectiveOf(graph, Placement("GPU:0"), registry).nodesPerDevice.at("GPU:0"), 2);
  registry.setMemoryLimit("GPU:0", 1 << 30);
  EXPECT_EQ(effectiveOf(graph, Placement("GPU:0"), registry).nodesPerDevice.at("GPU:0"), 6);
}

TEST(Effective, AHostOverItsLimitIsAWarning) {
  auto registry = cpuAndGpu();
  registry.setMemoryLimit("CPU:0", 100);
  const auto effective = effectiveOf(reluChain(2), Placement("CPU:0"), registry);
  ASSERT_EQ(effective.warnings.size(), 1u);
  EXPECT_NE(effective.warnings[0].find("CPU:0 needs about"), std::string::npos);
}

TEST(Effective, ConstantsFollowTheirConsumersSilently) {
  Graph graph;
  const ValueId x = graph.addInput("x", kFloats4);
  const ValueId c = addOp(graph, "Constant", "c", {}, kFloats4);
  graph.addOutput(addOp(graph, "Add", "add", {x, c}, kFloats4));
  const auto registry = cpuAndGpu(allBut("c", MoveReason::UnsupportedOp, "Constant"));
  const auto effective = effectiveOf(graph, Placement("CPU:0").withNode("add", "GPU:0"), registry);
  EXPECT_EQ(effective.effective[0], "GPU:0");
  EXPECT_EQ(effective.requested[0], "GPU:0");
  EXPECT_EQ(effective.reason[0], MoveReason::None);
  EXPECT_EQ(effective.summary, "2 nodes: 2 GPU:0 (1 by you)");
}

TEST(Effective, DeadNodesDoNotCount) {
  Graph graph = reluChain(3);
  graph.replaceUses(graph.node(NodeId(1)).outputs[0], graph.node(NodeId(0)).outputs[0]);
  graph.removeNode(NodeId(1));
  const auto effective = effectiveOf(graph, Placement("GPU:0"), cpuAndGpu());
  EXPECT_EQ(effective.summary, "2 nodes: 2 GPU:0");
  EXPECT_TRUE(effective.effective[1].empty());
}
