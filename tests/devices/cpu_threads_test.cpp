// SPDX-License-Identifier: GPL-3.0-or-later
// What threads of one process share at compile time and within a layer. Means most under ThreadSanitizer.
#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/devices/cpu/team_barrier.hpp"
#include "engine/devices/cpu/timing_cache.hpp"
#include "engine/devices/cpu/weights.hpp"
#include "engine/tensor/element_source.hpp"
#include "tests/devices/cpu_support.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <numeric>
#include <thread>

namespace tandem {
namespace {

using namespace test;

/// work(0), work(1), ... on a thread each.
template <class Work> void onThreads(int count, Work work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&work, i] { work(i); });
  for (std::thread& thread : threads) thread.join();
}

TEST(CpuTeamBarrier, NobodyPassesBeforeAllHaveArrived) {
  constexpr int kThreads = 3;
  constexpr int kRounds = 500;
  cpu::TeamBarrier barrier;
  std::array<int, kThreads> written{}; // not atomic: the barrier alone orders the accesses
  std::array<int, kThreads> late{};
  onThreads(kThreads, [&](int me) {
    for (int round = 1; round <= kRounds; ++round) {
      written[static_cast<std::size_t>(me)] = round;
      barrier.wait(kThreads);
      if (std::count(written.begin(), written.end(), round) != kThreads) ++late[static_cast<std::size_t>(me)];
      barrier.wait(kThreads);
    }
  });
  EXPECT_EQ(std::accumulate(late.begin(), late.end(), 0), 0);
}

TEST(CpuTimings, ThreadsMeasureEachWorkOnceAndAllIsWritten) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "timings_threads";
  std::filesystem::remove_all(folder);
  constexpr int kWorks = 40;
  std::atomic<int> measured{0}, wrong{0};
  const auto time = [](cpu::TimingCache& cache, int number, const std::function<double()>& measure) {
    const cpu::Work work{"work " + std::to_string(number), "", 1};
    return cache.microseconds({&work, 1},
                              [&](std::span<const std::size_t>) { return std::vector<double>{measure()}; })[0];
  };
  cpu::TimingCache timings(folder, "machine");
  onThreads(4, [&](int me) {
    for (int i = 0; i < kWorks; ++i) {
      const int work = me % 2 == 0 ? i : kWorks - 1 - i;
      const double value = time(timings, work, [&] {
        ++measured;
        return work + 0.5;
      });
      if (value != work + 0.5) ++wrong;
      if (i % 8 == me) timings.save();
    }
    timings.save();
  });
  EXPECT_EQ(measured, kWorks);
  EXPECT_EQ(wrong, 0);
  cpu::TimingCache again(folder, "machine");
  for (int i = 0; i < kWorks; ++i) EXPECT_EQ(time(again, i, [] { return -1.0; }), i + 0.5);
  std::filesystem::remove_all(folder);
}

TEST(CpuSharedWeights, AreWrittenOnceWhoeverAsksFirst) {
  std::atomic<int> writes{0};
  const cpu::Weights weights(4096, [&](void* target) {
    ++writes;
    std::memset(target, 7, 4096);
  });
  std::array<int, 4> seen{};
  onThreads(4, [&](int me) {
    const auto* bytes = static_cast<const unsigned char*>(weights.data());
    seen[static_cast<std::size_t>(me)] = std::accumulate(bytes, bytes + 4096, 0);
  });
  EXPECT_EQ(writes, 1);
  for (int sum : seen) EXPECT_EQ(sum, 7 * 4096);
}

TEST(CpuSharedWeights, AFailureIsTheCallersAndTheNextOneTriesAgain) {
  std::atomic<int> calls{0}, failures{0};
  const cpu::Weights weights(64, [&](void* target) {
    if (++calls == 1) throw std::bad_alloc();
    std::memset(target, 1, 64);
  });
  onThreads(4, [&](int) {
    try {
      EXPECT_EQ(*static_cast<const unsigned char*>(weights.data()), 1);
    } catch (const std::bad_alloc&) {
      ++failures;
    }
  });
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(failures, 1);
}

/// Elements that no memory holds, as those of a file.
class Counted final : public ElementSource {
 public:
  void write(void* out, std::size_t offset, std::size_t bytes) const override {
    for (std::size_t i = 0; i < bytes / sizeof(float); ++i)
      static_cast<float*>(out)[i] = 0.01f * static_cast<float>((offset / sizeof(float) + i) % 13) - 0.05f;
    written += bytes;
  }
  mutable std::atomic<std::size_t> written{0};
};

/// Convolutions and products of one input with weights that are not in memory.
struct FileNetwork {
  GraphMaker maker;
  std::vector<std::shared_ptr<const Counted>> sources;

  FileNetwork() {
    const auto weights = [&](const Shape& shape) {
      sources.push_back(std::make_shared<Counted>());
      return maker.constant(Tensor::from({DataType::Float32, shape}, sources.back()));
    };
    ValueId x = maker.input({1, 32, 9, 9});
    for (int i = 0; i < 6; ++i) {
      const ValueId w = weights({32, 32, 3, 3});
      x = maker.node("Relu", {maker.node("Conv", {x, w, maker.weights({32})},
                                         attributes({{"pads", std::vector<std::int64_t>{1, 1, 1, 1}}}))});
    }
    const ValueId product = maker.node("MatMul", {x, weights({9, 512})});
    maker.finish({maker.node("Sigmoid", {product})});
  }
};

TEST(CpuSharedWeights, ProgramsCompiledAtOnceReadTheFileOnceAndComputeTheSame) {
  const FileNetwork network;
  const auto devices = makeCpuDevices({});
  const std::vector<Tensor> inputs = randomInputs(network.maker.graph, 3);
  const std::vector<Tensor> expected = runReference(network.maker.graph, inputs);
  for (const auto& source : network.sources) source->written = 0;
  std::array<std::shared_ptr<const Program>, 4> programs;
  std::array<std::vector<Tensor>, 4> actual;
  onThreads(4, [&](int me) {
    const auto index = static_cast<std::size_t>(me);
    programs[index] = compileWhole(*devices.front(), network.maker.graph);
    const Bound bound = bindBuffers(*devices.front(), network.maker.graph, *programs[index], inputs);
    auto stream = std::move(devices.front()->createStream({1})).value();
    EXPECT_TRUE(bound.instance->run(*stream).ok());
    actual[index] = results(network.maker.graph, bound);
  });
  for (std::size_t i = 0; i < 4; ++i) {
    ASSERT_EQ(actual[i].size(), 1u);
    expectNear(actual[i][0], expected[0], 1e-4, "program " + std::to_string(i));
    auto pieces = programs[i]->memory().pieces, first = programs[0]->memory().pieces;
    std::sort(pieces.begin(), pieces.end());
    std::sort(first.begin(), first.end());
    EXPECT_EQ(pieces, first) << i;
  }
  for (std::size_t i = 0; i + 1 < network.sources.size(); ++i)
    EXPECT_EQ(network.sources[i]->written, std::size_t{32} * 32 * 9 * 4) << i;
}

TEST(CpuSharedWeights, AProgramMayGoWhileAnotherOnePrepares) {
  const FileNetwork network;
  const auto devices = makeCpuDevices({});
  const std::vector<Tensor> inputs = randomInputs(network.maker.graph, 3);
  const std::vector<Tensor> expected = runReference(network.maker.graph, inputs);
  onThreads(3, [&](int me) {
    for (int round = 0; round < 6; ++round) {
      const auto program = compileWhole(*devices.front(), network.maker.graph);
      if ((round + me) % 3 == 0) continue; // compiled and dropped
      const Bound bound = bindBuffers(*devices.front(), network.maker.graph, *program, inputs);
      auto stream = std::move(devices.front()->createStream({1})).value();
      EXPECT_TRUE(bound.instance->run(*stream).ok());
      expectNear(results(network.maker.graph, bound)[0], expected[0], 1e-4, "round " + std::to_string(round));
    }
  });
}

TEST(CpuSharedWeights, ACancelledCompilationLeavesWhatItSharesToTheOthers) {
  const FileNetwork network;
  const auto devices = makeCpuDevices({});
  const std::vector<Tensor> inputs = randomInputs(network.maker.graph, 3);
  const std::vector<Tensor> expected = runReference(network.maker.graph, inputs);
  Segment segment;
  segment.graph = &network.maker.graph;
  segment.nodes = topologicalOrder(network.maker.graph);
  segment.inputs = network.maker.graph.inputs();
  segment.outputs = network.maker.graph.outputs();
  for (int round = 0; round < 8; ++round) {
    ProgramOptions options;
    options.threads = 1;
    std::thread cancelling([&] { options.cancel.cancel(); });
    std::thread compiling([&] {
      const auto program = devices.front()->compile(segment, options);
      EXPECT_TRUE(program.ok() || program.error().code == ErrorCode::Cancelled);
    });
    const std::vector<Tensor> actual = runOn(*devices.front(), network.maker.graph, inputs);
    cancelling.join();
    compiling.join();
    ASSERT_EQ(actual.size(), 1u);
    expectNear(actual[0], expected[0], 1e-4, "round " + std::to_string(round));
  }
}

/// Instances of one program on a thread each, all running over and over.
void expectEqualOnThreads(const GraphMaker& maker, double tolerance, const std::string& kernel) {
  const auto devices = makeCpuDevices({});
  const std::vector<Tensor> inputs = randomInputs(maker.graph, 3);
  const std::vector<Tensor> expected = runReference(maker.graph, inputs);
  const auto shared = compileWhole(*devices.front(), maker.graph);
  EXPECT_EQ(shared->kernels().front().kernel.substr(0, kernel.size()), kernel);
  onThreads(4, [&](int me) {
    const auto program = me < 2 ? shared : compileWhole(*devices.front(), maker.graph);
    const Bound bound = bindBuffers(*devices.front(), maker.graph, *program, inputs);
    auto stream = std::move(devices.front()->createStream({1})).value();
    for (int run = 0; run < 5; ++run) EXPECT_TRUE(bound.instance->run(*stream).ok());
    expectNear(results(maker.graph, bound)[0], expected[0], tolerance, "thread " + std::to_string(me));
  });
}

TEST(CpuReplicas, RunRecurrentLayersSideBySide) {
  for (const char* type : {"RNN", "GRU", "LSTM"}) {
    SCOPED_TRACE(type);
    const std::int64_t gates = type == std::string("LSTM") ? 4 : type == std::string("GRU") ? 3 : 1;
    GraphMaker maker;
    const ValueId x = maker.input({12, 3, 20});
    maker.node(type, {x, maker.weights({2, gates * 40, 20}), maker.weights({2, gates * 40, 40})},
               attributes({{"hidden_size", std::int64_t{40}}, {"direction", std::string("bidirectional")}}), 2);
    maker.finish({maker.output(0)});
    expectEqualOnThreads(maker, 1e-5, "recurrent");
  }
}

TEST(CpuReplicas, RunAttentionSideBySide) {
  using Ints = std::vector<std::int64_t>;
  GraphMaker maker;
  const std::vector<ValueId> inputs{maker.input({2, 33, 4, 16}), maker.input({2, 40, 4, 16}),
                                    maker.input({2, 40, 4, 16})};
  maker.finish({maker.node("FusedAttention", inputs,
                           attributes({{"q_perm", Ints{0, 2, 1, 3}},
                                       {"k_perm", Ints{0, 2, 3, 1}},
                                       {"v_perm", Ints{0, 2, 1, 3}},
                                       {"y_perm", Ints{0, 2, 1, 3}},
                                       {"scale", 0.25f}}),
                           1, "tandem")});
  expectEqualOnThreads(maker, 1e-5, "attention");
}

} // namespace
} // namespace tandem
