// SPDX-License-Identifier: GPL-3.0-or-later
// The threads that feed an accelerator, on processors beside the core sets in use. A simulated device stands for it.
#include "engine/session/host_threads.hpp"

#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/devices/simulated/simulated_device.hpp"
#include "engine/runtime/execution_slot.hpp"
#include "engine/serving/deployment.hpp"
#include "tests/support/graphs.hpp"

#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

namespace tandem::session {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

/// CPU:0 and CPU:1 on a processor each, and an accelerator.
class HostThreadsTest : public testing::Test {
 protected:
  void SetUp() override {
    const CpuSet available = CpuSet::available();
    if (available.count() < 2) GTEST_SKIP() << "needs two processors";
    first = CpuSet({available.cpus()[0]});
    second = CpuSet({available.cpus()[1]});
    for (auto& device : makeCpuDevices({first, second})) registry.add(std::move(device));
    registry.add(std::move(*SimulatedDevice::create("SIM:rtx3080")));
    cpu0 = registry.find("CPU:0");
    cpu1 = registry.find("CPU:1");
    gpu = registry.devices().back();
  }

  /// The first node on `device`, the others on `rest`.
  std::shared_ptr<const Executable> compile(Device& device, Device& rest, CpuSet hostCores) {
    const Graph graph = test::diamond();
    std::vector<Device*> deviceOf(graph.nodes().size(), &rest);
    deviceOf[0] = &device;
    CompileOptions options;
    options.threads = 1;
    options.hostCores = std::move(hostCores);
    auto executable = Executable::compile(*bindInputs(graph, 1), std::move(deviceOf), registry.host(), options);
    EXPECT_TRUE(executable.ok()) << executable.error().line();
    return *executable;
  }
  /// Where a thread may run once it works for a slot of `executable`.
  static CpuSet boundTo(const Executable& executable) {
    CpuSet cores;
    std::thread([&] {
      auto slot = executable.createSlot();
      ASSERT_TRUE(slot.ok()) << slot.error().line();
      (*slot)->attachCurrentThread();
      EXPECT_TRUE((*slot)->setInputs(std::vector<Tensor>{Tensor::zeros({DataType::Float32, {1, 4}})}).ok());
      EXPECT_TRUE((*slot)->run().ok());
      cores = CpuSet::available();
    }).join();
    return cores;
  }
  std::vector<std::string> notes(const std::vector<std::shared_ptr<const Executable>>& executables) const {
    std::vector<std::string> texts;
    for (const HostThread& thread : hostThreads(executables, registry)) texts.push_back(thread.note);
    return texts;
  }

  CpuSet first, second;
  DeviceRegistry registry;
  Device *cpu0 = nullptr, *cpu1 = nullptr, *gpu = nullptr;
};

TEST(HostCores, AreReadAsProcessorsOrNone) {
  const CpuSet available = CpuSet::available();
  const std::string one = std::to_string(available.cpus().back());
  EXPECT_EQ(readHostCores(one, true)->chosen, CpuSet({available.cpus().back()}));
  EXPECT_EQ(readHostCores("", true)->processors, available);
  EXPECT_TRUE(readHostCores("", false)->processors.empty());
  EXPECT_TRUE(readHostCores("none", true)->processors.empty());
  for (const char* text : {"x", "0;1", "1023", "-1", "0,"}) {
    auto read = readHostCores(text, true);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_EQ(read.error().code, ErrorCode::Usage) << text;
    EXPECT_EQ(read.error().where, "--host-cores") << text;
    EXPECT_THAT(read.error().hint, HasSubstr(available.toString())) << text;
  }
}

TEST_F(HostThreadsTest, WithCoreSetsTheyGetWhatNoDeviceInUseComputesOn) {
  registry.setHostCores({{}, CpuSet({first.cpus()[0], second.cpus()[0]})});
  EXPECT_EQ(hostCoresFor(registry, {cpu0, gpu}), second);
  EXPECT_EQ(hostCoresFor(registry, {gpu, cpu1, gpu}), first);
  EXPECT_THAT(hostCoresFor(registry, {cpu0, cpu1, gpu}).cpus(), IsEmpty());
  EXPECT_EQ(hostCoresFor(registry, {gpu}).count(), 2);
  EXPECT_THAT(hostCoresFor(registry, {cpu0, cpu1}).cpus(), IsEmpty()); // nobody to feed
}

TEST_F(HostThreadsTest, WithoutCoreSetsTheSystemPlacesThemUnlessSomebodyChose) {
  EXPECT_THAT(hostCoresFor(registry, {cpu0, gpu}).cpus(), IsEmpty());
  registry.setHostCores({first, {}});
  EXPECT_EQ(hostCoresFor(registry, {cpu0, gpu}), first);
  EXPECT_THAT(hostCoresFor(registry, {cpu0}).cpus(), IsEmpty());
}

TEST_F(HostThreadsTest, TheThreadOfAnAcceleratorRunsThere) {
  EXPECT_EQ(boundTo(*compile(*gpu, *gpu, second)), second);
  EXPECT_EQ(boundTo(*compile(*gpu, *gpu, first)), first);
  EXPECT_EQ(boundTo(*compile(*gpu, *gpu, {})), CpuSet::available());
}

TEST_F(HostThreadsTest, AThreadThatAlsoComputesStaysWithItsCpu) {
  const auto mixed = compile(*gpu, *cpu0, second);
  EXPECT_EQ(threadDevice(*mixed), cpu0);
  EXPECT_EQ(boundTo(*mixed), first);
  EXPECT_EQ(boundTo(*compile(*cpu1, *cpu1, first)), second);
}

TEST_F(HostThreadsTest, AReplicaServesFromThere) {
  ReplicaPlan plan;
  plan.deviceIds = {gpu->id()};
  plan.factory = [&](int) -> Result<std::shared_ptr<const Executable>> { return compile(*gpu, *gpu, second); };
  std::vector<ReplicaPlan> plans;
  plans.push_back(std::move(plan));
  auto deployment = Deployment::create(std::move(plans), *Route::parse("round-robin"));
  ASSERT_TRUE(deployment.ok()) << deployment.error().line();
  ReplicaSetup setup;
  setup.sizes = {1};
  ASSERT_TRUE((*deployment)->setUp(setup).ok());
  (*deployment)->start();
  const RequestData data{1, {Tensor::zeros({DataType::Float32, {1, 4}})}};
  struct Served final : CompletionSink {
    void completed(const Request&, const Completion&) override { where.set_value(CpuSet::available()); }
    std::promise<CpuSet> where;
  } served;
  Request request;
  request.data = &data;
  request.sink = &served;
  (*deployment)->router().submit(std::move(request));
  EXPECT_EQ(served.where.get_future().get(), second);
}

TEST_F(HostThreadsTest, TheReportSaysWhere) {
  const std::string id = gpu->id();
  EXPECT_THAT(notes({compile(*cpu0, *cpu0, {})}), IsEmpty());
  EXPECT_EQ(notes({compile(*gpu, *gpu, {})}), std::vector<std::string>{""});
  const std::string there = "host thread of " + id + " on processor " + second.toString();
  EXPECT_EQ(notes({compile(*gpu, *gpu, second), compile(*gpu, *gpu, second), compile(*cpu0, *cpu0, {})}),
            std::vector<std::string>{there});
  EXPECT_EQ(notes({compile(*gpu, *gpu, second), compile(*cpu1, *cpu1, {})}),
            std::vector<std::string>{there + "; it shares core " + second.toString() + " with CPU:1"});
  EXPECT_THAT(notes({compile(*gpu, *cpu0, second)}).at(0),
              HasSubstr("on processor " + first.toString() + " with CPU:0, whose layers it computes"));
  registry.setHostCores({{}, CpuSet({first.cpus()[0], second.cpus()[0]})});
  EXPECT_THAT(notes({compile(*gpu, *gpu, {})}).at(0), HasSubstr("--host-cores"));
}

} // namespace
} // namespace tandem::session
