// SPDX-License-Identifier: GPL-3.0-or-later
// A model of open sizes that meets another one with nearly every request, in one replica and in two at once.
#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/runtime/variant_cache.hpp"
#include "tests/support/graphs.hpp"

#include <array>
#include <fstream>
#include <gtest/gtest.h>
#include <numeric>
#include <random>
#include <thread>

namespace tandem {
namespace {

using Ints = std::vector<std::int64_t>;

Tensor randomTensor(Shape shape, unsigned seed, float scale) {
  Tensor tensor = Tensor::uninitialized({DataType::Float32, std::move(shape)});
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> values(-scale, scale);
  for (float& element : tensor.mutableAs<float>()) element = values(random);
  return tensor;
}

/// Weights as a reader gives them: nobody writes to them.
ValueId weights(Graph& graph, Shape shape, unsigned seed) {
  const float scale = 1 / std::sqrt(static_cast<float>(shape.elements() / shape[0]));
  Tensor tensor = randomTensor(std::move(shape), seed, scale);
  tensor.freeze();
  return graph.addConstant({}, std::move(tensor));
}

Attributes attributes(std::initializer_list<std::pair<std::string, Attribute>> entries) {
  Attributes result;
  for (const auto& [name, value] : entries) result.set(name, value);
  return result;
}

/// Any number of pictures of any height and width.
Graph pictures() {
  Graph graph;
  graph.opset = 18;
  ValueId x = graph.addInput("x", {DataType::Float32, {kUnknownDim, 3, kUnknownDim, kUnknownDim}});
  const auto conv = [&](ValueId from, Shape shape, std::int64_t stride, std::int64_t pad, std::int64_t group) {
    const ValueId w = weights(graph, shape, static_cast<unsigned>(graph.nodes().size()));
    return test::add(graph, "Conv", {from, w},
                     attributes({{"strides", Ints{stride, stride}}, {"pads", Ints(4, pad)}, {"group", group}}));
  };
  x = test::add(graph, "Relu", {conv(x, {32, 3, 3, 3}, 2, 1, 1)});
  const ValueId a = test::add(graph, "Relu", {conv(x, {32, 32, 3, 3}, 1, 1, 1)});
  x = test::add(graph, "Add", {a, conv(x, {32, 1, 3, 3}, 1, 1, 32)});
  x = test::add(graph, "Concat", {x, conv(a, {16, 32, 1, 1}, 1, 0, 1)}, attributes({{"axis", std::int64_t{1}}}));
  x = test::add(graph, "GlobalAveragePool", {test::add(graph, "Sigmoid", {x})});
  x = test::add(graph, "Flatten", {x});
  graph.addOutput(test::add(graph, "Gemm", {x, weights(graph, {48, 10}, 99)}));
  return graph;
}

/// Any number of sequences of any length: self-attention with one head, then an LSTM.
Graph sequences() {
  Graph graph;
  graph.opset = 18;
  const ValueId x = graph.addInput("x", {DataType::Float32, {kUnknownDim, kUnknownDim, 24}});
  const auto project = [&](unsigned seed) { return test::add(graph, "MatMul", {x, weights(graph, {24, 24}, seed)}); };
  const ValueId keys = test::add(graph, "Transpose", {project(1)}, attributes({{"perm", Ints{0, 2, 1}}}));
  ValueId y = test::add(graph, "Softmax", {test::add(graph, "MatMul", {project(2), keys})},
                        attributes({{"axis", std::int64_t{-1}}}));
  y = test::add(graph, "Add", {x, test::add(graph, "MatMul", {y, project(3)})});
  y = test::add(graph, "Transpose", {y}, attributes({{"perm", Ints{1, 0, 2}}}));
  y = test::add(graph, "LSTM", {y, weights(graph, {1, 80, 24}, 4), weights(graph, {1, 80, 20}, 5)},
                attributes({{"hidden_size", std::int64_t{20}}}));
  graph.addOutput(test::add(graph, "Tanh", {y}));
  return graph;
}

class ChangingShapes : public testing::Test {
 protected:
  ChangingShapes() : m_folder(std::filesystem::path(testing::TempDir()) / "changing_shapes") {
    std::filesystem::remove_all(m_folder);
    m_cpu = std::move(makeCpuDevices({}, m_folder).front());
  }
  ~ChangingShapes() override { std::filesystem::remove_all(m_folder); }

  VariantCache cacheOf(const Graph& graph, bool compiled) {
    return VariantCache(
        graph,
        [this, &graph, compiled](std::span<const Tensor> inputs) -> Result<std::shared_ptr<const Executable>> {
          CompileOptions options;
          options.compiled = compiled;
          options.threads = 1;
          BoundGraph bound = TANDEM_TRY(bindTensors(graph, inputs));
          std::vector<Device*> onCpu(graph.nodes().size(), m_cpu.get());
          return Executable::compile(std::move(bound), std::move(onCpu), *m_cpu, options);
        },
        compiled ? VariantCache::kDefaultLimit : 1);
  }

  /// One replica: every request runs in the cache of variants and, eager, in one that keeps nothing.
  void serve(const Graph& graph, const std::vector<Shape>& shapes, unsigned seed) {
    VariantCache cache = cacheOf(graph, true), fresh = cacheOf(graph, false);
    std::vector<std::size_t> order(shapes.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::shuffle(order.begin(), order.end(), std::mt19937(seed));
    for (std::size_t index : order) {
      const std::vector<Tensor> inputs{randomTensor(shapes[index], seed++, 1)};
      const Tensor actual = run(cache, inputs), expected = run(fresh, inputs);
      ASSERT_EQ(actual.desc(), expected.desc());
      for (std::int64_t i = 0; i < actual.elements(); ++i)
        ASSERT_NEAR(actual.asDouble(i), expected.asDouble(i), 1e-4) << shapes[index].toString() << " element " << i;
      ASSERT_LE(cache.held(), VariantCache::kDefaultLimit);
    }
    EXPECT_EQ(cache.dropped(), cache.compiled() - cache.held());
  }

  static Tensor run(VariantCache& cache, const std::vector<Tensor>& inputs) {
    auto slot = cache.slotFor(inputs);
    EXPECT_TRUE(slot.ok()) << slot.error().line();
    EXPECT_TRUE((*slot)->setInputs(inputs).ok());
    auto times = (*slot)->run();
    EXPECT_TRUE(times.ok()) << times.error().line();
    return (*slot)->output(0).clone();
  }

  std::filesystem::path m_folder;
  std::unique_ptr<Device> m_cpu;
};

std::vector<Shape> pictureShapes(std::size_t count) {
  std::mt19937 random(11);
  std::vector<Shape> shapes{{1, 3, 1, 1}, {2, 3, 1, 40}, {1, 3, 41, 1}};
  while (shapes.size() < count) {
    const auto size = [&](unsigned most) { return static_cast<std::int64_t>(1 + random() % most); };
    shapes.push_back({size(4), 3, size(33), size(37)});
  }
  return shapes;
}

std::vector<Shape> sequenceShapes(std::size_t count) {
  std::mt19937 random(12);
  std::vector<Shape> shapes;
  while (shapes.size() < count)
    shapes.push_back({static_cast<std::int64_t>(1 + random() % 5), static_cast<std::int64_t>(1 + random() % 70), 24});
  return shapes;
}

TEST_F(ChangingShapes, PicturesOfEverySizeGiveTheirResultsInOneReplicaAndInTwo) {
  const Graph graph = pictures();
  serve(graph, pictureShapes(200), 1);
  std::thread other([&] { serve(graph, pictureShapes(60), 2); });
  serve(graph, pictureShapes(60), 3);
  other.join();
}

TEST_F(ChangingShapes, SequencesOfEveryLengthGiveTheirResultsInOneReplicaAndInTwo) {
  const Graph graph = sequences();
  serve(graph, sequenceShapes(200), 1);
  std::thread other([&] { serve(graph, sequenceShapes(60), 2); });
  serve(graph, sequenceShapes(60), 3);
  other.join();
}

/// The bytes of all distinct prepared weights of these executables.
std::int64_t weightBytes(const std::vector<std::shared_ptr<const Executable>>& executables) {
  std::map<const void*, std::int64_t> pieces;
  for (const auto& each : executables)
    for (const auto& [piece, bytes] : each->memory().front().pieces) pieces[piece] = bytes;
  return std::accumulate(pieces.begin(), pieces.end(), std::int64_t{0},
                         [](std::int64_t sum, const auto& piece) { return sum + piece.second; });
}

TEST_F(ChangingShapes, VariantsShareTheirWeights) {
  const std::pair<Graph, std::vector<Shape>> cases[] = {{pictures(), pictureShapes(40)},
                                                        {sequences(), sequenceShapes(40)}};
  for (const auto& [graph, shapes] : cases) {
    std::vector<std::shared_ptr<const Executable>> variants;
    std::int64_t largest = 0;
    for (const Shape& shape : shapes) {
      const std::vector<Tensor> inputs{randomTensor(shape, 1, 1)};
      auto bound = bindTensors(graph, inputs);
      ASSERT_TRUE(bound.ok());
      CompileOptions options;
      options.threads = 1;
      auto executable = Executable::compile(std::move(*bound), std::vector<Device*>(graph.nodes().size(), m_cpu.get()),
                                            *m_cpu, options);
      ASSERT_TRUE(executable.ok()) << executable.error().line();
      variants.push_back(*executable);
      largest = std::max(largest, weightBytes({*executable}));
    }
    // Shapes may want different layouts, but there are only a few of those.
    EXPECT_LE(weightBytes(variants), 4 * largest);
  }
}

} // namespace
} // namespace tandem
