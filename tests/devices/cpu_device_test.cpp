// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/ops/op_def.hpp"

#include "tests/devices/cpu_support.hpp"

#include <cstring>
#include <gmock/gmock.h>
#include <sched.h>
#include <thread>

namespace tandem {
namespace {

using namespace test;
using Ints = std::vector<std::int64_t>;

CpuSet firstCore() { return CpuSet({CpuSet::available().cpus().front()}); }

/// conv, relu, concat, pool, flatten, gemm-like product: several layouts in one graph.
Graph smallNet(std::int64_t batch) {
  GraphMaker maker(3);
  const ValueId x = maker.input({batch, 3, 16, 16});
  const ValueId a = maker.node("Conv", {x, maker.weights({16, 3, 3, 3}), maker.weights({16})},
                               attributes({{"pads", Ints{1, 1, 1, 1}}}));
  const ValueId r = maker.node("Relu", {a});
  const ValueId b = maker.node("Conv", {r, maker.weights({16, 16, 1, 1})});
  const ValueId p = maker.node("MaxPool", {b}, attributes({{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}}));
  maker.finish({maker.node("Softmax", {p}, attributes({{"axis", std::int64_t{1}}}))});
  return std::move(maker.graph);
}

TEST(CpuDevices, OneDevicePerCoreSet) {
  const auto all = makeCpuDevices({});
  ASSERT_EQ(all.size(), 1u);
  const DeviceInfo& info = all.front()->info();
  EXPECT_EQ(info.id, "CPU:0");
  EXPECT_EQ(info.cores, CpuSet::available());
  EXPECT_EQ(info.computeUnits, CpuSet::available().count());
  EXPECT_FALSE(info.name.empty());
  EXPECT_THAT(info.driver, testing::StartsWith("oneDNN "));
  EXPECT_GT(info.memoryBytes, 0);
  EXPECT_TRUE(info.unifiedMemory);

  const auto two = makeCpuDevices({firstCore(), CpuSet({CpuSet::available().cpus().back()})});
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[1]->id(), "CPU:1");
  EXPECT_EQ(two[1]->info().cores.count(), 1);
}

TEST(CpuDevice, SupportsWhatTheOperatorsKnowAndSaysWhyNot) {
  const auto devices = makeCpuDevices({});
  Graph graph;
  Node node;
  node.name = "strange";
  node.type = "NoSuchOperator";
  node.outputs = {graph.addValue({})};
  const NodeId strange = graph.addNode(node);
  node.name = "relu";
  node.type = "Relu";
  node.inputs = {graph.addInput("x", {DataType::Float32, {2}})};
  node.outputs = {graph.addValue({})};
  const NodeId relu = graph.addNode(node);
  node.name = "strings";
  node.inputs = {graph.addInput("s", {DataType::String, {2}})};
  node.outputs = {graph.addValue({})};
  const NodeId strings = graph.addNode(node);
  EXPECT_EQ(devices[0]->supports(graph, strange).reason, MoveReason::UnsupportedOp);
  EXPECT_TRUE(devices[0]->supports(graph, relu).ok());
  EXPECT_EQ(devices[0]->supports(graph, strings).reason, MoveReason::UnsupportedType);
}

TEST(CpuDevice, EveryKnownOperatorIsSupported) {
  const auto devices = makeCpuDevices({});
  for (const OpDef* def : allOps()) {
    Graph graph;
    Node node;
    node.name = "n";
    node.type = std::string(def->type);
    node.domain = std::string(def->domain);
    node.outputs = {graph.addValue({})};
    EXPECT_TRUE(devices[0]->supports(graph, graph.addNode(node)).ok()) << def->type;
  }
}

TEST(CpuDevice, RefusesAnAllocationLargerThanTheMachine) {
  const auto devices = makeCpuDevices({});
  const auto buffer = devices[0]->allocate(std::size_t{1} << 60);
  ASSERT_FALSE(buffer.ok());
  EXPECT_EQ(buffer.error().code, ErrorCode::DeviceFailed);
  EXPECT_EQ(buffer.error().where, "CPU:0");
}

TEST(CpuDevice, BuffersAreAlignedHostMemory) {
  const auto devices = makeCpuDevices({});
  const auto buffer = std::move(devices[0]->allocate(100)).value();
  EXPECT_EQ(buffer->bytes(), 100u);
  EXPECT_EQ(&buffer->device(), devices[0].get());
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer->hostData()) % 64, 0u);
  const auto stream = std::move(devices[0]->createStream({})).value();
  const std::string text = "tandem";
  std::string back(text.size(), ' ');
  ASSERT_TRUE(stream->write(*buffer, text.data(), text.size()).ok());
  ASSERT_TRUE(stream->read(*buffer, back.data(), back.size()).ok());
  ASSERT_TRUE(stream->finish().ok());
  EXPECT_EQ(back, text);
}

TEST(CpuStream, PinsTheAttachedThread) {
  const auto devices = makeCpuDevices({firstCore()});
  const auto stream = std::move(devices[0]->createStream({})).value();
  CpuSet seen;
  std::thread([&] {
    stream->attachCurrentThread();
    seen = CpuSet::available();
  }).join();
  EXPECT_EQ(seen, firstCore());
}

TEST(CpuStream, WorksUnattachedAndLeavesTheCallerUnpinned) {
  const auto devices = makeCpuDevices({firstCore()});
  const CpuSet before = CpuSet::available();
  const Graph graph = smallNet(1);
  const std::vector<Tensor> inputs = randomInputs(graph, 5);
  const auto actual = runOn(*devices[0], graph, inputs);
  ASSERT_EQ(actual.size(), 1u);
  expectNear(actual[0], runReference(graph, inputs)[0], 1e-4, "output");
  EXPECT_EQ(CpuSet::available(), before);
}

TEST(CpuProgram, EagerEqualsCompiled) {
  const Graph graph = smallNet(3);
  expectLikeReference(graph);
}

TEST(CpuProgram, UsesAsManyThreadsAsAskedFor) {
  const auto devices = makeCpuDevices({});
  const Graph graph = smallNet(3);
  const std::vector<Tensor> inputs = randomInputs(graph, 5);
  const auto actual = runOn(*devices[0], graph, inputs, {true, 0});
  ASSERT_EQ(actual.size(), 1u);
  expectNear(actual[0], runReference(graph, inputs)[0], 1e-4, "output");
}

TEST(CpuProgram, InstancesRunAtTheSameTimeWithEqualResults) {
  const auto devices = makeCpuDevices({});
  Device& device = *devices[0];
  const Graph graph = smallNet(1);
  const auto program = compileWhole(device, graph);
  const std::vector<Tensor> inputs = randomInputs(graph, 9);
  constexpr int kInstances = 2;
  std::array<std::vector<Tensor>, kInstances> outputs;
  std::vector<std::thread> threads;
  for (int i = 0; i < kInstances; ++i)
    threads.emplace_back([&, i] {
      Bound bound = bindBuffers(device, graph, *program, inputs);
      const auto stream = std::move(device.createStream({1})).value();
      if (i == 0) stream->attachCurrentThread();
      for (int run = 0; run < 50; ++run) ASSERT_TRUE(bound.instance->run(*stream).ok());
      outputs[static_cast<std::size_t>(i)] = results(graph, bound);
    });
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(outputs[0][0].bytes(), outputs[1][0].bytes());
  EXPECT_EQ(std::memcmp(outputs[0][0].data(), outputs[1][0].data(), outputs[0][0].bytes()), 0);
}

TEST(CpuProgram, TracesOneEventPerNodeUnderTheOpenedNodesId) {
  const auto devices = makeCpuDevices({});
  Graph graph = smallNet(1);
  for (std::size_t i = 0; i < graph.nodes().size(); ++i)
    graph.node(NodeId(static_cast<std::uint32_t>(i))).origins = {NodeId(static_cast<std::uint32_t>(100 + i))};
  const auto program = compileWhole(*devices[0], graph);
  Bound bound = bindBuffers(*devices[0], graph, *program, randomInputs(graph, 1));
  const auto stream = std::move(devices[0]->createStream({1})).value();
  TraceRecorder recorder;
  TraceWriter* writer = recorder.addTrack("CPU:0");
  ASSERT_TRUE(bound.instance->run(*stream).ok());
  stream->setTrace(&recorder, writer, 42);
  ASSERT_TRUE(bound.instance->run(*stream).ok());
  stream->setTrace(nullptr, nullptr, 0);
  ASSERT_TRUE(bound.instance->run(*stream).ok());
  const auto copy = recorder.copy();
  ASSERT_EQ(copy.tracks.size(), 1u);
  const auto& events = copy.tracks[0].events;
  ASSERT_EQ(events.size(), graph.nodes().size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].node, NodeId(static_cast<std::uint32_t>(100 + i)));
    EXPECT_EQ(events[i].request, 42u);
    EXPECT_LE(events[i].startNs, events[i].endNs);
    EXPECT_EQ(copy.labels[events[i].label], graph.nodes()[i].type + "  " + graph.nodes()[i].name);
  }
}

TEST(CpuProgram, ReportsItsMemory) {
  const auto devices = makeCpuDevices({});
  const Graph graph = smallNet(1);
  const auto program = compileWhole(*devices[0], graph);
  const std::int64_t parameters = (16 * 3 * 9 + 16 + 16 * 16) * 4;
  EXPECT_GE(program->memory().weightsBytes, parameters);
  EXPECT_LT(program->memory().weightsBytes, 2 * parameters); // no second copy
  EXPECT_GE(program->memory().activationsBytes, 16 * 16 * 16 * 4);
}

TEST(CpuProgram, RefusesBuffersThatAreTooSmall) {
  const auto devices = makeCpuDevices({});
  const Graph graph = smallNet(1);
  const auto program = compileWhole(*devices[0], graph);
  const auto small = std::move(devices[0]->allocate(4)).value();
  Buffer* buffers[] = {small.get()};
  EXPECT_FALSE(program->instantiate(buffers, buffers).ok());
}

TEST(CpuProgram, RefusesFloat16WhichThisDeviceDoesNotHave) {
  const auto devices = makeCpuDevices({});
  const Graph graph = smallNet(1);
  Segment segment{&graph, topologicalOrder(graph), graph.inputs(), graph.outputs()};
  ProgramOptions options;
  options.precision = Precision::Float16;
  EXPECT_FALSE(devices[0]->info().halfWeights);
  const auto program = devices[0]->compile(segment, options);
  ASSERT_FALSE(program.ok());
  EXPECT_EQ(program.error().code, ErrorCode::Unsupported);
  EXPECT_EQ(program.error().where, devices[0]->id());
}

TEST(CpuProgram, StopsCompilingWhenCancelled) {
  const auto devices = makeCpuDevices({});
  const Graph graph = smallNet(1);
  Segment segment{&graph, topologicalOrder(graph), graph.inputs(), graph.outputs()};
  ProgramOptions options;
  options.cancel.cancel();
  const auto program = devices[0]->compile(segment, options);
  ASSERT_FALSE(program.ok());
  EXPECT_EQ(program.error().code, ErrorCode::Cancelled);
}

TEST(CpuDevice, ProbesItsSpeed) {
  const auto devices = makeCpuDevices({firstCore()});
  const auto probe = devices[0]->probe({});
  ASSERT_TRUE(probe.ok());
  EXPECT_GT(probe->gflops, 0.1);
  EXPECT_GT(probe->memoryGbPerS, 0.1);
  EXPECT_GT(probe->launchUs, 0);
  EXPECT_GT(probe->roundTripUs, 0);
}

} // namespace
} // namespace tandem
