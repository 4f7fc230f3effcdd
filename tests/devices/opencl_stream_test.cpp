// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/clock.hpp"
#include "tests/devices/opencl_test_util.hpp"

#include <algorithm>
#include <cstring>

namespace tandem::test {
namespace {

using Devices = std::vector<std::unique_ptr<Device>>;

const Devices& devicesWith(OpenClMemory memory) {
  static std::map<OpenClMemory, OpenClEnumeration> cache;
  auto found = cache.find(memory);
  if (found == cache.end()) {
    OpenClOptions options;
    options.memory = memory;
    found = cache.emplace(memory, enumerateOpenCl(options)).first;
  }
  return found->second.devices;
}

/// Every device, as each kind of memory: the code for a GPU's own memory runs on CPUs, too.
class OpenClMemories : public testing::TestWithParam<OpenClMemory> {
 protected:
  void SetUp() override {
    if (devices().empty()) GTEST_SKIP() << "no OpenCL platform on this machine";
  }
  const Devices& devices() const { return devicesWith(GetParam()); }
};

/// y = Relu(x) + 1 on one device.
class ReluPlusOne {
 public:
  static constexpr std::size_t kElements = 1 << 14;
  static constexpr std::size_t kBytes = kElements * sizeof(float);

  explicit ReluPlusOne(Device& device) {
    const Tensor x = Tensor::zeros({DataType::Float32, {kElements}});
    const ValueId value = m_builder.input("x", x);
    const Tensor one = Tensor::of<float>(Shape{1}, {1.0f});
    m_builder.output(m_builder.add("Add", {m_builder.add("Relu", {value}), m_builder.constant(one)}));
    EXPECT_TRUE(inferShapes(m_builder.graph).ok());
    auto program = device.compile(wholeGraph(m_builder.graph), {});
    EXPECT_TRUE(program.ok()) << program.error().line();
    m_program = *program;
    m_in = *device.allocate(kBytes);
    m_out = *device.allocate(kBytes);
    m_instance = bind(*m_in, *m_out);
    m_stream = *device.createStream({});
  }
  std::unique_ptr<Instance> bind(Buffer& in, Buffer& out) const {
    Buffer* const inputs[] = {&in};
    Buffer* const outputs[] = {&out};
    return *m_program->instantiate(inputs, outputs);
  }

  GraphBuilder m_builder;
  std::shared_ptr<const Program> m_program;
  std::unique_ptr<Buffer> m_in, m_out;
  std::unique_ptr<Instance> m_instance;
  std::unique_ptr<Stream> m_stream;
};

std::vector<float> ramp(float from) {
  std::vector<float> values(ReluPlusOne::kElements);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = from + static_cast<float>(i % 100);
  return values;
}
float expected(float x) { return std::max(x, 0.0f) + 1; }

bool isExpected(const float* y, const std::vector<float>& x) {
  for (std::size_t i = 0; i < x.size(); ++i)
    if (y[i] != expected(x[i])) return false;
  return true;
}

TEST_P(OpenClMemories, CommandsOfAStreamKeepTheirOrderWithoutWaits) {
  for (const auto& device : devices()) {
    ReluPlusOne job(*device);
    constexpr std::size_t kRequests = 8;
    std::vector<std::vector<float>> inputs, outputs(kRequests, std::vector<float>(ReluPlusOne::kElements));
    for (std::size_t i = 0; i < kRequests; ++i) inputs.push_back(ramp(static_cast<float>(i) - 50));
    for (int round = 0; round < 3; ++round) {
      for (std::size_t i = 0; i < kRequests; ++i) {
        // The next input must not overtake the kernels that read the last one, nor kernels the read of a result.
        ASSERT_TRUE(job.m_stream->write(*job.m_in, inputs[i].data(), ReluPlusOne::kBytes).ok());
        ASSERT_TRUE(job.m_instance->run(*job.m_stream).ok());
        ASSERT_TRUE(job.m_stream->read(*job.m_out, outputs[i].data(), ReluPlusOne::kBytes).ok());
      }
      ASSERT_TRUE(job.m_stream->finish().ok());
      for (std::size_t i = 0; i < kRequests; ++i) EXPECT_TRUE(isExpected(outputs[i].data(), inputs[i])) << i;
    }
  }
}

TEST_P(OpenClMemories, MemoryOfTheHostChangesHandsInsteadOfBeingCopied) {
  for (const auto& device : devices()) {
    ReluPlusOne job(*device);
    EXPECT_EQ(device->info().hostMemory, job.m_in->hostData() != nullptr);
    if (!device->info().hostMemory) {
      alignas(64) unsigned char bytes[64] = {};
      EXPECT_FALSE(device->adopt(bytes, sizeof bytes).ok());
      continue;
    }
    Tensor x = Tensor::zeros({DataType::Float32, {ReluPlusOne::kElements}}), y = x.clone();
    const auto in = device->adopt(x.mutableData(), ReluPlusOne::kBytes);
    const auto out = device->adopt(y.mutableData(), ReluPlusOne::kBytes);
    ASSERT_TRUE(in.ok() && out.ok());
    EXPECT_EQ((*in)->hostData(), x.data());
    const auto instance = job.bind(**in, **out);
    TraceRecorder recorder;
    job.m_stream->setTrace(&recorder, recorder.addTrack("device"), 1);
    for (int round = 0; round < 4; ++round) {
      const std::vector<float> values = ramp(static_cast<float>(-10 * round));
      std::memcpy(x.mutableData(), values.data(), ReluPlusOne::kBytes);
      ASSERT_TRUE(job.m_stream->write(**in, x.data(), ReluPlusOne::kBytes).ok());
      ASSERT_TRUE(instance->run(*job.m_stream).ok());
      ASSERT_TRUE(job.m_stream->read(**out, y.mutableData(), ReluPlusOne::kBytes).ok());
      ASSERT_TRUE(job.m_stream->read(**in, x.mutableData(), ReluPlusOne::kBytes).ok());
      ASSERT_TRUE(job.m_stream->finish().ok());
      EXPECT_TRUE(isExpected(y.as<float>().data(), values)) << round;
    }
    const TraceRecorder::Copy trace = recorder.copy();
    int handedOver = 0;
    for (const TraceEvent& event : trace.tracks.at(0).events) {
      if (event.kind != TraceKind::Transfer) continue;
      ++handedOver;
      EXPECT_EQ(event.bytes, 0);
    }
    EXPECT_EQ(handedOver, GetParam() == OpenClMemory::Mapped ? 4 * 4 : 0);
  }
}

TEST_P(OpenClMemories, TransfersAreInTheTraceWithTheirBytesAroundTheKernels) {
  for (const auto& device : devices()) {
    ReluPlusOne job(*device);
    TraceRecorder recorder;
    job.m_stream->setTrace(&recorder, recorder.addTrack("device"), 3);
    const std::vector<float> x = ramp(-5);
    std::vector<float> y(x.size());
    const std::int64_t before = nowNs();
    ASSERT_TRUE(job.m_stream->write(*job.m_in, x.data(), ReluPlusOne::kBytes).ok());
    ASSERT_TRUE(job.m_instance->run(*job.m_stream).ok());
    ASSERT_TRUE(job.m_stream->read(*job.m_out, y.data(), ReluPlusOne::kBytes).ok());
    ASSERT_TRUE(job.m_stream->finish().ok());
    const std::int64_t after = nowNs();
    EXPECT_TRUE(isExpected(y.data(), x));
    const TraceRecorder::Copy trace = recorder.copy();
    const bool ownQueue = GetParam() == OpenClMemory::Discrete;
    ASSERT_EQ(trace.tracks.size(), ownQueue ? 2u : 1u);
    std::vector<TraceEvent> copies, kernels;
    for (const auto& track : trace.tracks)
      for (const TraceEvent& event : track.events) {
        EXPECT_EQ(event.request, 3u);
        EXPECT_LE(before, event.startNs);
        EXPECT_LE(event.startNs, event.endNs);
        EXPECT_LE(event.endNs, after);
        if (event.kind == TraceKind::Kernel) kernels.push_back(event);
        if (event.bytes > 0) copies.push_back(event);
        EXPECT_EQ(ownQueue && event.kind == TraceKind::Transfer, &track == &trace.tracks.back() && ownQueue);
      }
    ASSERT_EQ(copies.size(), 2u);
    ASSERT_FALSE(kernels.empty());
    EXPECT_EQ(trace.labels[copies[0].label], "host to " + device->id());
    EXPECT_EQ(trace.labels[copies[1].label], device->id() + " to host");
    for (const TraceEvent& copy : copies) EXPECT_EQ(copy.bytes, static_cast<std::int64_t>(ReluPlusOne::kBytes));
    EXPECT_LE(copies[0].endNs, kernels.front().startNs) << "kernels wait for their input";
    EXPECT_LE(kernels.back().endNs, copies[1].startNs) << "results wait for their kernels";
  }
}

TEST_P(OpenClMemories, ProfilingIsSwitchedPerRun) {
  for (const auto& device : devices()) {
    ReluPlusOne job(*device);
    TraceRecorder recorder;
    TraceWriter* writer = recorder.addTrack("device");
    const std::vector<float> x = ramp(-20);
    std::vector<float> y(x.size());
    for (std::uint64_t request = 1; request <= 20; ++request) {
      const bool traced = request % 2 == 0;
      job.m_stream->setTrace(traced ? &recorder : nullptr, traced ? writer : nullptr, request);
      std::fill(y.begin(), y.end(), -1.0f);
      ASSERT_TRUE(job.m_stream->write(*job.m_in, x.data(), ReluPlusOne::kBytes).ok());
      ASSERT_TRUE(job.m_instance->run(*job.m_stream).ok());
      ASSERT_TRUE(job.m_stream->read(*job.m_out, y.data(), ReluPlusOne::kBytes).ok());
      ASSERT_TRUE(job.m_stream->finish().ok());
      ASSERT_TRUE(isExpected(y.data(), x));
    }
    std::map<std::uint64_t, int> copies;
    const TraceRecorder::Copy trace = recorder.copy();
    for (const auto& track : trace.tracks)
      for (const TraceEvent& event : track.events) copies[event.request] += event.bytes > 0;
    EXPECT_EQ(copies.size(), 10u);
    for (const auto& [request, count] : copies) EXPECT_EQ(count, 2) << request;
    EXPECT_LE(trace.tracks.size(), 2u);
  }
}

TEST_P(OpenClMemories, ANewRecorderAtAnOldAddressGetsItsOwnLabels) {
  for (const auto& device : devices()) {
    ReluPlusOne job(*device);
    std::optional<TraceRecorder> recorder;
    for (int round = 0; round < 2; ++round) {
      recorder.emplace(); // the same address
      for (int i = 0; i < round * 5; ++i) recorder->intern("other " + std::to_string(i));
      job.m_stream->setTrace(&*recorder, recorder->addTrack("device"), 1);
      const std::vector<float> x = ramp(0);
      ASSERT_TRUE(job.m_stream->write(*job.m_in, x.data(), ReluPlusOne::kBytes).ok());
      ASSERT_TRUE(job.m_instance->run(*job.m_stream).ok());
      ASSERT_TRUE(job.m_stream->finish().ok());
      const TraceRecorder::Copy trace = recorder->copy();
      int events = 0;
      for (const auto& track : trace.tracks)
        for (const TraceEvent& event : track.events) {
          const std::string& label = trace.labels.at(event.label);
          const bool isLayer = label.starts_with("chain of 2: Relu ") || label.starts_with("Add ");
          const bool isTransfer = label == "host to " + device->id();
          EXPECT_TRUE(event.kind == TraceKind::Kernel ? isLayer : isTransfer) << label;
          ++events;
        }
      EXPECT_GE(events, 2);
      job.m_stream->setTrace(nullptr, nullptr, 0);
    }
  }
}

TEST_P(OpenClMemories, WrongDataIsReportedOnceAndTheNextRunIsRight) {
  for (const auto& device : devices()) {
    GraphBuilder b;
    const ValueId index = b.input("i", Tensor::of<std::int64_t>(Shape{2}, {1, 2}));
    b.output(b.add("Gather", {b.constant(Tensor::of<float>(Shape{3}, {5, 6, 7})), index}));
    ASSERT_TRUE(inferShapes(b.graph).ok());
    auto good = DeviceRun::create(*device, b.graph, b.feeds);
    ASSERT_TRUE(good.ok()) << good.error().line();
    const auto in = device->allocate(16), out = device->allocate(8);
    Buffer* const inputs[] = {in->get()};
    Buffer* const outputs[] = {out->get()};
    const auto instance = good->program().instantiate(inputs, outputs);
    ASSERT_TRUE(instance.ok());
    for (int round = 0; round < 3; ++round) {
      for (const std::int64_t second : {std::int64_t{9}, std::int64_t{2}}) {
        const std::int64_t indices[] = {1, second};
        float values[2] = {};
        ASSERT_TRUE(good->stream().write(**in, indices, sizeof indices).ok());
        ASSERT_TRUE((*instance)->run(good->stream()).ok());
        ASSERT_TRUE(good->stream().read(**out, values, sizeof values).ok());
        const Result<void> finished = good->stream().finish();
        ASSERT_EQ(finished.ok(), second == 2);
        const std::string said = finished.ok() ? "" : finished.error().message;
        EXPECT_EQ(said.find("index 9 is outside") != std::string::npos, second == 9) << said;
        EXPECT_TRUE(second == 9 || values[1] == 7.0f) << values[1];
      }
    }
  }
}

TEST_P(OpenClMemories, PinnedMemoryIsThereWhereDataIsCopied) {
  for (const auto& device : devices()) {
    auto staging = device->allocateStaging(100'000);
    ASSERT_TRUE(staging.ok()) << staging.error().line();
    if (device->info().hostMemory) {
      EXPECT_EQ(*staging, nullptr);
      continue;
    }
    ASSERT_NE(*staging, nullptr);
    auto buffer = device->allocate(100'000);
    auto stream = device->createStream({});
    auto* bytes = static_cast<unsigned char*>((*staging)->hostData());
    for (std::size_t i = 0; i < 100'000; ++i) bytes[i] = static_cast<unsigned char>(i * 31);
    ASSERT_TRUE((*stream)->write(**buffer, bytes, 100'000).ok());
    ASSERT_TRUE((*stream)->finish().ok());
    std::memset(bytes, 0, 100'000);
    ASSERT_TRUE((*stream)->read(**buffer, bytes, 100'000).ok());
    ASSERT_TRUE((*stream)->finish().ok());
    for (std::size_t i = 0; i < 100'000; ++i) ASSERT_EQ(bytes[i], static_cast<unsigned char>(i * 31));
  }
}

std::string nameOf(const testing::TestParamInfo<OpenClMemory>& memory) {
  return memory.param == OpenClMemory::Auto ? "Auto" : memory.param == OpenClMemory::Mapped ? "Mapped" : "Discrete";
}
INSTANTIATE_TEST_SUITE_P(Kinds, OpenClMemories,
                         testing::Values(OpenClMemory::Auto, OpenClMemory::Mapped, OpenClMemory::Discrete), nameOf);

} // namespace
} // namespace tandem::test
