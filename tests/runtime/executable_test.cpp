// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/executable.hpp"

#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/devices/simulated/simulated_device.hpp"
#include "engine/gallery/gallery.hpp"
#include "engine/runtime/execution_slot.hpp"
#include "tests/support/graphs.hpp"

#include <gtest/gtest.h>
#include <random>
#include <thread>

namespace tandem {
namespace {

Tensor randomTensor(const TensorDesc& desc, unsigned seed) {
  Tensor tensor = Tensor::uninitialized(desc);
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> values(-1, 1);
  for (float& element : tensor.mutableAs<float>()) element = values(random);
  return tensor;
}

double largestDifference(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.desc(), b.desc());
  double largest = 0;
  for (std::int64_t i = 0; i < a.elements(); ++i) largest = std::max(largest, std::abs(a.asDouble(i) - b.asDouble(i)));
  return largest;
}

class ExecutableTest : public testing::Test {
 protected:
  void SetUp() override {
    m_cpu = std::move(makeCpuDevices({}).front());
    m_gpu = std::move(*SimulatedDevice::create(simulatedPresets().front().id));
  }
  /// Compiles `graph` with node i on the GPU where `onGpu(i)`.
  Result<std::shared_ptr<const Executable>>
  compile(const Graph& graph, int batch, std::function<bool(std::size_t)> onGpu, CompileOptions options = {}) {
    BoundGraph bound = TANDEM_TRY(bindInputs(graph, batch));
    std::vector<Device*> deviceOf;
    for (std::size_t i = 0; i < graph.nodes().size(); ++i)
      deviceOf.push_back(onGpu(i) ? static_cast<Device*>(m_gpu.get()) : m_cpu.get());
    options.threads = 1;
    return Executable::compile(std::move(bound), std::move(deviceOf), *m_cpu, options);
  }
  Tensor runOnce(const std::shared_ptr<const Executable>& executable, const Tensor& input) {
    auto slot = executable->createSlot();
    EXPECT_TRUE(slot.ok()) << slot.error().line();
    EXPECT_TRUE((*slot)->setInputs(std::vector<Tensor>{input}).ok());
    auto times = (*slot)->run();
    EXPECT_TRUE(times.ok()) << times.error().line();
    return (*slot)->output(0).clone();
  }
  std::unique_ptr<Device> m_cpu;
  std::unique_ptr<SimulatedDevice> m_gpu;
};

bool nowhere(std::size_t) { return false; }

TEST_F(ExecutableTest, ProductsOfConstantsAreComputedWhileCompilingByTheHostsKernels) {
  const Tensor a = randomTensor({DataType::Float32, {1024, 256}}, 1),
               b = randomTensor({DataType::Float32, {256, 256}}, 2);
  for (bool onGpu : {false, true}) {
    Graph graph;
    graph.opset = 18;
    const ValueId x = graph.addInput("x", {DataType::Float32, {1024, 256}});
    const ValueId product = test::add(graph, "MatMul", {graph.addConstant("a", a), graph.addConstant("b", b)});
    graph.addOutput(test::add(graph, "Add", {x, product}));
    auto executable = compile(graph, 1, [&](std::size_t) { return onGpu; });
    ASSERT_TRUE(executable.ok()) << executable.error().line();
    ASSERT_EQ((*executable)->graph().nodes().size(), 1u);
    const Tensor zeros = Tensor::zeros({DataType::Float32, {1024, 256}});
    const Tensor y = runOnce(*executable, zeros);
    for (std::int64_t row : {0, 511, 1023}) {
      double expected = 0;
      for (std::int64_t k = 0; k < 256; ++k) expected += a.asDouble(row * 256 + k) * b.asDouble(k * 256 + 7);
      EXPECT_NEAR(y.asDouble(row * 256 + 7), expected, 1e-4);
    }
  }
}
bool everywhere(std::size_t) { return true; }
bool alternating(std::size_t node) { return node % 2 == 1; }

TEST_F(ExecutableTest, MixedPlacementsGiveTheSameResult) {
  const Graph graph = *buildSample("tiny_resnet");
  const auto reference = compile(graph, 2, nowhere);
  ASSERT_TRUE(reference.ok()) << reference.error().line();
  const Tensor input = randomTensor((*reference)->graph().value((*reference)->graph().inputs()[0]).desc, 7);
  const Tensor expected = runOnce(*reference, input);
  for (auto* onGpu : {everywhere, alternating}) {
    const auto mixed = compile(graph, 2, onGpu);
    ASSERT_TRUE(mixed.ok()) << mixed.error().line();
    EXPECT_LT(largestDifference(runOnce(*mixed, input), expected), 1e-5);
  }
}

TEST_F(ExecutableTest, EagerGivesTheSameResultAsCompiledWithoutFusing) {
  const Graph graph = *buildSample("tiny_resnet");
  CompileOptions eager;
  eager.compiled = false;
  const auto plain = compile(graph, 1, nowhere, eager);
  const auto compiled = compile(graph, 1, nowhere);
  ASSERT_TRUE(plain.ok() && compiled.ok());
  EXPECT_GT((*plain)->graph().nodes().size(), (*compiled)->graph().nodes().size());
  const Tensor input = randomTensor((*plain)->graph().value((*plain)->graph().inputs()[0]).desc, 3);
  EXPECT_LT(largestDifference(runOnce(*plain, input), runOnce(*compiled, input)), 1e-5);
}

TEST_F(ExecutableTest, NothingIsFusedAcrossDevices) {
  const Graph graph = *buildSample("mnist");
  const auto mixed = compile(graph, 1, alternating);
  ASSERT_TRUE(mixed.ok());
  for (const Node& node : (*mixed)->graph().nodes()) {
    std::set<bool> devices;
    for (NodeId origin : node.origins) devices.insert(alternating(origin.index()));
    EXPECT_EQ(devices.size(), 1u) << node.name;
  }
}

TEST_F(ExecutableTest, ATensorTravelsOncePerDestination) {
  // a is read by Neg and Add, both on the GPU: one upload. Abs is back on the CPU: one download.
  const auto mixed = compile(test::diamond(), 1, [](std::size_t node) { return node == 1 || node == 2; });
  ASSERT_TRUE(mixed.ok());
  int up = 0, down = 0;
  for (const PlannedTransfer& transfer : (*mixed)->transfers()) {
    up += transfer.to == m_gpu.get();
    down += transfer.from == m_gpu.get();
  }
  EXPECT_EQ(up, 1);
  EXPECT_EQ(down, 1);
}

TEST_F(ExecutableTest, SlotsRunAtTheSameTimeWithEqualResults) {
  const Graph graph = *buildSample("mnist");
  const auto executable = compile(graph, 1, alternating);
  ASSERT_TRUE(executable.ok());
  const Tensor input = randomTensor((*executable)->graph().value((*executable)->graph().inputs()[0]).desc, 5);
  const Tensor expected = runOnce(*executable, input);
  std::vector<std::thread> threads;
  std::atomic<int> different{0};
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i)
        if (largestDifference(runOnce(*executable, input), expected) != 0) ++different;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(different, 0);
}

TEST_F(ExecutableTest, DataDependentShapesAreComputedOnTheHost) {
  Graph graph;
  const ValueId x = graph.addInput("x", {DataType::Float32, {5}});
  graph.addOutput(test::add(graph, "NonZero", {test::add(graph, "Relu", {x})}));
  const auto executable = compile(graph, 1, nowhere);
  ASSERT_TRUE(executable.ok()) << executable.error().line();
  const Tensor indices = runOnce(*executable, Tensor::of<float>({5}, {-1, 2, 0, 3, -4}));
  EXPECT_EQ(indices.desc(), (TensorDesc{DataType::Int64, {1, 2}}));
  EXPECT_EQ(indices.toInts(), (std::vector<std::int64_t>{1, 3}));
}

TEST_F(ExecutableTest, ADeviceThatFailsEndsTheRunWithItsError) {
  const auto executable = compile(test::diamond(), 1, everywhere);
  ASSERT_TRUE(executable.ok());
  auto slot = (*executable)->createSlot();
  ASSERT_TRUE(slot.ok());
  m_gpu->failures().loseDevice();
  auto times = (*slot)->run();
  ASSERT_FALSE(times.ok());
  EXPECT_EQ(times.error().code, ErrorCode::DeviceFailed);
  m_gpu->failures().clear();
  EXPECT_TRUE((*slot)->run().ok()); // and the slot works again
}

TEST_F(ExecutableTest, RunningOutOfDeviceMemoryIsAnError) {
  const auto executable = compile(test::diamond(), 1, everywhere);
  ASSERT_TRUE(executable.ok());
  m_gpu->failures().limitMemory(1);
  auto slot = (*executable)->createSlot();
  ASSERT_FALSE(slot.ok());
  EXPECT_EQ(slot.error().code, ErrorCode::DeviceFailed);
}

TEST_F(ExecutableTest, CancelStopsARun) {
  const auto executable = compile(test::diamond(), 1, alternating);
  ASSERT_TRUE(executable.ok());
  auto slot = (*executable)->createSlot();
  CancelToken cancel;
  cancel.cancel();
  auto times = (*slot)->run(cancel);
  ASSERT_FALSE(times.ok());
  EXPECT_EQ(times.error().code, ErrorCode::Cancelled);
}

TEST_F(ExecutableTest, ATracedRunRecordsEveryNodeOfTheOpenedGraph) {
  const Graph graph = *buildSample("mnist");
  CompileOptions eager;
  eager.compiled = false;
  const auto executable = compile(graph, 1, alternating, eager);
  ASSERT_TRUE(executable.ok());
  auto slot = (*executable)->createSlot();
  TraceRecorder recorder;
  (*slot)->setTrace(&recorder, "replica ", 1);
  ASSERT_TRUE((*slot)->run().ok());
  std::set<NodeId> seen;
  int transfers = 0;
  for (const auto& track : recorder.copy().tracks)
    for (const TraceEvent& event : track.events) {
      EXPECT_LE(event.startNs, event.endNs);
      if (event.kind == TraceKind::Kernel) seen.insert(event.node);
      transfers += event.kind == TraceKind::Transfer;
    }
  for (const KernelUse& use : (*executable)->kernels()) EXPECT_TRUE(seen.contains(use.openedNodes.front()));
  EXPECT_GT(transfers, 0);
}

} // namespace
} // namespace tandem
