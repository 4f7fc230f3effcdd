// SPDX-License-Identifier: GPL-3.0-or-later
// A request in flight is set up once: running it takes no memory from the heap. In a program of its own, since it
// counts what operator new gives out.
#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/devices/opencl/opencl_devices.hpp"
#include "engine/gallery/gallery.hpp"
#include "engine/runtime/execution_slot.hpp"

#include <algorithm>
#include <cstdlib>
#include <gtest/gtest.h>
#include <new>

namespace {
thread_local std::size_t allocations = 0;

void* counted(std::size_t bytes, std::size_t alignment) {
  ++allocations;
  const std::size_t size = (std::max<std::size_t>(bytes, 1) + alignment - 1) / alignment * alignment;
  if (void* memory = std::aligned_alloc(alignment, size)) return memory;
  throw std::bad_alloc();
}
} // namespace

void* operator new(std::size_t bytes) { return counted(bytes, alignof(std::max_align_t)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace tandem {
namespace {

TEST(SlotAllocations, AWarmRequestOnAnOpenClDeviceAllocatesNothing) {
  const auto cpu = std::move(makeCpuDevices({}).front());
  bool any = false;
  for (OpenClMemory memory : {OpenClMemory::Auto, OpenClMemory::Mapped, OpenClMemory::Discrete}) {
    OpenClOptions options;
    options.memory = memory;
    const OpenClEnumeration found = enumerateOpenCl(options);
    for (const auto& device : found.devices) {
      any = true;
      const Graph graph = *buildSample("tiny_resnet");
      auto bound = bindInputs(graph, 1);
      ASSERT_TRUE(bound.ok());
      std::vector<Device*> deviceOf(graph.nodes().size(), device.get());
      const auto executable = Executable::compile(std::move(*bound), std::move(deviceOf), *cpu, {});
      ASSERT_TRUE(executable.ok()) << executable.error().line();
      auto slot = (*executable)->createSlot();
      ASSERT_TRUE(slot.ok()) << slot.error().line();
      for (int i = 0; i < 3; ++i) ASSERT_TRUE((*slot)->run().ok());
      const std::size_t before = allocations;
      for (int i = 0; i < 10; ++i) ASSERT_TRUE((*slot)->run().ok());
      EXPECT_EQ(allocations - before, 0u) << device->id() << ", memory " << static_cast<int>(memory);

      // Profiled, memory is taken to keep the events, and after some requests enough is there.
      TraceRecorder recorder(1 << 6);
      (*slot)->setTrace(&recorder, "", 1);
      for (int i = 0; i < 3; ++i) ASSERT_TRUE((*slot)->run().ok());
      const auto isFull = [&] {
        const TraceRecorder::Copy copy = recorder.copy();
        return std::all_of(copy.tracks.begin(), copy.tracks.end(),
                           [](const auto& track) { return track.events.empty() || track.dropped > 0; });
      };
      while (!isFull()) ASSERT_TRUE((*slot)->run().ok());
      const std::size_t profiled = allocations;
      for (int i = 0; i < 10; ++i) ASSERT_TRUE((*slot)->run().ok());
      EXPECT_EQ(allocations - profiled, 0u) << device->id() << ", memory " << static_cast<int>(memory);
      EXPECT_GT(profiled, before) << "the count counts";
    }
  }
  if (!any) GTEST_SKIP() << "no OpenCL platform on this machine";
}

} // namespace
} // namespace tandem
