// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/variant_cache.hpp"

#include "engine/devices/cpu/cpu_devices.hpp"
#include "tests/support/graphs.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

class VariantCacheTest : public testing::Test {
 protected:
  void SetUp() override { m_cpu = std::move(makeCpuDevices({}).front()); }
  VariantCache cacheOf(const Graph& graph, std::size_t limit) {
    return VariantCache(
        graph,
        [this, &graph](std::span<const Tensor> inputs) -> Result<std::shared_ptr<const Executable>> {
          BoundGraph bound = TANDEM_TRY(bindTensors(graph, inputs));
          std::vector<Device*> onCpu(graph.nodes().size(), m_cpu.get());
          CompileOptions options;
          options.threads = 1;
          auto executable = TANDEM_TRY(Executable::compile(std::move(bound), std::move(onCpu), *m_cpu, options));
          m_made.push_back(executable);
          return executable;
        },
        limit);
  }
  static Tensor rows(std::int64_t count) { return Tensor::zeros({DataType::Float32, {count, 4}}); }
  Tensor run(VariantCache& cache, const std::vector<Tensor>& inputs) {
    auto slot = cache.slotFor(inputs);
    EXPECT_TRUE(slot.ok()) << slot.error().line();
    EXPECT_TRUE((*slot)->setInputs(inputs).ok());
    auto times = (*slot)->run();
    EXPECT_TRUE(times.ok()) << times.error().line();
    return (*slot)->output(0).clone();
  }
  std::unique_ptr<Device> m_cpu;
  std::vector<std::weak_ptr<const Executable>> m_made;
};

TEST_F(VariantCacheTest, CompilesOncePerShape) {
  const Graph graph = test::diamond();
  VariantCache cache = cacheOf(graph, 8);
  for (int round = 0; round < 3; ++round)
    for (std::int64_t count : {1, 5, 2}) EXPECT_EQ(run(cache, {rows(count)}).shape(), (Shape{count, 4}));
  EXPECT_EQ(cache.compiled(), 3u);
  EXPECT_EQ(cache.held(), 3u);
  EXPECT_EQ(cache.dropped(), 0u);
}

TEST_F(VariantCacheTest, DropsTheLeastRecentlyUsedVariantWithItsWeights) {
  const Graph graph = test::diamond();
  VariantCache cache = cacheOf(graph, 2);
  run(cache, {rows(1)});
  run(cache, {rows(2)});
  run(cache, {rows(1)}); // now 2 is the older one
  run(cache, {rows(3)});
  ASSERT_EQ(m_made.size(), 3u);
  EXPECT_FALSE(m_made[0].expired());
  EXPECT_TRUE(m_made[1].expired());
  EXPECT_FALSE(m_made[2].expired());
  run(cache, {rows(2)});
  EXPECT_EQ(cache.compiled(), 4u);
  EXPECT_EQ(cache.held(), 2u);
}

TEST_F(VariantCacheTest, TellsInputsApartThatSteerShapes) {
  Graph graph;
  graph.opset = 18;
  const ValueId x = graph.addInput("x", {DataType::Float32, {kUnknownDim}});
  const ValueId shape = graph.addInput("shape", {DataType::Int64, {2}});
  graph.addOutput(test::add(graph, "Reshape", {x, shape}));
  VariantCache cache = cacheOf(graph, 8);
  const Tensor data = Tensor::zeros({DataType::Float32, {6}});
  EXPECT_EQ(run(cache, {data, Tensor::of<std::int64_t>({2}, {2, 3})}).shape(), (Shape{2, 3}));
  EXPECT_EQ(run(cache, {data, Tensor::of<std::int64_t>({2}, {3, 2})}).shape(), (Shape{3, 2}));
  EXPECT_EQ(run(cache, {data, Tensor::of<std::int64_t>({2}, {2, 3})}).shape(), (Shape{2, 3}));
  EXPECT_EQ(cache.compiled(), 2u);
}

TEST_F(VariantCacheTest, AFailureToCompileLeavesTheOthersUsable) {
  const Graph graph = test::diamond();
  VariantCache cache = cacheOf(graph, 2);
  run(cache, {rows(1)});
  EXPECT_FALSE(cache.slotFor(std::vector<Tensor>{Tensor::zeros({DataType::Float32, {1, 5}})}).ok());
  run(cache, {rows(1)});
  EXPECT_EQ(cache.compiled(), 1u);
}

} // namespace
} // namespace tandem
