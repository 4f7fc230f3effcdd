// SPDX-License-Identifier: GPL-3.0-or-later
// Random networks: passes, kernels, layouts and memory plans together give what the reference kernels give.
#include "engine/devices/cpu/conv_plan.hpp"
#include "engine/devices/cpu/cpu_device.hpp"
#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/passes/pass_runner.hpp"
#include "tests/devices/random_network.hpp"

#include <cmath>
#include <gtest/gtest.h>

namespace tandem {
namespace {

using namespace test;
using cpu::ConvForm;

Graph rewritten(Graph graph) {
  resetOrigins(graph);
  EXPECT_TRUE(runPasses(graph, {}).ok());
  const auto inferred = inferShapes(graph);
  EXPECT_TRUE(inferred.ok()) << inferred.error().line();
  return graph;
}

/// A device for which every convolution of `graph` takes random times in its forms: that mixes layouts as no
/// measurement would.
cpu::CpuDevice mixingForms(const Graph& graph, unsigned seed) {
  const auto devices = makeCpuDevices({CpuSet({CpuSet::available().cpus().front()})});
  auto timings = std::make_shared<cpu::TimingCache>(std::filesystem::path(), "test");
  std::mt19937 random(seed);
  std::vector<cpu::Work> works;
  for (NodeId id : topologicalOrder(graph))
    if (const auto problem = cpu::ConvProblem::of(graph, graph.node(id)))
      for (bool separate : {false, true})
        for (ConvForm form : {ConvForm::ChannelsLast, ConvForm::DenseGroups, ConvForm::Blocked, ConvForm::Winograd})
          works.push_back(cpu::convWork(*problem, 1, false, {form, separate}));
  for (const cpu::Work& work : works)
    timings->microseconds({&work, 1}, [&](std::span<const std::size_t>) {
      return std::vector<double>{100.0 + static_cast<double>(random() % 1000)};
    });
  return {devices.front()->info(), timings};
}

/// Sums of many terms may cancel: errors are measured against the largest element of a tensor.
void expectAlike(const Tensor& actual, const Tensor& expected, const std::string& what) {
  ASSERT_EQ(actual.desc(), expected.desc()) << what;
  double largest = 1e-3;
  for (std::int64_t i = 0; i < expected.elements(); ++i) largest = std::max(largest, std::abs(expected.asDouble(i)));
  for (std::int64_t i = 0; i < actual.elements(); ++i)
    ASSERT_LE(std::abs(actual.asDouble(i) - expected.asDouble(i)), 1e-4 * largest)
        << what << ", element " << i << ": " << actual.asDouble(i) << " for " << expected.asDouble(i);
}

std::string describe(const Graph& graph) {
  std::string text;
  for (NodeId id : topologicalOrder(graph)) {
    const Node& node = graph.node(id);
    text += node.type;
    for (ValueId input : node.inputs)
      if (input.valid()) text += " " + graph.value(input).desc.shape.toString();
    text += " -> " + graph.value(node.outputs[0]).desc.shape.toString() + "\n";
  }
  return text;
}

void expectLikeTheReference(const Graph& graph, unsigned seed, bool mixes) {
  const std::vector<Tensor> inputs = randomInputs(graph, seed);
  const std::vector<Tensor> expected = runReference(graph, inputs);
  const Graph fused = rewritten(graph);
  const auto plain = makeCpuDevices({CpuSet({CpuSet::available().cpus().front()})});
  const auto expectOn = [&](Device& device, const Graph& which, bool compiled, const std::string& what) {
    const std::vector<Tensor> actual = runOn(device, which, inputs, {compiled, 1});
    ASSERT_EQ(actual.size(), expected.size()) << what;
    for (std::size_t i = 0; i < actual.size(); ++i) expectAlike(actual[i], expected[i], what);
  };
  expectOn(*plain.front(), fused, true, "compiled");
  expectOn(*plain.front(), graph, true, "without passes");
  expectOn(*plain.front(), graph, false, "eager");
  if (!mixes) return;
  for (unsigned turn : {1u, 2u}) {
    cpu::CpuDevice device = mixingForms(fused, seed * 3 + turn);
    expectOn(device, fused, true, "mixed forms");
  }
}

TEST(CpuRandomNetworks, SmallOnesOfAllSettingsGiveTheReferenceResult) {
  for (unsigned seed = 1; seed <= 400; ++seed) {
    const Graph graph = randomNetwork(seed, false);
    expectLikeTheReference(graph, seed, false);
    ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed << "\n" << describe(graph);
  }
}

TEST(CpuRandomNetworks, LargerOnesWithConvolutionsInMixedFormsGiveTheReferenceResult) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    const Graph graph = randomNetwork(seed, true);
    expectLikeTheReference(graph, seed, true);
    ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed << "\n" << describe(graph);
  }
}

} // namespace
} // namespace tandem
