// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/roofline.hpp"
#include "engine/devices/simulated/simulated_device.hpp"
#include "engine/ops/shape_inference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

using namespace tandem;
using testing::HasSubstr;

namespace {

/// x -> Relu -> Relu on one device, with its buffers.
class Chain {
 public:
  explicit Chain(SimulatedDevice& device, int nodes = 2, std::int64_t elements = 1 << 16) : m_device(device) {
    const TensorDesc desc{DataType::Float32, Shape{elements}};
    ValueId last = m_graph.addInput("x", desc);
    m_segment.inputs = {last};
    for (int i = 0; i < nodes; ++i) {
      Node node;
      node.name = "relu_" + std::to_string(i);
      node.type = "Relu";
      node.version = 14;
      node.inputs = {last};
      node.outputs = {last = m_graph.addValue({})};
      m_segment.nodes.push_back(m_graph.addNode(std::move(node)));
    }
    m_graph.addOutput(last);
    m_segment.outputs = {last};
    m_segment.graph = &m_graph;
    EXPECT_TRUE(inferShapes(m_graph).ok());
    m_bytes = static_cast<std::size_t>(desc.bytes());
  }

  Result<void> prepare() {
    m_in = TANDEM_TRY(m_device.allocate(m_bytes));
    m_out = TANDEM_TRY(m_device.allocate(m_bytes));
    m_program = TANDEM_TRY(m_device.compile(m_segment, {}));
    Buffer* in = m_in.get();
    Buffer* out = m_out.get();
    m_instance = TANDEM_TRY(m_program->instantiate({&in, 1}, {&out, 1}));
    m_stream = TANDEM_TRY(m_device.createStream({}));
    return {};
  }
  Result<std::vector<float>> run(const std::vector<float>& input) {
    std::vector<float> output(input.size());
    TANDEM_TRY(m_stream->write(*m_in, input.data(), m_bytes));
    TANDEM_TRY(m_instance->run(*m_stream));
    TANDEM_TRY(m_stream->read(*m_out, output.data(), m_bytes));
    TANDEM_TRY(m_stream->finish());
    return output;
  }
  std::vector<float> input() const {
    std::vector<float> values(m_bytes / sizeof(float));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 7) - 3;
    return values;
  }

  Graph m_graph;
  Segment m_segment;
  std::size_t m_bytes = 0;
  std::unique_ptr<Buffer> m_in, m_out;
  std::shared_ptr<const Program> m_program;
  std::unique_ptr<Instance> m_instance;
  std::unique_ptr<Stream> m_stream;

 private:
  SimulatedDevice& m_device;
};

std::unique_ptr<SimulatedDevice> rtx3080() {
  auto device = SimulatedDevice::create("SIM:rtx3080");
  EXPECT_TRUE(device.ok());
  return *std::move(device);
}

} // namespace

TEST(Simulated, PresetsAreListedAndSayWhereTheirFiguresComeFrom) {
  EXPECT_GE(simulatedPresets().size(), 3u);
  for (const SimulatedPreset& preset : simulatedPresets()) {
    auto device = SimulatedDevice::create(preset.id);
    ASSERT_TRUE(device.ok());
    EXPECT_EQ((*device)->id(), "SIM:" + std::string(preset.id));
    EXPECT_EQ((*device)->info().kind, DeviceKind::Simulated);
    EXPECT_THAT((*device)->info().note, HasSubstr("modelled, not measured"));
    EXPECT_FALSE(preset.source.empty());
    EXPECT_LT(preset.achievable().gflops, preset.peaks.gflops);
  }
  auto unknown = SimulatedDevice::create("SIM:tpu9");
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, ErrorCode::Usage);
  EXPECT_THAT(unknown.error().hint, HasSubstr("SIM:rtx3080"));
}

TEST(Simulated, ComputesWhatTheReferenceKernelsCompute) {
  auto device = rtx3080();
  Chain chain(*device);
  ASSERT_TRUE(chain.prepare().ok());
  EXPECT_EQ(chain.m_in->hostData(), nullptr);
  const auto input = chain.input();
  auto output = chain.run(input);
  ASSERT_TRUE(output.ok()) << output.error().line();
  for (std::size_t i = 0; i < input.size(); ++i) ASSERT_EQ((*output)[i], std::max(input[i], 0.0f));
}

TEST(Simulated, TheVirtualClockGoesAsThePresetSays) {
  auto device = rtx3080();
  Chain chain(*device);
  ASSERT_TRUE(chain.prepare().ok());
  ASSERT_TRUE(chain.run(chain.input()).ok());
  const auto bytes = static_cast<std::int64_t>(chain.m_bytes);
  const ProbeResult& speed = device->speed();
  const OpCost relu = costOf(chain.m_graph, chain.m_graph.nodes()[0]);
  const double expected = copyToDeviceMs(bytes, speed) + 2 * rooflineMs(relu, speed) + copyToHostMs(bytes, speed);
  EXPECT_NEAR(static_cast<double>(virtualNs(*chain.m_stream)) * 1e-6, expected, 1e-4);
  EXPECT_EQ(device->virtualNs(), virtualNs(*chain.m_stream));
}

TEST(Simulated, TwoStreamsShareOneComputeEngine) {
  auto device = rtx3080();
  Chain a(*device), b(*device);
  ASSERT_TRUE(a.prepare().ok());
  ASSERT_TRUE(b.prepare().ok());
  ASSERT_TRUE(a.run(a.input()).ok());
  const std::int64_t alone = virtualNs(*a.m_stream);
  ASSERT_TRUE(b.run(b.input()).ok());
  EXPECT_GT(virtualNs(*b.m_stream), alone);
}

TEST(Simulated, CopiesOfOneStreamGoOnBesideKernelsOfAnother) {
  auto device = rtx3080();
  Chain a(*device, 8), b(*device, 8);
  ASSERT_TRUE(a.prepare().ok());
  ASSERT_TRUE(b.prepare().ok());
  const auto bytes = static_cast<std::int64_t>(a.m_bytes);
  const double upMs = copyToDeviceMs(bytes, device->speed()), downMs = copyToHostMs(bytes, device->speed());
  const double computeMs = 8 * rooflineMs(costOf(a.m_graph, a.m_graph.nodes()[0]), device->speed());
  ASSERT_GT(computeMs, upMs); // or b would wait for its input
  ASSERT_TRUE(a.run(a.input()).ok());
  ASSERT_TRUE(b.run(b.input()).ok());
  // b's input goes up while a computes, and a's result comes down while b does.
  EXPECT_NEAR(static_cast<double>(device->virtualNs()) * 1e-6, upMs + 2 * computeMs + downMs, 1e-4);
}

TEST(Simulated, UnifiedMemoryChangesHandsInNoTime) {
  auto device = *SimulatedDevice::create("SIM:uhd770");
  auto owned = device->allocate(64);
  ASSERT_TRUE(owned.ok());
  const std::int64_t used = device->allocatedBytes();
  auto adopted = device->adopt((*owned)->hostData(), 64);
  ASSERT_TRUE(adopted.ok());
  EXPECT_EQ((*adopted)->hostData(), (*owned)->hostData());
  EXPECT_EQ(device->allocatedBytes(), used);
  auto stream = device->createStream({});
  ASSERT_TRUE((*stream)->write(**adopted, (*adopted)->hostData(), 64).ok());
  ASSERT_TRUE((*stream)->read(**adopted, (*adopted)->hostData(), 64).ok());
  EXPECT_EQ(virtualNs(**stream), 0);
  EXPECT_FALSE(rtx3080()->adopt((*owned)->hostData(), 64).ok());
}

TEST(Simulated, TraceEventsCarryVirtualTimes) {
  auto device = rtx3080();
  Chain chain(*device);
  ASSERT_TRUE(chain.prepare().ok());
  TraceRecorder recorder;
  chain.m_stream->setTrace(&recorder, recorder.addTrack("SIM"), 5);
  ASSERT_TRUE(chain.run(chain.input()).ok());
  const auto trace = recorder.copy();
  ASSERT_EQ(trace.tracks[0].events.size(), 4u);
  const auto& events = trace.tracks[0].events;
  EXPECT_EQ(events[0].kind, TraceKind::Transfer);
  EXPECT_EQ(events[0].bytes, static_cast<std::int64_t>(chain.m_bytes));
  EXPECT_EQ(events[1].kind, TraceKind::Kernel);
  EXPECT_EQ(events[1].node, NodeId(0));
  EXPECT_EQ(events[1].request, 5u);
  for (std::size_t i = 1; i < events.size(); ++i) EXPECT_GE(events[i].startNs, events[i - 1].endNs);
  EXPECT_EQ(events.back().endNs, device->epochNs() + virtualNs(*chain.m_stream));
}

TEST(Simulated, AnInjectedFailureIsReportedOnceAndNamesTheNode) {
  auto device = rtx3080();
  Chain chain(*device);
  ASSERT_TRUE(chain.prepare().ok());
  device->failures().failAfter(3); // the second kernel of the second run
  ASSERT_TRUE(chain.run(chain.input()).ok());
  auto failed = chain.run(chain.input());
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, ErrorCode::DeviceFailed);
  EXPECT_THAT(failed.error().where, HasSubstr("relu_1"));
  EXPECT_FALSE(chain.m_stream->finish().ok()); // what finish() owes
  EXPECT_TRUE(chain.m_stream->finish().ok());
  EXPECT_TRUE(chain.run(chain.input()).ok());
}

TEST(Simulated, ALostDeviceStaysLostUntilCleared) {
  auto device = rtx3080();
  Chain chain(*device);
  ASSERT_TRUE(chain.prepare().ok());
  device->failures().loseDevice();
  EXPECT_FALSE(chain.run(chain.input()).ok());
  EXPECT_FALSE(device->allocate(16).ok());
  EXPECT_FALSE(device->createStream({}).ok());
  EXPECT_FALSE(device->probe({}).ok());
  device->failures().clear();
  static_cast<void>(chain.m_stream->finish().ok());
  EXPECT_TRUE(chain.run(chain.input()).ok());
}

TEST(Simulated, MemoryRunsOutAtTheLimitAndComesBack) {
  auto device = rtx3080();
  device->failures().limitMemory(1000);
  auto first = device->allocate(800);
  ASSERT_TRUE(first.ok());
  auto second = device->allocate(300);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::DeviceFailed);
  EXPECT_THAT(second.error().message, HasSubstr("out of device memory"));
  first->reset();
  EXPECT_EQ(device->allocatedBytes(), 0);
  EXPECT_TRUE(device->allocate(300).ok());
}

TEST(Simulated, ActivationsCountAsDeviceMemory) {
  auto device = rtx3080();
  Chain chain(*device, 3);
  ASSERT_TRUE(chain.prepare().ok());
  EXPECT_EQ(chain.m_program->memory().activationsBytes, 2 * static_cast<std::int64_t>(chain.m_bytes));
  EXPECT_EQ(device->allocatedBytes(), 4 * static_cast<std::int64_t>(chain.m_bytes));
}

TEST(Simulated, AHangEndsWhenItIsCancelled) {
  auto device = rtx3080();
  Chain chain(*device);
  ASSERT_TRUE(chain.prepare().ok());
  CancelToken release;
  device->failures().hangAfter(1, release);
  std::atomic<bool> done{false};
  Result<std::vector<float>> result = std::vector<float>();
  std::thread worker([&] {
    result = chain.run(chain.input());
    done = true;
  });
  // The first kernel has been on the virtual clock for good once the second one hangs.
  const auto launched = copyToDeviceMs(static_cast<std::int64_t>(chain.m_bytes), device->speed()) * 1e6;
  while (static_cast<double>(device->virtualNs()) <= launched + 1) std::this_thread::yield();
  EXPECT_FALSE(done);
  release.cancel();
  worker.join();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::Cancelled);
}

TEST(Simulated, Float16IsRefused) {
  auto device = rtx3080();
  Graph graph;
  ProgramOptions options;
  options.precision = Precision::Float16;
  const auto program = device->compile({&graph, {}, {}, {}}, options);
  ASSERT_FALSE(program.ok());
  EXPECT_EQ(program.error().code, ErrorCode::Unsupported);
  EXPECT_EQ(program.error().where, device->id());
}

TEST(Simulated, UnknownAndControlOperatorsAreRefused) {
  auto device = rtx3080();
  Graph graph;
  Node node;
  node.type = "NoSuchOperator";
  node.outputs = {graph.addValue({})};
  const NodeId id = graph.addNode(std::move(node));
  EXPECT_EQ(device->supports(graph, id).reason, MoveReason::UnsupportedOp);
}
