// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/host_runner.hpp"

#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/runtime/execution_slot.hpp"
#include "tests/support/control_graphs.hpp"

#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

namespace tandem {
namespace {

using namespace test;
using testing::Each;
using testing::ElementsAre;

std::vector<float> valuesOf(const Tensor& tensor) { return {tensor.as<float>().begin(), tensor.as<float>().end()}; }
Tensor floats(std::initializer_list<float> values) {
  return Tensor::of<float>({static_cast<std::int64_t>(values.size())}, values);
}

class HostRunnerTest : public testing::Test {
 protected:
  HostRunnerTest() : m_cpu(std::move(makeCpuDevices({}).front())), m_runner(*m_cpu, 1, true) {}
  std::vector<Tensor> run(const Graph& graph, const std::vector<Tensor>& inputs, std::uint32_t node = 0) {
    auto outputs = m_runner.run(graph, NodeId(node), inputs, {});
    EXPECT_TRUE(outputs.ok()) << outputs.error().line();
    return outputs.ok() ? *outputs : std::vector<Tensor>(2, floats({}));
  }
  Result<std::unique_ptr<ExecutionSlot>> slotOf(const Graph& graph, const std::vector<Tensor>& inputs) {
    BoundGraph bound = TANDEM_TRY(bindTensors(graph, inputs));
    std::vector<Device*> devices(bound.graph.nodes().size(), m_cpu.get());
    auto executable = TANDEM_TRY(Executable::compile(std::move(bound), std::move(devices), *m_cpu, {}));
    auto slot = TANDEM_TRY(executable->createSlot());
    TANDEM_TRY(slot->setInputs(inputs));
    return slot;
  }
  std::unique_ptr<Device> m_cpu;
  HostRunner m_runner;
};

TEST_F(HostRunnerTest, CompilesABodyWhenItMeetsItsShapesAgain) {
  const Graph graph = powers(5);
  const std::vector<Tensor> inputs{Tensor::scalar<std::int64_t>(5), Tensor::scalar(true), floats({1, 2}),
                                   floats({2, 3})};
  const auto outputs = run(graph, inputs);
  EXPECT_THAT(valuesOf(outputs[0]), ElementsAre(32, 486));
  EXPECT_EQ(m_runner.compiledParts(), 1u);
  // What one iteration gave must survive the next, which runs in the same memory.
  EXPECT_THAT(valuesOf(outputs[1]), ElementsAre(2, 6, 4, 18, 8, 54, 16, 162, 32, 486));
}

TEST_F(HostRunnerTest, KeepsABoundedNumberOfCompiledParts) {
  const Graph graph = conditional();
  for (int length = 1; length <= 40; ++length)
    for (int again = 0; again < 2; ++again) {
      const Tensor x = Tensor::zeros({DataType::Float32, {length}});
      EXPECT_THAT(valuesOf(run(graph, {Tensor::scalar(true), x})[0]), Each(0.0f));
    }
  EXPECT_LE(m_runner.compiledParts(), 16u);
}

TEST_F(HostRunnerTest, CompilesACostlyNodeForTheShapesItMeets) {
  Graph graph;
  graph.opset = 18;
  const ValueId a = graph.addInput("a", {DataType::Float32, {kUnknownDim, 64}});
  Tensor weights = Tensor::zeros({DataType::Float32, {64, 64}});
  for (std::size_t i = 0; i < 64; ++i) weights.mutableAs<float>()[i * 65] = 2;
  graph.addOutput(add(graph, "MatMul", {a, graph.addConstant("w", weights)}));
  Tensor x = Tensor::zeros({DataType::Float32, {100, 64}});
  for (float& value : x.mutableAs<float>()) value = 3;
  EXPECT_THAT(valuesOf(run(graph, {x, weights})[0]), Each(6.0f));
  EXPECT_EQ(m_runner.compiledParts(), 1u);
  Tensor small = Tensor::zeros({DataType::Float32, {1, 64}});
  run(graph, {small, weights});
  EXPECT_EQ(m_runner.compiledParts(), 1u) << "not worth compiling";
}

TEST_F(HostRunnerTest, RunsControlFlowInsideAnExecutable) {
  const std::vector<Tensor> inputs{Tensor::scalar(false), floats({1, 2, 3})};
  auto slot = slotOf(conditional(), inputs);
  ASSERT_TRUE(slot.ok()) << slot.error().line();
  for (int again = 0; again < 3; ++again) {
    ASSERT_TRUE((*slot)->run().ok());
    EXPECT_THAT(valuesOf((*slot)->output(0)), ElementsAre(-1, -2, -3));
  }
}

TEST_F(HostRunnerTest, WeightsInsideSubgraphsAreCounted) {
  Graph body;
  body.opset = 18;
  const ValueId weights = body.addConstant("w", Tensor::zeros({DataType::Float32, {1000}}));
  body.addOutput(add(body, "Neg", {weights}));
  Graph graph;
  graph.opset = 18;
  const ValueId condition = graph.addInput("condition", {DataType::Bool, Shape{}});
  Attributes attributes;
  attributes.set("then_branch", share(body)); // both branches hold the same weights
  attributes.set("else_branch", share(std::move(body)));
  graph.addOutput(addControl(graph, "If", {condition}, {}, std::move(attributes), 1)[0]);
  BoundGraph bound = *bindInputs(graph, 1);
  auto executable = Executable::compile(std::move(bound), {m_cpu.get()}, *m_cpu, {});
  ASSERT_TRUE(executable.ok()) << executable.error().line();
  ASSERT_EQ((*executable)->memory().size(), 1u);
  EXPECT_EQ((*executable)->memory()[0].weightsBytes, 4000);
}

TEST_F(HostRunnerTest, AnEndlessLoopStopsSoonAfterItsCancellation) {
  auto slot = slotOf(powers(std::nullopt), {floats({1, 2}), floats({1, 1})});
  ASSERT_TRUE(slot.ok()) << slot.error().line();
  const CancelToken cancel;
  std::atomic<bool> done{false};
  std::optional<Result<RunTimes>> result;
  std::thread worker([&] {
    result = (*slot)->run(cancel);
    done = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50)); // it must be seen running before it is stopped
  EXPECT_FALSE(done);
  cancel.cancel();
  worker.join();
  ASSERT_FALSE(result->ok());
  EXPECT_EQ(result->error().code, ErrorCode::Cancelled);
}

TEST_F(HostRunnerTest, ACompiledSegmentStopsBetweenTwoKernels) {
  constexpr int kLayers = 1000;
  const Shape square{256, 256};
  Graph graph;
  graph.opset = 18;
  ValueId state = graph.addInput("x", {DataType::Float32, square});
  const ValueId weights = graph.addConstant("w", Tensor::zeros({DataType::Float32, square}));
  for (int i = 0; i < kLayers; ++i) state = add(graph, "MatMul", {state, weights});
  graph.addOutput(state);
  auto slot = slotOf(graph, {Tensor::zeros({DataType::Float32, square})});
  ASSERT_TRUE(slot.ok()) << slot.error().line();
  TraceRecorder trace;
  (*slot)->setTrace(&trace, "", 1);
  const auto kernels = [&] {
    std::size_t count = 0;
    for (const TraceRecorder::Track& track : trace.copy().tracks) count += track.events.size();
    return count;
  };
  const CancelToken cancel;
  std::optional<Result<RunTimes>> result;
  std::thread worker([&] { result = (*slot)->run(cancel); });
  while (kernels() == 0) std::this_thread::yield();
  cancel.cancel();
  worker.join();
  ASSERT_FALSE(result->ok()) << "all " << kernels() << " kernels ran";
  EXPECT_EQ(result->error().code, ErrorCode::Cancelled);
  EXPECT_LT(kernels(), std::size_t{kLayers});
  // The slot is good for another run.
  EXPECT_TRUE((*slot)->run().ok());
}

} // namespace
} // namespace tandem
