// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/device_turns.hpp"

#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/runtime/execution_slot.hpp"
#include "tests/support/graphs.hpp"

#include <atomic>
#include <gtest/gtest.h>
#include <thread>

namespace tandem {
namespace {

TEST(DeviceTurns, OneAtATimeAndInTheOrderTheyCame) {
  DeviceTurn turn;
  turn.take();
  EXPECT_FALSE(turn.tryTake());
  std::vector<int> order;
  std::atomic<int> inside{0}, drawn{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      drawn.fetch_add(1);
      turn.take();
      EXPECT_EQ(inside.fetch_add(1), 0);
      order.push_back(i);
      inside.fetch_sub(1);
      turn.give();
    });
    while (drawn.load() <= i) std::this_thread::yield();
  }
  turn.give();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(order.size(), 4u);
  EXPECT_TRUE(turn.tryTake());
}

TEST(DeviceTurns, OneOfEachDeviceAndTheSameEveryTime) {
  DeviceTurns turns;
  EXPECT_EQ(&turns.of("CPU:0"), &turns.of("CPU:0"));
  EXPECT_NE(&turns.of("CPU:0"), &turns.of("CPU:1"));
}

TEST(DeviceTurns, RequestsThatCrossDevicesManyTimesNeverWaitForEachOther) {
  const CpuSet all = CpuSet::available();
  const CpuSet one({all.cpus().front()}), other({all.cpus().back()});
  auto devices = makeCpuDevices({one, other});
  ASSERT_EQ(devices.size(), 2u);
  Graph graph;
  graph.opset = 18;
  ValueId value = graph.addInput("x", {DataType::Float32, {1, 64}});
  constexpr int kNodes = 24;
  std::vector<Device*> deviceOf;
  for (int i = 0; i < kNodes; ++i) {
    value = test::add(graph, "Neg", {value});
    deviceOf.push_back(devices[static_cast<std::size_t>(i) % 2].get());
  }
  graph.addOutput(value);
  auto bound = bindInputs(graph, 1);
  ASSERT_TRUE(bound.ok());
  CompileOptions options;
  options.threads = 1;
  const auto executable = Executable::compile(std::move(*bound), deviceOf, *devices[0], options);
  ASSERT_TRUE(executable.ok()) << executable.error().line();
  ASSERT_EQ((*executable)->devices().size(), 2u);
  DeviceTurns turns;
  std::vector<std::thread> threads;
  std::atomic<int> done{0};
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      auto slot = (*executable)->createSlot(nullptr, &turns);
      ASSERT_TRUE(slot.ok());
      (*slot)->attachCurrentThread();
      for (int i = 0; i < 100; ++i) done += (*slot)->run().ok();
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done.load(), 300);
}

} // namespace
} // namespace tandem
