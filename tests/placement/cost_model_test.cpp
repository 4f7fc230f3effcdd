// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/placement/cost_model.hpp"
#include "tests/placement/fake_device.hpp"

#include <gtest/gtest.h>

using namespace tandem;
using namespace tandem::test;

namespace {

DeviceInfo probed(std::string id, DeviceKind kind, ProbeResult probe) {
  DeviceInfo info;
  info.id = std::move(id);
  info.kind = kind;
  info.probe = probe;
  return info;
}

} // namespace

TEST(CostModel, TheLongerOfComputingAndMovingCounts) {
  const Graph graph = reluChain(1, 1'000'000); // 1e6 operations, 8e6 bytes
  const Node& relu = graph.nodes()[0];
  const auto bandwidth = estimateNode(graph, relu, probed("GPU:0", DeviceKind::OpenClGpu, {1000, 8, 1, 1, 10, 20}));
  EXPECT_NEAR(bandwidth.ms, 1.0 + 0.01, 1e-9);
  EXPECT_EQ(bandwidth.tier, CostTier::Modelled);
  const auto compute = estimateNode(graph, relu, probed("GPU:0", DeviceKind::OpenClGpu, {0.1, 8000, 1, 1, 0, 0}));
  EXPECT_NEAR(compute.ms, 10.0, 1e-9);
}

TEST(CostModel, WithoutAProbeItSaysThatItGuesses) {
  const Graph graph = reluChain(1, 1000);
  for (DeviceKind kind : {DeviceKind::NativeCpu, DeviceKind::OpenClCpu, DeviceKind::OpenClGpu}) {
    DeviceInfo info;
    info.kind = kind;
    const auto estimate = estimateNode(graph, graph.nodes()[0], info);
    EXPECT_EQ(estimate.tier, CostTier::Guessed);
    EXPECT_GT(estimate.ms, 0);
  }
}

TEST(CostModel, TransfersPayLatencyAndBandwidthOncePerHop) {
  const auto cpu = probed("CPU:0", DeviceKind::NativeCpu, {100, 20, 0, 0, 1, 2});
  const auto otherCpu = probed("CPU:1", DeviceKind::NativeCpu, {100, 20, 0, 0, 1, 2});
  const auto gpu = probed("GPU:0", DeviceKind::OpenClGpu, {1000, 100, 10, 5, 5, 20});
  EXPECT_NEAR(estimateTransfer(10'000'000, cpu, gpu).ms, 1.0 + 0.01, 1e-9);
  EXPECT_NEAR(estimateTransfer(10'000'000, gpu, cpu).ms, 2.0 + 0.01, 1e-9);
  EXPECT_EQ(estimateTransfer(10'000'000, cpu, otherCpu).ms, 0);
  EXPECT_EQ(estimateTransfer(10'000'000, gpu, gpu).ms, 0);
}
