// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/devices/simulated/simulated_device.hpp"
#include "engine/serving/run.hpp"
#include "tests/support/graphs.hpp"

#include <gtest/gtest.h>

namespace tandem::test {

/// Two devices, a tiny model for either of them, and data of any size for it.
class ServingTest : public testing::Test {
 protected:
  void SetUp() override {
    m_cpu = std::move(makeCpuDevices({}).front());
    m_gpu = std::move(*SimulatedDevice::create("rtx3080"));
  }

  ReplicaPlan plan(Device& device, ReplicaOptions options = {}) {
    ReplicaPlan made;
    made.options = std::move(options);
    made.deviceIds = {device.id()};
    made.factory = [this, &device](int items) -> Result<std::shared_ptr<const Executable>> {
      const Graph graph = diamond();
      CompileOptions compile;
      compile.threads = 1;
      return Executable::compile(TANDEM_TRY(bindInputs(graph, items)),
                                 std::vector<Device*>(graph.nodes().size(), &device), *m_cpu, compile);
    };
    return made;
  }
  static RequestData data(int items) { return {items, {Tensor::zeros({DataType::Float32, {items, 4}})}}; }
  /// One replica per option, on the CPU; prepared and warmed up for `sizes`, not started.
  std::unique_ptr<Deployment> deploy(const std::string& route, std::vector<ReplicaOptions> replicas,
                                     const std::vector<int>& sizes) {
    std::vector<ReplicaPlan> plans;
    for (ReplicaOptions& options : replicas) plans.push_back(plan(*m_cpu, std::move(options)));
    auto deployment = Deployment::create(std::move(plans), *Route::parse(route));
    EXPECT_TRUE(deployment.ok()) << deployment.error().line();
    std::vector<RequestData> warmups;
    for (int size : sizes) warmups.push_back(data(size));
    ReplicaSetup setup;
    setup.sizes = sizes;
    for (const RequestData& each : warmups) setup.warmups.push_back(&each);
    const auto made = (*deployment)->setUp(setup);
    EXPECT_TRUE(made.ok()) << made.error().line();
    return *std::move(deployment);
  }
  static void start(Deployment& deployment) { deployment.start(); }

  std::unique_ptr<Device> m_cpu;
  std::unique_ptr<SimulatedDevice> m_gpu;
};

inline SampleWindow everything(const SampleLog& log) { return log.window(0, INT64_MAX); }

} // namespace tandem::test
