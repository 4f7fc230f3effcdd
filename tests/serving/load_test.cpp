// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/clock.hpp"
#include "tests/serving/fixture.hpp"

#include <algorithm>

namespace tandem {
namespace {

using test::everything;

class LoadTest : public test::ServingTest {};

/// The load is issued before the replicas start and stopped at once: what is queued is what the scenario issues first.
TEST_F(LoadTest, ScenariosIssueTheirCountAndNoMore) {
  for (const auto& [text, count] :
       {std::pair{"single-stream", 1}, {"closed:5", 5}, {"multi-stream:3", 3}, {"offline:40", 40}}) {
    auto deployment = deploy("round-robin", {{}}, {1});
    const RequestData one = data(1);
    LoadGenerator generator(*Scenario::parse(text), deployment->router(), {.sizes = {&one}});
    generator.start();
    EXPECT_EQ(deployment->replicas()[0]->queued(), count) << text;
    generator.stop();
    start(*deployment);
    ASSERT_TRUE(generator.waitIdle(20'000)) << text;
    EXPECT_EQ(generator.underWay(), 0u);
    EXPECT_EQ(deployment->replicas()[0]->log().completed(), static_cast<std::uint64_t>(count));
  }
}

TEST_F(LoadTest, ClosedLoopsKeepTheirClientsBusy) {
  auto deployment = deploy("least-loaded", {{.streams = 2}}, {1});
  const RequestData one = data(1);
  LoadGenerator generator(*Scenario::parse("closed:4"), deployment->router(), {.sizes = {&one}});
  start(*deployment);
  generator.start();
  while (generator.log().completed() < 200) {
    // A completion issues the next request before it counts itself as done, on each of two streams.
    const std::uint64_t open = generator.underWay();
    ASSERT_GE(open, 4u);
    ASSERT_LE(open, 6u);
  }
  generator.stop();
  EXPECT_TRUE(generator.waitIdle(20'000));
}

TEST_F(LoadTest, ARoundTakesAsLongAsItsSlowestRequest) {
  auto deployment = deploy("round-robin", {{}}, {2});
  const RequestData two = data(2);
  LoadGenerator generator(*Scenario::parse("multi-stream:6"), deployment->router(), {.sizes = {&two}});
  generator.start();
  generator.stop();
  start(*deployment);
  ASSERT_TRUE(generator.waitIdle(20'000));
  const SampleWindow rounds = everything(generator.log());
  EXPECT_EQ(rounds.completed, 1u);
  EXPECT_EQ(rounds.items, 12u);
  EXPECT_EQ(rounds.latency.maxMs, everything(deployment->replicas()[0]->log()).latency.maxMs);
}

TEST_F(LoadTest, OpenLoopLatencyCountsFromTheScheduledArrival) {
  auto deployment = deploy("round-robin", {{}}, {1});
  const RequestData one = data(1);
  Replica& replica = *deployment->replicas()[0];
  LoadGenerator generator(*Scenario::parse("poisson:2000"), deployment->router(), {.sizes = {&one}});
  generator.start();
  while (replica.queued() < 1) std::this_thread::yield();
  const std::int64_t first = nowNs();
  while (replica.queued() < 50) std::this_thread::yield();
  const std::int64_t started = nowNs();
  generator.stop();
  start(*deployment);
  ASSERT_TRUE(generator.waitIdle(20'000));
  EXPECT_GE(everything(generator.log()).latency.maxMs, toMs(started - first));
  EXPECT_GT(everything(generator.log()).queueMs, 0);
}

TEST_F(LoadTest, RoutesBySizeNameAndTurn) {
  const RequestData small = data(1);
  const RequestData large = data(4);
  const std::vector<ReplicaOptions> two{{.name = "a"}, {.name = "b"}};
  const auto counts = [&](const char* route) {
    auto deployment = deploy(route, two, {1, 4});
    LoadGenerator generator(*Scenario::parse("offline:20"), deployment->router(),
                            {.sizes = {&small, &small, &small, &large}});
    generator.start();
    const std::pair<int, int> queued{deployment->replicas()[0]->queued(), deployment->replicas()[1]->queued()};
    start(*deployment);
    EXPECT_TRUE(generator.waitIdle(20'000));
    EXPECT_EQ(generator.log().completed(), 20u);
    EXPECT_TRUE(generator.finished());
    return queued;
  };
  EXPECT_EQ(counts("size:2"), std::pair(15, 5));
  EXPECT_EQ(counts("round-robin"), std::pair(10, 10));
  EXPECT_EQ(counts("pinned:b"), std::pair(0, 20));
}

TEST_F(LoadTest, SharesAddUpAndSplitRequestsComeBackWhole) {
  auto deployment = deploy("split", {{.name = "a"}, {.name = "b"}, {.name = "c"}}, {1, 16});
  for (int items = 1; items <= 200; ++items) {
    const auto shares = deployment->router().shares(items);
    int sum = 0;
    for (std::size_t i = 0; i < shares.size(); ++i) {
      EXPECT_GE(shares[i], 0);
      sum += shares[i];
    }
    EXPECT_EQ(sum, items);
  }
  const RequestData whole = data(16);
  LoadGenerator generator(*Scenario::parse("offline:5"), deployment->router(), {.sizes = {&whole}});
  start(*deployment);
  generator.start();
  ASSERT_TRUE(generator.waitIdle(20'000));
  EXPECT_EQ(generator.log().completed(), 5u);
  EXPECT_EQ(everything(generator.log()).items, 80u);
  std::uint64_t items = 0;
  for (const auto& replica : deployment->replicas()) items += everything(replica->log()).items;
  EXPECT_EQ(items, 80u);
}

TEST_F(LoadTest, QueuedRequestsAreJoinedAndPaddingIsCounted) {
  auto deployment = deploy("round-robin", {{.batching = {.maximum = 8, .preferred = {8}}}}, {8});
  const RequestData one = data(1);
  LoadGenerator generator(*Scenario::parse("offline:12"), deployment->router(), {.sizes = {&one}});
  generator.start();
  start(*deployment);
  ASSERT_TRUE(generator.waitIdle(20'000));
  EXPECT_EQ(generator.log().completed(), 12u);
  EXPECT_EQ(deployment->replicas()[0]->paddedItems(), 4u); // 8, then 4 in a slot of 8
}

TEST_F(LoadTest, VariantsOfManySizesAreBoundedAndPreparedOnesStay) {
  ReplicaPlan made = plan(*m_cpu, {});
  std::vector<std::weak_ptr<const Executable>> compiled;
  auto deployment = Deployment::create(
      [&] {
        auto factory = made.factory;
        made.factory = [factory, &compiled](int items) {
          auto executable = factory(items);
          if (executable) compiled.push_back(*executable);
          return executable;
        };
        std::vector<ReplicaPlan> plans;
        plans.push_back(std::move(made));
        return plans;
      }(),
      *Route::parse("round-robin"));
  ASSERT_TRUE(deployment.ok()) << deployment.error().line();
  Replica& replica = *(*deployment)->replicas()[0];
  ASSERT_TRUE(replica.prepare({1}).ok());
  constexpr int kSizes = 40;
  for (int items = 1; items <= kSizes; ++items) ASSERT_TRUE(replica.warmUp(data(items)).ok());
  EXPECT_EQ(replica.variants().size(), 1 + ModelBackend::kMaxExtraVariants);
  EXPECT_TRUE(replica.variants().contains(1));
  EXPECT_TRUE(replica.variants().contains(kSizes));
  EXPECT_FALSE(replica.variants().contains(2));
  const auto alive = std::count_if(compiled.begin(), compiled.end(), [](const auto& each) { return !each.expired(); });
  EXPECT_EQ(static_cast<std::size_t>(alive), replica.variants().size()); // dropped ones hold no weights
  EXPECT_TRUE(replica.warmUp(data(2)).ok());                             // and can come back
}

TEST_F(LoadTest, EveryReplicaIsProfiled) {
  auto deployment = deploy("round-robin", {{.profileEvery = 4}, {.profileEvery = 4}}, {1});
  const RequestData one = data(1);
  LoadGenerator generator(*Scenario::parse("offline:40"), deployment->router(), {.sizes = {&one}});
  start(*deployment);
  generator.start();
  ASSERT_TRUE(generator.waitIdle(20'000));
  for (const auto& replica : deployment->replicas()) EXPECT_GE(replica->log().meanComputeMs(), 0);
}

} // namespace
} // namespace tandem
