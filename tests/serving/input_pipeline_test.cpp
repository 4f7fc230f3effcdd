// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/serving/item_sources.hpp"

#include <algorithm>
#include <gmock/gmock.h>
#include <latch>
#include <map>
#include <set>

namespace tandem::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

PipelineOptions options(int threads, int prefetch) {
  PipelineOptions made;
  made.threads = threads;
  made.prefetch = prefetch;
  return made;
}

TEST(InputPipeline, DeliversItemsInOrderFromSeveralThreads) {
  NumberSource source(7);
  InputPipeline pipeline(source, {1, 3}, options(4, 5));
  pipeline.start();
  const std::vector<int> numbers = takeNumbers(pipeline, 200);
  ASSERT_EQ(numbers.size(), 400u);
  for (std::size_t i = 0; i < numbers.size(); ++i) ASSERT_EQ(numbers[i], static_cast<int>(i % 7)) << i;
}

TEST(InputPipeline, CallsWaitingTakersInTheOrderInWhichTheyCame) {
  NumberSource source(1000);
  InputPipeline pipeline(source, {1}, options(4, 2));
  std::vector<int> order, numbers; // by the takers, which are called one at a time
  std::latch all(300);
  for (int i = 0; i < 300; ++i)
    pipeline.take([&, i](Taken taken) {
      order.push_back(i);
      numbers.push_back(numbersOf(**taken).front());
      all.count_down();
    });
  pipeline.start();
  all.wait();
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(order, numbers);
}

TEST(InputPipeline, MixesRequestSizesEvenlyAndTheSameWayForOneSeed) {
  auto sizesOf = [](std::uint64_t seed) {
    NumberSource source(3);
    PipelineOptions made = options(2, 4);
    made.seed = seed;
    InputPipeline pipeline(source, {1, 2, 8}, made);
    pipeline.start();
    std::vector<int> sizes;
    for (int i = 0; i < 30; ++i) sizes.push_back((*takeOne(pipeline))->items);
    return sizes;
  };
  const std::vector<int> sizes = sizesOf(5);
  for (std::size_t block = 0; block < sizes.size(); block += 3) {
    std::vector<int> part(sizes.begin() + static_cast<long>(block), sizes.begin() + static_cast<long>(block) + 3);
    std::sort(part.begin(), part.end());
    EXPECT_THAT(part, ElementsAre(1, 2, 8));
  }
  EXPECT_EQ(sizes, sizesOf(5));
  EXPECT_NE(sizes, sizesOf(6));
}

TEST(InputPipeline, ReadsAheadOfItsTakersByThePrefetchAndNoFurther) {
  /// Notes how far reads ever were ahead of what had been asked for.
  struct Watching : NumberSource {
    using NumberSource::NumberSource;
    Result<std::vector<Tensor>> read(std::size_t index, PipelineStages& stages) override {
      const int ahead = reads.load() + 1 - asked.load();
      int most = farthest.load();
      while (ahead > most && !farthest.compare_exchange_weak(most, ahead)) {}
      return NumberSource::read(index, stages);
    }
    std::atomic<int> asked{0}, farthest{0};
  } source(10);
  InputPipeline pipeline(source, {1}, options(1, 3));
  pipeline.start();
  for (int i = 0; i < 500; ++i) {
    ++source.asked;
    ASSERT_TRUE(takeOne(pipeline).ok());
  }
  pipeline.stop();
  EXPECT_LE(source.farthest, 3);
  EXPECT_LE(source.reads, 503);
}

TEST(InputPipeline, StopCallsEveryWaitingTakerOnceWithCancelled) {
  GatedSource source(4);
  InputPipeline pipeline(source, {1}, options(1, 2));
  std::vector<int> calls(5);
  for (int& each : calls)
    pipeline.take([&](const Taken& taken) {
      EXPECT_EQ(taken.ok() ? ErrorCode::Internal : taken.error().code, ErrorCode::Cancelled);
      ++each;
    });
  pipeline.stop(); // never started
  EXPECT_THAT(calls, ElementsAre(1, 1, 1, 1, 1));
  pipeline.stop();
  EXPECT_THAT(calls, ElementsAre(1, 1, 1, 1, 1));
  EXPECT_EQ(takeOne(pipeline).error().code, ErrorCode::Cancelled);
  pipeline.start(); // too late, and does nothing
  EXPECT_EQ(takeOne(pipeline).error().code, ErrorCode::Cancelled);
}

TEST(InputPipeline, EveryTakerIsCalledOnceWhileManyThreadsTakeAndOneStops) {
  for (int round = 0; round < 20; ++round) {
    NumberSource source(5);
    InputPipeline pipeline(source, {1, 2}, options(3, 2));
    pipeline.start();
    constexpr int kTakers = 4, kEach = 50;
    std::vector<std::atomic<int>> calls(kTakers * kEach);
    std::latch begun(kTakers);
    std::atomic<int> delivered{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < kTakers; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < kEach; ++i) {
          auto& own = calls[static_cast<std::size_t>(t * kEach + i)];
          pipeline.take([&](const Taken& taken) {
            ++own;
            if (taken) ++delivered;
          });
          if (i == kEach / 4) begun.count_down();
        }
      });
    begun.wait();
    pipeline.stop();
    for (std::thread& each : threads) each.join();
    for (const auto& each : calls) ASSERT_EQ(each, 1);
    EXPECT_EQ(pipeline.statistics().taken, static_cast<std::uint64_t>(delivered));
  }
}

TEST(InputPipeline, ATakerMayTakeAgainWithoutEndingUpInItself) {
  NumberSource source(100);
  InputPipeline pipeline(source, {1}, options(2, 8));
  pipeline.start();
  std::atomic<int> nested{0}, deepest{0}, calls{0};
  std::promise<void> done;
  std::function<void(Taken)> again = [&](const Taken& taken) {
    deepest = std::max(deepest.load(), ++nested);
    EXPECT_EQ(numbersOf(**taken).front(), calls % 100);
    if (++calls < 1000)
      pipeline.take(again);
    else
      done.set_value();
    --nested;
  };
  pipeline.take(again);
  done.get_future().wait();
  pipeline.stop();
  EXPECT_EQ(deepest, 1);
  EXPECT_EQ(calls, 1000);
}

TEST(InputPipeline, DamagedItemsAreLeftOutCountedNamedAndNotTriedAgain) {
  NumberSource source(8);
  source.bad = {2, 5};
  InputPipeline pipeline(source, {4}, options(1, 2));
  pipeline.start();
  EXPECT_THAT(takeNumbers(pipeline, 4), ElementsAre(0, 1, 3, 3, 4, 6, 6, 7, 0, 1, 3, 3, 4, 6, 6, 7));
  pipeline.stop();
  const PipelineStatistics statistics = pipeline.statistics();
  EXPECT_EQ(statistics.failedItems, 2u);
  EXPECT_THAT(statistics.failedNames, ElementsAre("item 3 of 8", "item 6 of 8"));
  ASSERT_TRUE(statistics.firstError.has_value());
  EXPECT_EQ(statistics.firstError->where, "item 2");
  EXPECT_EQ(static_cast<std::uint64_t>(source.reads), statistics.items + 2); // each of the two was read once
}

TEST(InputPipeline, WhatStandsInForADamagedItemDoesNotDependOnThreads) {
  auto numbers = [](int threads) {
    NumberSource source(9);
    source.bad = {0, 1, 7};
    InputPipeline pipeline(source, {2}, options(threads, 3));
    pipeline.start();
    return takeNumbers(pipeline, 60);
  };
  EXPECT_EQ(numbers(1), numbers(4));
}

TEST(InputPipeline, TakersGetTheErrorWhereEveryItemFails) {
  NumberSource source(3);
  source.bad = {0, 1, 2};
  InputPipeline pipeline(source, {1, 4}, options(2, 2));
  pipeline.start();
  for (int i = 0; i < 10; ++i) {
    const Taken taken = takeOne(pipeline);
    ASSERT_FALSE(taken.ok());
    EXPECT_EQ(taken.error().code, ErrorCode::InputRejected);
  }
  pipeline.stop();
  EXPECT_EQ(pipeline.statistics().failedItems, 3u);
  EXPECT_EQ(pipeline.statistics().items, 0u);
}

TEST(InputPipeline, AnItemOfAnotherShapeIsLeftOutAndNamed) {
  struct Odd : NumberSource {
    using NumberSource::NumberSource;
    Result<std::vector<Tensor>> read(std::size_t index, PipelineStages& stages) override {
      if (index == 1) return std::vector{Tensor::zeros({DataType::Float32, {1, 3}})};
      return NumberSource::read(index, stages);
    }
  } source(3, 2);
  InputPipeline pipeline(source, {2}, options(1, 1));
  pipeline.start();
  EXPECT_THAT(takeNumbers(pipeline, 2), ElementsAre(0, 2, 2, 0));
  pipeline.stop();
  const PipelineStatistics statistics = pipeline.statistics();
  ASSERT_TRUE(statistics.firstError.has_value());
  EXPECT_EQ(statistics.firstError->line(),
            "the input is float32 1x3, a request of 2 item(s) needs float32 2x2 (item 2 of 3): give inputs of one item "
            "each, all of one shape");
}

TEST(InputPipeline, ARequestThatFitsNoMemoryIsRefused) {
  NumberSource source(2, std::int64_t{1} << 20);
  InputPipeline pipeline(source, {1 << 24}, options(1, 1)); // 64 TiB
  pipeline.start();
  const Taken taken = takeOne(pipeline);
  ASSERT_FALSE(taken.ok());
  EXPECT_EQ(taken.error().code, ErrorCode::DeviceFailed);
  EXPECT_THAT(taken.error().message, HasSubstr("70368744177664 bytes"));
  pipeline.stop();
  EXPECT_EQ(pipeline.statistics().failedItems, 0u); // no item is to blame
}

TEST(InputPipeline, UsesTheMemoryOfFormerRequestsAgain) {
  NumberSource source(50, 1000);
  InputPipeline pipeline(source, {2}, options(2, 3));
  pipeline.start();
  std::set<const void*> places;
  std::vector<std::shared_ptr<const RequestData>> held; // three in flight
  for (int i = 0; i < 400; ++i) {
    Taken taken = takeOne(pipeline);
    ASSERT_TRUE(taken.ok());
    EXPECT_THAT(numbersOf(**taken), ElementsAre(i * 2 % 50, i * 2 % 50 + 1));
    places.insert((*taken)->inputs[0].data());
    held.push_back(*std::move(taken));
    if (held.size() > 3) held.erase(held.begin());
  }
  // Three held, one between the two, three ready or being made, and one more that a waiting taker allows.
  EXPECT_LE(places.size(), 8u);
  EXPECT_LE(pipeline.statistics().buffers, 8u);
  EXPECT_EQ(pipeline.statistics().bufferBytes,
            static_cast<std::int64_t>(pipeline.statistics().buffers) * 2 * 1000 * std::int64_t{sizeof(float)});
}

TEST(InputPipeline, ARequestOutlivesThePipelineThatMadeIt) {
  std::shared_ptr<const RequestData> data;
  {
    NumberSource source(5);
    InputPipeline pipeline(source, {3}, options(1, 1));
    pipeline.start();
    data = *takeOne(pipeline);
  }
  EXPECT_THAT(numbersOf(*data), ElementsAre(0, 1, 2));
}

TEST(InputPipeline, ShufflesEveryPassAnewAndTheSameWayForOneSeed) {
  auto numbers = [](std::uint64_t seed) {
    NumberSource source(20);
    PipelineOptions made = options(3, 4);
    made.shuffle = true;
    made.seed = seed;
    InputPipeline pipeline(source, {1}, made);
    pipeline.start();
    return takeNumbers(pipeline, 40);
  };
  const std::vector<int> all = numbers(3);
  const std::vector<int> first(all.begin(), all.begin() + 20), second(all.begin() + 20, all.end());
  EXPECT_NE(first, second);
  EXPECT_EQ(std::set<int>(first.begin(), first.end()).size(), 20u);
  EXPECT_EQ(std::set<int>(second.begin(), second.end()).size(), 20u);
  EXPECT_EQ(all, numbers(3));
  EXPECT_NE(all, numbers(4));
}

TEST(InputPipeline, KeepsItsThreadsOnTheirCores) {
  struct Where : NumberSource {
    using NumberSource::NumberSource;
    Result<std::vector<Tensor>> read(std::size_t index, PipelineStages& stages) override {
      if (CpuSet::available() != wanted) ++elsewhere;
      return NumberSource::read(index, stages);
    }
    CpuSet wanted;
    std::atomic<int> elsewhere{0};
  } source(4);
  source.wanted = CpuSet({CpuSet::available().cpus().back()});
  PipelineOptions made = options(2, 2);
  made.cores = source.wanted;
  InputPipeline pipeline(source, {1}, made);
  pipeline.start();
  EXPECT_EQ(takeNumbers(pipeline, 20).size(), 20u);
  EXPECT_EQ(source.elsewhere, 0);
  EXPECT_EQ(pipeline.statistics().processors, 1);
  EXPECT_THAT(pipeline.statistics().problem, IsEmpty());
}

TEST(InputPipeline, SaysSoWhereTheSystemRefusesTheCores) {
  NumberSource source(4);
  PipelineOptions made = options(1, 1);
  made.cores = CpuSet({1023});
  InputPipeline pipeline(source, {1}, made);
  pipeline.start();
  ASSERT_TRUE(takeOne(pipeline).ok());
  EXPECT_THAT(pipeline.statistics().problem, HasSubstr("1023"));
}

TEST(InputPipeline, WritesEveryStageOfEveryItemIntoTheTrace) {
  NumberSource source(6);
  TraceRecorder recorder;
  PipelineOptions made = options(2, 3);
  made.trace = &recorder;
  InputPipeline pipeline(source, {3}, made);
  pipeline.start();
  ASSERT_EQ(takeNumbers(pipeline, 10).size(), 30u);
  pipeline.stop();
  const TraceRecorder::Copy copy = recorder.copy();
  std::map<std::uint64_t, int> decoded; // by request
  std::set<std::string> names;
  for (const auto& track : copy.tracks) {
    EXPECT_THAT(track.name, HasSubstr("preprocess "));
    for (const TraceEvent& event : track.events) {
      EXPECT_EQ(event.kind, TraceKind::Preprocess);
      names.insert(copy.labels.at(event.label));
      if (copy.labels[event.label] != "decode") continue;
      EXPECT_EQ(event.endNs - event.startNs, 20); // as the source says
      ++decoded[event.request];
    }
  }
  EXPECT_EQ(copy.tracks.size(), 2u);
  EXPECT_TRUE(names.contains("read") && names.contains("decode"));
  for (std::uint64_t request = 1; request <= 10; ++request) EXPECT_EQ(decoded[request], 3) << request;
  const PipelineStatistics statistics = pipeline.statistics();
  EXPECT_EQ(statistics.stages.decodeNs, static_cast<std::int64_t>(statistics.items) * 20);
  EXPECT_GE(statistics.items, 30u);
}

/// A pipeline of one thread whose clock, device and reads the test moves by hand.
class PipelineTime : public testing::Test {
 protected:
  void SetUp() override {
    PipelineOptions made = options(1, 2);
    made.clock = [this] { return m_now.load(); };
    made.devices = {{"GPU:0", [this] { return m_busy.load(); }}};
    m_pipeline = std::make_unique<InputPipeline>(m_source, std::vector{1}, made);
  }
  void TearDown() override {
    m_source.allow(100);
    m_pipeline->stop();
  }
  std::atomic<std::int64_t> m_now{0}, m_busy{0};
  GatedSource m_source{10};
  std::unique_ptr<InputPipeline> m_pipeline;
};

TEST_F(PipelineTime, CountsAsStarvedWhileARequestIsWantedAndNoneIsReady) {
  m_pipeline->start();
  m_source.waitForRead();
  m_now = 100;
  std::promise<void> called;
  m_pipeline->take([&](const Taken& taken) {
    EXPECT_TRUE(taken.ok());
    called.set_value();
  });
  m_busy = 120; // the device was at something else for 120 of the 300
  m_now = 400;
  m_source.allow();
  called.get_future().wait();
  const PipelineStatistics statistics = m_pipeline->statistics();
  EXPECT_EQ(statistics.starvedNs, 300);
  EXPECT_EQ(statistics.devices.at(0).id, "GPU:0");
  EXPECT_EQ(statistics.devices.at(0).idleNs, 180);
  EXPECT_EQ(statistics.waits, 1u);
  EXPECT_EQ(statistics.taken, 1u);
  EXPECT_EQ(statistics.items, 1u);
}

TEST_F(PipelineTime, DoesNotCountAsStarvedWhatWasReadyOrNotWanted) {
  m_pipeline->start();
  m_source.waitForRead();
  m_source.allow();
  m_now = 600;
  m_source.waitForRead(); // the first one is ready
  m_now = 1000;
  const auto caller = std::this_thread::get_id();
  bool called = false;
  m_pipeline->take([&](const Taken& taken) {
    EXPECT_TRUE(taken.ok());
    EXPECT_EQ(std::this_thread::get_id(), caller); // at once, on this thread
    called = true;
  });
  EXPECT_TRUE(called);
  const PipelineStatistics statistics = m_pipeline->statistics();
  EXPECT_EQ(statistics.starvedNs, 0);
  EXPECT_EQ(statistics.waits, 0u);
  EXPECT_EQ(statistics.devices.at(0).idleNs, 0);
  EXPECT_GE(statistics.meanDepth, 0.4); // ready at 600 at the latest, taken at 1000
  EXPECT_LE(statistics.meanDepth, 1.0);
  EXPECT_DOUBLE_EQ(statistics.busyFraction, 1.0); // it went from one read to the next
}

TEST_F(PipelineTime, AResetCountsFromThenOnAlsoInTheMiddleOfAWait) {
  m_pipeline->start();
  m_source.waitForRead();
  std::promise<void> called;
  m_pipeline->take([&](const Taken&) { called.set_value(); });
  m_now = 700;
  m_busy = 200;
  m_pipeline->resetStatistics();
  m_now = 1000;
  m_busy = 250;
  PipelineStatistics statistics = m_pipeline->statistics(); // while it goes on
  EXPECT_EQ(statistics.starvedNs, 300);
  EXPECT_EQ(statistics.devices.at(0).idleNs, 250);
  EXPECT_DOUBLE_EQ(statistics.elapsedS, 300e-9);
  EXPECT_EQ(statistics.waits, 0u);
  EXPECT_EQ(statistics.items, 0u);
  m_source.allow();
  called.get_future().wait();
  m_source.waitForRead();
  m_now = 2000; // nobody waits any more
  statistics = m_pipeline->statistics();
  EXPECT_EQ(statistics.starvedNs, 300);
  EXPECT_EQ(statistics.devices.at(0).idleNs, 250);
  EXPECT_DOUBLE_EQ(statistics.busyFraction, 1.0);
  EXPECT_NEAR(statistics.itemsPerS(), 1 / 1300e-9, 1); // one item in 1300 ns of work
}

} // namespace
} // namespace tandem::test
