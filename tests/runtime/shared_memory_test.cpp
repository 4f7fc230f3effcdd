// SPDX-License-Identifier: GPL-3.0-or-later
// Where tensors lie and what travels between devices, on every kind of memory that a device may have.
#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/devices/opencl/opencl_devices.hpp"
#include "engine/devices/simulated/simulated_device.hpp"
#include "engine/gallery/gallery.hpp"
#include "engine/runtime/execution_slot.hpp"
#include "tests/support/graphs.hpp"

#include <algorithm>
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

using OnDevice = std::function<bool(std::size_t)>;
bool nowhere(std::size_t) { return false; }
bool everywhere(std::size_t) { return true; }
bool alternating(std::size_t node) { return node % 2 == 1; }

Result<std::shared_ptr<const Executable>> compile(const Graph& graph, Device& cpu, Device& other, OnDevice onOther) {
  BoundGraph bound = TANDEM_TRY(bindInputs(graph, 1));
  std::vector<Device*> deviceOf;
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) deviceOf.push_back(onOther(i) ? &other : &cpu);
  CompileOptions options;
  options.threads = 1;
  return Executable::compile(std::move(bound), std::move(deviceOf), cpu, options);
}

/// Bytes and number of the transfers in a trace.
struct Traffic {
  std::int64_t bytes = 0;
  int copies = 0;
};
Traffic trafficOf(const TraceRecorder& recorder) {
  Traffic traffic;
  for (const auto& track : recorder.copy().tracks)
    for (const TraceEvent& event : track.events) {
      if (event.kind != TraceKind::Transfer) continue;
      traffic.bytes += event.bytes;
      traffic.copies += event.bytes > 0;
    }
  return traffic;
}

class SharedMemory : public testing::TestWithParam<OpenClMemory> {
 protected:
  void SetUp() override {
    m_cpu = std::move(makeCpuDevices({}).front());
    OpenClOptions options;
    options.memory = GetParam();
    m_found = enumerateOpenCl(options);
    for (const auto& device : m_found.devices)
      if (device->info().kind == DeviceKind::OpenClCpu) m_other = device.get();
    if (!m_other) GTEST_SKIP() << "no OpenCL on the CPU of this machine";
  }
  std::unique_ptr<Device> m_cpu;
  OpenClEnumeration m_found;
  Device* m_other = nullptr;
};

TEST_P(SharedMemory, ResultsAreTheSameAndOnlyForeignMemoryIsCopiedTo) {
  const Graph graph = *buildSample("tiny_resnet");
  const auto reference = compile(graph, *m_cpu, *m_other, nowhere);
  ASSERT_TRUE(reference.ok()) << reference.error().line();
  const TensorDesc desc = (*reference)->graph().value((*reference)->graph().inputs()[0]).desc;
  auto plain = (*reference)->createSlot();
  ASSERT_TRUE(plain.ok());
  for (OnDevice place : {OnDevice(everywhere), OnDevice(alternating)}) {
    const auto executable = compile(graph, *m_cpu, *m_other, place);
    ASSERT_TRUE(executable.ok()) << executable.error().line();
    auto slot = (*executable)->createSlot();
    ASSERT_TRUE(slot.ok()) << slot.error().line();
    std::int64_t planned = 0;
    for (const PlannedTransfer& transfer : (*executable)->transfers()) planned += transfer.bytes;
    for (unsigned request = 1; request <= 3; ++request) { // other data each time: nothing may be left over
      const std::vector<Tensor> input{randomTensor(desc, request)};
      ASSERT_TRUE((*plain)->setInputs(input).ok());
      ASSERT_TRUE((*plain)->run().ok());
      ASSERT_TRUE((*slot)->setInputs(input).ok());
      TraceRecorder recorder;
      (*slot)->setTrace(&recorder, "", request);
      const auto times = (*slot)->run();
      ASSERT_TRUE(times.ok()) << times.error().line();
      (*slot)->setTrace(nullptr, "", 0);
      EXPECT_LT(largestDifference((*slot)->output(0), (*plain)->output(0)), 1e-4);
      const Traffic traffic = trafficOf(recorder);
      EXPECT_EQ(traffic.bytes, planned);
      EXPECT_EQ(traffic.copies, static_cast<int>((*executable)->transfers().size()));
      EXPECT_EQ(planned > 0, GetParam() == OpenClMemory::Discrete) << "of one memory nothing travels";
    }
  }
}

TEST_P(SharedMemory, SlotsOfSeveralThreadsDoNotDisturbEachOther) {
  const Graph graph = *buildSample("mnist");
  const auto executable = compile(graph, *m_cpu, *m_other, alternating);
  ASSERT_TRUE(executable.ok()) << executable.error().line();
  const TensorDesc desc = (*executable)->graph().value((*executable)->graph().inputs()[0]).desc;
  std::vector<Tensor> expected(2);
  std::vector<int> wrong(2, 0);
  for (const bool together : {false, true}) {
    const auto serve = [&](std::size_t t) {
      auto slot = (*executable)->createSlot();
      for (int i = 0; i < 30; ++i) {
        if (!slot.ok() ||
            !(*slot)->setInputs(std::vector<Tensor>{randomTensor(desc, 10 + static_cast<unsigned>(t))}).ok() ||
            !(*slot)->run().ok()) {
          ++wrong[t];
          continue;
        }
        if (!together) expected[t] = (*slot)->output(0).clone();
        wrong[t] += largestDifference((*slot)->output(0), expected[t]) != 0;
      }
    };
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 2; ++t) {
      threads.emplace_back(serve, t);
      if (!together) threads.back().join();
    }
    for (std::thread& thread : threads)
      if (thread.joinable()) thread.join();
  }
  EXPECT_EQ(wrong, std::vector<int>(2, 0));
  EXPECT_GT(largestDifference(expected[0], expected[1]), 0);
}

TEST_P(SharedMemory, DevicesOfSeveralDriversMeetInTheHostsMemory) {
  if (CpuSet::available().count() < 2) GTEST_SKIP() << "one processor only";
  OpenClOptions options;
  options.memory = GetParam();
  options.coreSets = {CpuSet({0}), CpuSet({1})};
  const OpenClEnumeration found = enumerateOpenCl(options);
  const auto cpus = makeCpuDevices({CpuSet({0}), CpuSet({1})});
  std::vector<Device*> devices{cpus[0].get(), cpus[1].get()};
  for (const auto& device : found.devices)
    if (device->info().kind == DeviceKind::OpenClCpu) devices.push_back(device.get());
  if (devices.size() < 4) GTEST_SKIP() << "no OpenCL on the CPU of this machine";
  const Graph graph = *buildSample("tiny_resnet");
  const auto compileWith = [&](auto deviceOfNode) {
    auto bound = bindInputs(graph, 1);
    EXPECT_TRUE(bound.ok());
    std::vector<Device*> deviceOf;
    for (std::size_t i = 0; i < graph.nodes().size(); ++i) deviceOf.push_back(deviceOfNode(i));
    CompileOptions compileOptions;
    compileOptions.threads = 1;
    return Executable::compile(std::move(*bound), std::move(deviceOf), *devices[0], compileOptions);
  };
  const auto reference = compileWith([&](std::size_t) { return devices[0]; });
  const auto mixed = compileWith([&](std::size_t i) { return devices[i % devices.size()]; });
  ASSERT_TRUE(reference.ok() && mixed.ok());
  auto a = (*reference)->createSlot(), b = (*mixed)->createSlot();
  ASSERT_TRUE(a.ok() && b.ok());
  for (unsigned request = 1; request <= 5; ++request) {
    const std::vector<Tensor> input{randomTensor((*mixed)->graph().value((*mixed)->graph().inputs()[0]).desc, request)};
    ASSERT_TRUE((*a)->setInputs(input).ok() && (*b)->setInputs(input).ok());
    ASSERT_TRUE((*a)->run().ok() && (*b)->run().ok());
    EXPECT_LT(largestDifference((*a)->output(0), (*b)->output(0)), 1e-4) << request;
  }
  std::set<std::pair<std::string, Device*>> arrivals;
  for (const PlannedTransfer& transfer : (*mixed)->transfers())
    EXPECT_TRUE(arrivals.emplace(transfer.value, transfer.to).second) << transfer.value << " goes there twice";
  EXPECT_EQ(arrivals.empty(), GetParam() != OpenClMemory::Discrete);
}

TEST_P(SharedMemory, SharedMemoryIsCountedOnce) {
  const auto executable = compile(test::diamond(), *m_cpu, *m_other, everywhere);
  ASSERT_TRUE(executable.ok());
  std::int64_t staging = 0;
  for (const ExecutableMemory& memory : (*executable)->memory()) staging += memory.stagingBytes;
  const std::int64_t values = 2 * 4 * 4; // x and y, four floats each
  EXPECT_EQ(staging, GetParam() == OpenClMemory::Discrete ? 2 * values : values);
}

std::string nameOf(const testing::TestParamInfo<OpenClMemory>& memory) {
  return memory.param == OpenClMemory::Auto ? "Auto" : memory.param == OpenClMemory::Mapped ? "Mapped" : "Discrete";
}
INSTANTIATE_TEST_SUITE_P(Kinds, SharedMemory,
                         testing::Values(OpenClMemory::Auto, OpenClMemory::Mapped, OpenClMemory::Discrete), nameOf);

TEST(SlotPlans, AllResultsOfADeviceHaveOneWait) {
  Graph graph;
  graph.opset = 18;
  const ValueId x = graph.addInput("x", {DataType::Float32, {8}});
  for (const char* type : {"Relu", "Neg", "Abs"}) graph.addOutput(test::add(graph, type, {x}));
  const auto cpu = std::move(makeCpuDevices({}).front());
  const auto gpu = *SimulatedDevice::create("SIM:rtx3080");
  const auto executable = compile(graph, *cpu, *gpu, everywhere);
  ASSERT_TRUE(executable.ok());
  const SlotPlan plan = planSlot(**executable);
  const auto count = [&](SlotStep::Kind kind) {
    return std::count_if(plan.steps.begin(), plan.steps.end(), [&](const SlotStep& step) { return step.kind == kind; });
  };
  EXPECT_EQ(count(SlotStep::Kind::Finish), 1);
  EXPECT_EQ(count(SlotStep::Kind::Copy), 1 + 3);
  EXPECT_EQ(plan.steps.back().kind, SlotStep::Kind::Finish);
}

TEST(SlotPlans, ValuesThatTheHostReadsTogetherHaveOneWait) {
  // Two values of the GPU meet in an Add on the CPU.
  Graph graph;
  graph.opset = 18;
  const ValueId x = graph.addInput("x", {DataType::Float32, {8}});
  const ValueId a = test::add(graph, "Relu", {x}), b = test::add(graph, "Neg", {x});
  graph.addOutput(test::add(graph, "Add", {a, b}));
  const auto cpu = std::move(makeCpuDevices({}).front());
  const auto gpu = *SimulatedDevice::create("SIM:rtx3080");
  const auto executable = compile(graph, *cpu, *gpu, [](std::size_t node) { return node < 2; });
  ASSERT_TRUE(executable.ok());
  const SlotPlan plan = planSlot(**executable);
  EXPECT_EQ(std::count_if(plan.steps.begin(), plan.steps.end(),
                          [](const SlotStep& step) { return step.kind == SlotStep::Kind::Finish; }),
            1);
  auto slot = (*executable)->createSlot();
  ASSERT_TRUE(slot.ok());
  ASSERT_TRUE((*slot)->setInputs(std::vector<Tensor>{Tensor::of<float>({8}, {-1, 2, -3, 4, -5, 6, -7, 8})}).ok());
  ASSERT_TRUE((*slot)->run().ok());
  for (std::int64_t i = 0; i < 8; ++i) EXPECT_EQ((*slot)->output(0).asDouble(i), i % 2 == 0 ? i + 1.0 : 0.0);
}

TEST(SlotPlans, ASimulatedDeviceWithUnifiedMemoryCopiesNothing) {
  const auto cpu = std::move(makeCpuDevices({}).front());
  const auto shared = *SimulatedDevice::create("SIM:uhd770");
  const Graph graph = *buildSample("mnist");
  const auto reference = compile(graph, *cpu, *shared, nowhere), mixed = compile(graph, *cpu, *shared, alternating);
  ASSERT_TRUE(reference.ok() && mixed.ok());
  EXPECT_TRUE((*mixed)->transfers().empty());
  auto a = (*reference)->createSlot(), b = (*mixed)->createSlot();
  ASSERT_TRUE(a.ok() && b.ok());
  const std::vector<Tensor> input{randomTensor((*mixed)->graph().value((*mixed)->graph().inputs()[0]).desc, 4)};
  TraceRecorder recorder;
  (*b)->setTrace(&recorder, "", 1);
  ASSERT_TRUE((*a)->setInputs(input).ok() && (*b)->setInputs(input).ok());
  ASSERT_TRUE((*a)->run().ok() && (*b)->run().ok());
  EXPECT_LT(largestDifference((*a)->output(0), (*b)->output(0)), 1e-5);
  EXPECT_EQ(trafficOf(recorder).copies, 0);
}

} // namespace
} // namespace tandem
