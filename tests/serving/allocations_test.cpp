// SPDX-License-Identifier: GPL-3.0-or-later
// Serving a request allocates nothing beside what the kernels themselves do (oneDNN makes a table of arguments for each
// of its calls), once it is warm. A program of its own, since it counts what operator new gives out.
#include "tests/serving/fixture.hpp"

#include <cstdlib>
#include <new>

namespace {

std::atomic<std::uint64_t> allocations{0};

void* counted(std::size_t bytes, std::size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (!memory) throw std::bad_alloc();
  return memory;
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

class AllocationsTest : public test::ServingTest {
 protected:
  /// What one execution of `items` items allocates without any serving around it.
  std::uint64_t alone(int items) {
    const auto executable = plan(*m_cpu).factory(items);
    EXPECT_TRUE(executable.ok());
    auto slot = *(*executable)->createSlot();
    slot->attachCurrentThread();
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(slot->run().ok());
    const std::uint64_t before = allocations.load();
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(slot->run().ok());
    return (allocations.load() - before) / 10;
  }

  /// Allocations of 10,000 warm requests beside those of their executions. The supervisor, which looks around fifty
  /// times a second and lists replicas to do so, is among them.
  std::int64_t beside(const char* scenario, const char* route, std::vector<ReplicaOptions> replicas) {
    const auto each = static_cast<std::int64_t>(alone(1));
    auto deployment = deploy(route, std::move(replicas), {1});
    const RequestData one = data(1);
    LoadGenerator generator(*Scenario::parse(scenario), deployment->router(), {.sizes = {&one}, .bulkShare = 0.2});
    const auto executions = [&] {
      std::uint64_t count = 0;
      for (const Replica* replica : deployment->replicas()) count += replica->executions();
      return static_cast<std::int64_t>(count);
    };
    start(*deployment);
    generator.start();
    while (generator.log().completed() < 2000) std::this_thread::yield();
    const std::int64_t ran = executions();
    const std::uint64_t before = allocations.load();
    while (generator.log().completed() < 12'000) std::this_thread::yield();
    const auto made = static_cast<std::int64_t>(allocations.load() - before);
    const std::int64_t more = executions() - ran;
    generator.stop();
    EXPECT_TRUE(generator.waitIdle(20'000));
    return made - more * each;
  }
};

constexpr std::int64_t kSupervisor = 500;

TEST_F(AllocationsTest, NoneForARequestOfASingleStream) {
  EXPECT_LE(beside("single-stream", "predicted-finish", {{.name = "a"}}), kSupervisor);
}

TEST_F(AllocationsTest, NoneForClientsOfTwoReplicasOfTwoStreams) {
  EXPECT_LE(beside("closed:8", "predicted-finish", {{.name = "a", .streams = 2}, {.name = "b", .streams = 2}}),
            kSupervisor);
}

TEST_F(AllocationsTest, NoneForJoinedBatches) {
  EXPECT_LE(beside("closed:16", "round-robin", {{.name = "a", .batching = {.maximum = 8}}}), kSupervisor);
}

} // namespace
} // namespace tandem
