// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/segments.hpp"

#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/devices/simulated/simulated_device.hpp"
#include "engine/runtime/bind_inputs.hpp"
#include "tests/support/graphs.hpp"

#include <gtest/gtest.h>
#include <set>

namespace tandem {
namespace {

class Segments : public testing::Test {
 protected:
  void SetUp() override {
    m_cpu = std::move(makeCpuDevices({}).front());
    m_gpu = std::move(*SimulatedDevice::create("SIM:" + std::string(simulatedPresets().front().id)));
    m_graph = bindInputs(test::diamond(), 2)->graph;
  }
  std::vector<PlannedSegment> plan(const std::vector<int>& onGpu) {
    std::vector<Device*> deviceOf(m_graph.nodes().size(), m_cpu.get());
    for (int node : onGpu) deviceOf[static_cast<std::size_t>(node)] = m_gpu.get();
    return planSegments(m_graph, deviceOf, *m_cpu);
  }
  std::unique_ptr<Device> m_cpu;
  std::unique_ptr<SimulatedDevice> m_gpu;
  Graph m_graph;
};

TEST_F(Segments, OneDeviceGivesOneSegment) {
  const auto segments = plan({});
  ASSERT_EQ(segments.size(), 1u);
  EXPECT_EQ(segments[0].segment.nodes.size(), 4u);
  EXPECT_EQ(segments[0].segment.inputs, m_graph.inputs());
  EXPECT_EQ(segments[0].segment.outputs, m_graph.outputs());
}

TEST_F(Segments, ASegmentEndsWhereTheDeviceChanges) {
  const auto segments = plan({1}); // Neg alone on the GPU
  ASSERT_EQ(segments.size(), 3u);
  EXPECT_EQ(segments[1].device, m_gpu.get());
  EXPECT_EQ(segments[1].segment.nodes, std::vector<NodeId>{NodeId(1)});
  // The diamond's value a leaves the first segment once, for two readers.
  EXPECT_EQ(segments[0].segment.outputs.size(), 1u);
  EXPECT_EQ(segments[2].segment.inputs.size(), 2u);
}

TEST_F(Segments, EverySegmentDependsOnEarlierOnesOnly) {
  for (int mask = 0; mask < 16; ++mask) {
    std::vector<int> onGpu;
    for (int node = 0; node < 4; ++node)
      if (mask >> node & 1) onGpu.push_back(node);
    std::set<ValueId> ready(m_graph.inputs().begin(), m_graph.inputs().end());
    std::size_t nodes = 0;
    for (const PlannedSegment& planned : plan(onGpu)) {
      for (ValueId input : planned.segment.inputs) EXPECT_TRUE(ready.contains(input)) << "mask " << mask;
      ready.insert(planned.segment.outputs.begin(), planned.segment.outputs.end());
      nodes += planned.segment.nodes.size();
    }
    EXPECT_EQ(nodes, 4u);
  }
}

TEST_F(Segments, NodesWithUnknownShapesStayOnTheHostAsADynamicSegment) {
  Graph graph;
  const ValueId x = graph.addInput("x", {DataType::Float32, {4}});
  graph.addOutput(test::add(graph, "NonZero", {test::add(graph, "Relu", {x})}));
  m_graph = bindInputs(graph, 1)->graph;
  const auto segments = plan({0, 1});
  ASSERT_EQ(segments.size(), 2u);
  EXPECT_FALSE(segments[0].dynamic);
  EXPECT_TRUE(segments[1].dynamic);
  EXPECT_EQ(segments[1].device, m_cpu.get());
}

} // namespace
} // namespace tandem
