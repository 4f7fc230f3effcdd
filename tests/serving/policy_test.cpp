// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/batching.hpp"
#include "engine/serving/mlperf.hpp"
#include "engine/serving/ramp.hpp"
#include "engine/serving/sample_log.hpp"
#include "engine/serving/service_times.hpp"
#include "engine/serving/verdict.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

using Sizes = std::vector<int>;

TEST(BatchPolicy, CompilesForPowersOfTwoOrThePreferredSizes) {
  EXPECT_EQ((BatchPolicy{12, {}, 0, 0}.sizes()), (Sizes{1, 2, 4, 8, 12}));
  EXPECT_EQ((BatchPolicy{12, {6}, 0, 0}.sizes()), (Sizes{6, 12}));
  EXPECT_EQ(BatchPolicy().sizes(), Sizes());
}

TEST(Batcher, AimsForTheLargestPreferredSizeThatIsThere) {
  const Batcher batcher({16, {4, 8}, 5, 0});
  EXPECT_EQ(batcher.aim(3), 16); // not enough for any: all that comes before the delay is over
  EXPECT_EQ(batcher.aim(7), 4);
  EXPECT_EQ(batcher.aim(30), 8);
  EXPECT_TRUE(batcher.isEnough(4));
  EXPECT_FALSE(batcher.isEnough(5));
  EXPECT_TRUE(batcher.isEnough(16));
}

TEST(Batcher, GrowsWhileInTimeAndShrinksWhenLate) {
  Batcher batcher({8, {}, 0, 10});
  EXPECT_EQ(batcher.limit(), 1);
  const auto run = [&](int times, double ms) {
    for (int i = 0; i < times; ++i) batcher.executed(batcher.limit(), ms * 1e6);
  };
  run(8, 2);
  EXPECT_EQ(batcher.limit(), 2);
  run(16, 4);
  EXPECT_EQ(batcher.limit(), 8);
  run(100, 9);
  EXPECT_EQ(batcher.limit(), 8);
  run(1, 11);
  EXPECT_EQ(batcher.limit(), 4);
  batcher.executed(1, 1e6); // small batches say nothing about larger ones
  EXPECT_EQ(batcher.limit(), 4);
}

TEST(ServiceTimes, InterpolateBetweenSizesAndExtendBeyondThem) {
  ServiceTimes times;
  EXPECT_EQ(times.ns(4), 0);
  times.learn(2, 20);
  EXPECT_EQ(times.ns(1), 20); // padded
  EXPECT_EQ(times.ns(4), 40);
  times.learn(6, 40);
  EXPECT_EQ(times.ns(4), 30);
  EXPECT_EQ(times.ns(12), 80);
}

TEST(ServiceTimes, FollowChangesAndKnowHowMuchSlowerThingsBecame) {
  ServiceTimes times;
  for (int i = 0; i < 20; ++i) times.learn(1, 100);
  EXPECT_EQ(times.slowdown(), 1);
  for (int i = 0; i < 100; ++i) times.learn(1, 10'000);
  EXPECT_NEAR(times.ns(1), 10'000, 100);
  EXPECT_GT(times.slowdown(), 90);
  for (int size = 2; size < 200; ++size) times.learn(size, 100.0 * size); // more sizes than are kept
  EXPECT_GT(times.ns(150), 0);
}

Completion ended(std::int64_t scheduled, std::int64_t end, Status status = Status::Done, Priority priority = {}) {
  return {1, 2, scheduled, scheduled, scheduled + 1, end, -1, -1, status, priority};
}

TEST(SampleLog, CountsEveryKindOfEndInItsWindow) {
  SampleLog log;
  log.add(ended(0, 100));
  log.add(ended(0, 200, Status::Failed));
  log.add(ended(0, 300, Status::Cancelled));
  log.add(ended(0, 400, Status::Rejected));
  log.add(ended(0, 500, Status::Done, Priority::Bulk));
  const SampleWindow all = log.window(0, INT64_MAX);
  EXPECT_EQ(all.completed, 2u);
  EXPECT_EQ(all.items, 4u);
  EXPECT_EQ(all.failed, 1u);
  EXPECT_EQ(all.cancelled, 1u);
  EXPECT_EQ(all.rejected, 1u);
  EXPECT_EQ(all.byPriority[1].count, 1u);
  EXPECT_EQ(log.window(150, 450).completed, 0u);
}

TEST(SampleLog, MeasuresBetweenBeginAndEndOnlyAndAgain) {
  SampleLog log;
  log.add(ended(0, 100));
  EXPECT_EQ(log.measured().completed, 0u);
  log.beginMeasuring(150);
  log.add(ended(100, 200));
  log.add(ended(100, 300));
  log.endMeasuring(300);
  log.add(ended(100, 400));
  EXPECT_EQ(log.measured().completed, 1u);
  log.beginMeasuring(500);
  log.add(ended(100, 600));
  EXPECT_EQ(log.measured().completed, 1u);
  EXPECT_EQ(log.completed(), 5u);
}

TEST(SampleLog, BeyondWhatItKeepsCountsAreExactAndPercentilesNearlySo) {
  SampleLog log;
  log.beginMeasuring(1);
  const auto count = static_cast<std::int64_t>(SampleLog::kKept + 1000);
  for (std::int64_t i = 0; i < count; ++i) log.add(ended(i, i + 1'000'000 + i % 1000 * 1000));
  const SampleWindow measured = log.measured();
  EXPECT_FALSE(measured.isExact);
  EXPECT_EQ(measured.completed, static_cast<std::uint64_t>(count));
  EXPECT_EQ(measured.latency.count, static_cast<std::uint64_t>(count));
  EXPECT_NEAR(measured.latency.p50Ms, 1.5, 1.5 * 0.009);
  EXPECT_NEAR(measured.latency.p99Ms, 1.99, 1.99 * 0.009);
  EXPECT_NEAR(log.quantilesMs(101)[50], 1.5, 1.5 * 0.009);
}

/// A server whose p99 is below the bound up to `limit`.
RampOutcome rampOf(double capacity, double limit) {
  RampOutcome ramp;
  ramp.capacityPerS = capacity;
  while (const auto rate = nextRate(ramp)) {
    ramp.steps.push_back({*rate, 0, 1, 0, *rate <= limit, true});
    if (*rate <= limit) ramp.bestPerS = std::max(ramp.bestPerS, *rate);
  }
  return ramp;
}

TEST(Ramp, ClosesInOnTheHighestRateThatHolds) {
  for (double limit : {130.0, 300.0, 512.0, 777.0, 930.0}) {
    const RampOutcome ramp = rampOf(1000, limit);
    EXPECT_LE(ramp.bestPerS, limit);
    EXPECT_GE(ramp.bestPerS, limit / 1.06) << limit;
    EXPECT_LE(ramp.steps.size(), static_cast<std::size_t>(kRampSteps));
  }
}

TEST(Ramp, EndsWhereNothingHoldsAndWhereEverythingDoes) {
  EXPECT_EQ(rampOf(1000, 0).bestPerS, 0);
  EXPECT_EQ(rampOf(1000, 5000).bestPerS, 1000);
  EXPECT_FALSE(nextRate(RampOutcome()));
}

VerdictFacts twoReplicas(double together) {
  VerdictFacts facts;
  VerdictPart cpu, gpu;
  cpu.name = "CPU:0";
  cpu.aloneItemsPerS = 40;
  cpu.aloneP99Ms = 30;
  cpu.busyFraction = 1;
  gpu.name = "GPU:0";
  gpu.aloneItemsPerS = 100;
  gpu.aloneP99Ms = 12;
  gpu.busyFraction = 1;
  gpu.copyBytes = 1 << 20;
  facts.parts = {cpu, gpu};
  facts.togetherItemsPerS = together;
  return facts;
}

bool mentions(const Verdict& verdict, std::string_view text) {
  return std::any_of(verdict.reasons.begin(), verdict.reasons.end(),
                     [&](const std::string& reason) { return reason.find(text) != std::string::npos; });
}

TEST(Verdict, ComparesWithTheBestAloneAndWithTheBound) {
  const Verdict verdict = judge(twoReplicas(126));
  EXPECT_EQ(verdict.best, "GPU:0");
  EXPECT_DOUBLE_EQ(verdict.gain, 1.26);
  EXPECT_DOUBLE_EQ(verdict.bound, 1.4);
  EXPECT_DOUBLE_EQ(verdict.reached, 0.9);
  EXPECT_TRUE(verdict.summary.starts_with("Using all at once pays")) << verdict.summary;
  EXPECT_TRUE(mentions(verdict, "cost of CPU:0"));
  EXPECT_TRUE(judge(twoReplicas(101)).summary.starts_with("Using all at once gives nothing"));
  EXPECT_TRUE(judge(twoReplicas(80)).summary.starts_with("Using all at once costs"));
}

TEST(Verdict, ComparesNothingWhereAReplicaWasMeasuredTooShort) {
  VerdictFacts facts = twoReplicas(126);
  facts.parts[0].aloneItemsPerS = 0;
  const Verdict verdict = judge(facts);
  EXPECT_TRUE(verdict.summary.starts_with("Nothing can be compared: CPU:0")) << verdict.summary;
  EXPECT_EQ(verdict.gain, 0);
  EXPECT_TRUE(verdict.reasons.empty());
}

TEST(Verdict, SaysWhatHeldItBack) {
  VerdictFacts facts = twoReplicas(105);
  facts.parts[0].busyFraction = 0.4;
  facts.parts[1].aloneServiceMs = 10;
  facts.parts[1].togetherServiceMs = 14;
  facts.transferMs = 5;
  facts.computeMs = 5;
  facts.togetherP99Ms = 40;
  facts.inFlight = 1;
  const Verdict verdict = judge(facts);
  for (const char* reason : {"imbalance: CPU:0 worked 40 %", "contention: an execution on GPU:0 takes 1.40 times",
                             "transfers: 50 %", "tail: p99 latency is 40.0 ms", "only 1 request in flight"})
    EXPECT_TRUE(mentions(verdict, reason)) << reason;
}

TEST(Verdict, AnOpenLoopIsNotBlamedForWhatDidNotArrive) {
  VerdictFacts facts = twoReplicas(20);
  facts.loadSaturates = false;
  facts.parts[0].busyFraction = 0.1;
  const Verdict verdict = judge(facts);
  EXPECT_NE(verdict.summary.find("arrived"), std::string::npos);
  EXPECT_FALSE(mentions(verdict, "imbalance"));
}

TEST(Mlperf, SaysWhatItsRulesAskForBeyondARun) {
  SampleWindow window;
  window.completed = 100;
  const MlperfCheck server = checkMlperf(*Scenario::parse("poisson:50"), window, 10);
  EXPECT_EQ(server.scenario, "Server");
  EXPECT_EQ(server.missing.size(), 2u); // time and queries
  window.completed = 700;
  EXPECT_TRUE(checkMlperf(*Scenario::parse("poisson:50"), window, 600).valid());
  EXPECT_FALSE(checkMlperf(*Scenario::parse("multi-stream:4"), window, 600).valid());
  EXPECT_TRUE(checkMlperf(*Scenario::parse("closed:4"), window, 600).scenario.empty());
}

} // namespace
} // namespace tandem
