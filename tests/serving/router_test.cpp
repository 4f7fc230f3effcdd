// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/clock.hpp"
#include "tests/serving/fake_backend.hpp"

#include <random>

namespace tandem {
namespace {

using test::deployFakes;
using test::fakePlan;
using test::requestOf;
using test::Tally;
using test::tookNs;

const RequestData kOne{1, {}};
const RequestData kSixteen{16, {}};

/// Holds every execution back until it is let go.
class Gate {
 public:
  Result<RunTimes> pass(std::int64_t ns) {
    m_waiting.fetch_add(1);
    m_waiting.notify_all();
    m_open.wait(false);
    m_waiting.fetch_sub(1);
    return tookNs(ns);
  }
  void awaitOne() const {
    while (m_waiting.load() == 0) m_waiting.wait(0);
  }
  void open() {
    m_open = true;
    m_open.notify_all();
  }

 private:
  std::atomic<bool> m_open{false};
  std::atomic<int> m_waiting{0};
};

TEST(Router, EveryOneOfTenThousandRequestsAtOnceEndsOnce) {
  constexpr std::size_t kRequests = 10'000;
  auto quick = [](auto, int) -> Result<RunTimes> { return tookNs(1000); };
  auto deployment = deployFakes({fakePlan("a", quick), fakePlan("b", quick)}, "predicted-finish");
  Tally tally(kRequests);
  for (std::uint64_t id = 1; id <= kRequests; ++id) deployment->router().submit(requestOf(id, kOne, tally));
  deployment->start();
  tally.waitFor(kRequests);
  EXPECT_EQ(tally.wrong(), 0u);
  EXPECT_EQ(tally.count(Status::Done), kRequests);
  test::awaitEmpty(deployment->table());
}

TEST(Router, AFullDeploymentRefusesAndSaysSo) {
  DeploymentOptions small;
  small.queueLimit = 100;
  auto deployment =
      deployFakes({fakePlan("a", [](auto, int) -> Result<RunTimes> { return tookNs(1); })}, "round-robin", small);
  Tally tally(150);
  std::size_t refused = 0;
  for (std::uint64_t id = 1; id <= 150; ++id) refused += deployment->router().submit(requestOf(id, kOne, tally)) == 0;
  EXPECT_EQ(refused, 50u);
  EXPECT_EQ(tally.count(Status::Rejected), 50u);
  deployment->start();
  tally.waitFor(150);
  EXPECT_EQ(tally.count(Status::Done), 100u);
  EXPECT_EQ(tally.wrong(), 0u);
}

/// Mixed sizes and classes, random cancels, random device faults of one in a thousand.
void endsOnce(const char* route, std::size_t requests) {
  std::atomic<std::uint64_t> executions{0};
  auto faulty = [&](auto, int) -> Result<RunTimes> {
    if (executions.fetch_add(1) % 1000 == 999) return makeError(ErrorCode::DeviceFailed, "injected", "FAKE:0");
    return tookNs(500);
  };
  ReplicaOptions joined;
  joined.streams = 2;
  joined.batching.maximum = 4;
  DeploymentOptions options;
  options.queueLimit = 4096;
  auto deployment = deployFakes({fakePlan("a", faulty, joined), fakePlan("b", faulty)}, route, options);
  deployment->start();
  Tally tally(requests);
  constexpr int kClients = 2;
  std::vector<std::thread> clients;
  std::atomic<std::uint64_t> next{1};
  for (int c = 0; c < kClients; ++c)
    clients.emplace_back([&, c] {
      std::mt19937_64 random(static_cast<std::uint64_t>(c) + 1);
      std::vector<Ticket> open;
      for (std::uint64_t id = next.fetch_add(1); id <= requests; id = next.fetch_add(1)) {
        const RequestData& data = random() % 8 == 0 ? kSixteen : kOne;
        const auto priority = random() % 4 == 0 ? Priority::Bulk : Priority::Latency;
        open.push_back(deployment->router().submit(requestOf(id, data, tally, priority)));
        if (random() % 5 == 0) {
          const std::size_t which = random() % open.size();
          deployment->router().cancel(open[which]);
          open.erase(open.begin() + static_cast<std::ptrdiff_t>(which));
        }
        if (open.size() > 512) open.clear();
      }
    });
  for (std::thread& client : clients) client.join();
  tally.waitFor(requests);
  EXPECT_EQ(tally.wrong(), 0u);
  EXPECT_EQ(tally.count(Status::Done) + tally.count(Status::Failed) + tally.count(Status::Cancelled) +
                tally.count(Status::Rejected),
            requests);
  EXPECT_GT(tally.count(Status::Done), requests / 20);
  EXPECT_GT(tally.count(Status::Cancelled), 0u);
  deployment.reset(); // what a worker or a queue still names is let go here
}

TEST(Router, OneMillionMixedRequestsWithCancelsAndFaultsEndOnce) { endsOnce("predicted-finish", 1'000'000); }

TEST(Router, SplitRequestsWithCancelsAndFaultsEndOnce) { endsOnce("split", 100'000); }

TEST(Router, ACancelledRequestEndsAtOnceWhereverItIs) {
  Gate gate;
  auto deployment = deployFakes({fakePlan("a", [&](auto, int) { return gate.pass(1); })}, "round-robin");
  deployment->start();
  Tally tally(2);
  const Ticket running = deployment->router().submit(requestOf(1, kOne, tally));
  gate.awaitOne();
  const Ticket waiting = deployment->router().submit(requestOf(2, kOne, tally));
  EXPECT_TRUE(deployment->router().cancel(running));
  EXPECT_TRUE(deployment->router().cancel(waiting));
  EXPECT_FALSE(deployment->router().cancel(running));
  EXPECT_EQ(tally.count(Status::Cancelled), 2u); // although the device is still at it
  gate.open();
  deployment.reset();
  EXPECT_EQ(tally.wrong(), 0u);
}

TEST(Router, ACancelledSplitRequestEndsOnceAndItsPartsAreThrownAway) {
  Gate gate;
  auto held = [&](auto, int) { return gate.pass(1); };
  auto deployment = deployFakes({fakePlan("a", held), fakePlan("b", held)}, "split");
  deployment->start();
  Tally tally(1);
  const Ticket whole = deployment->router().submit(requestOf(1, kSixteen, tally));
  gate.awaitOne();
  EXPECT_TRUE(deployment->router().cancel(whole));
  gate.open();
  deployment.reset();
  EXPECT_EQ(tally.count(Status::Cancelled), 1u);
  EXPECT_EQ(tally.wrong(), 0u);
}

TEST(Router, WhatWouldBeLateIsRefusedAndBulkIsNot) {
  Gate gate;
  auto deployment = deployFakes({fakePlan("a", [&](auto, int) { return gate.pass(10'000'000); })}, "slo:35");
  Replica& replica = *deployment->replicas()[0];
  // Ten milliseconds each: the fourth in line would take forty.
  const_cast<ServiceTimes&>(replica.serviceTimes()).learn(1, 10e6);
  Tally tally(10);
  for (std::uint64_t id = 1; id <= 6; ++id) {
    Request request = requestOf(id, kOne, tally);
    request.scheduledNs = nowNs();
    deployment->router().submit(request);
  }
  EXPECT_EQ(tally.count(Status::Rejected), 3u);
  Request bulk = requestOf(7, kOne, tally, Priority::Bulk);
  bulk.scheduledNs = nowNs();
  EXPECT_NE(deployment->router().submit(bulk), 0u);
  gate.open();
  deployment->start();
  tally.waitFor(7);
  EXPECT_EQ(tally.count(Status::Done), 4u);
}

/// What virtual servers of speeds 10 and 1 do with Poisson arrivals of 95 % of their capacity (placement.md A5): the
/// router decides, a virtual clock serves. Returns the mean number of requests waiting at the slow one.
TEST(Router, PredictedFinishIsStableWhereRoundRobinDiverges) {
  struct Server {
    double ns = 0, freeAt = 0;
  };
  const auto meanWait = [](bool predicted) {
    std::vector<Server> servers{{1e6, 0}, {1e7, 0}};
    std::mt19937_64 random(5);
    std::exponential_distribution<double> gap(0.95 * (1 / 1e6 + 1 / 1e7));
    double now = 0, wait = 0;
    constexpr int kArrivals = 100'000;
    for (int i = 0; i < kArrivals; ++i) {
      now += gap(random);
      std::size_t chosen = static_cast<std::size_t>(i) % 2;
      if (predicted) {
        const auto finish = [&](const Server& server) { return std::max(server.freeAt, now) + server.ns; };
        chosen = finish(servers[0]) <= finish(servers[1]) ? 0 : 1;
      }
      Server& server = servers[chosen];
      server.freeAt = std::max(server.freeAt, now) + server.ns;
      wait += server.freeAt - server.ns - now;
    }
    return wait / kArrivals;
  };
  EXPECT_LT(meanWait(true), 50e6);
  EXPECT_GT(meanWait(false), 1e9);

  // The router's own rule is that one: what waits counts by its predicted time, not by its number.
  Gate gate;
  auto held = [&](auto, int) { return gate.pass(1); };
  auto deployment = deployFakes({fakePlan("fast", held), fakePlan("slow", held)}, "predicted-finish");
  const auto replicas = deployment->replicas();
  const_cast<ServiceTimes&>(replicas[0]->serviceTimes()).learn(1, 1e6);
  const_cast<ServiceTimes&>(replicas[1]->serviceTimes()).learn(1, 1e7);
  Tally tally(110);
  for (std::uint64_t id = 1; id <= 110; ++id) deployment->router().submit(requestOf(id, kOne, tally));
  EXPECT_EQ(replicas[0]->queued(), 100);
  EXPECT_EQ(replicas[1]->queued(), 10);
  gate.open();
  deployment->start();
  tally.waitFor(110);
}

TEST(Router, AReplicaThatBecameSlowIsLeftAndAskedAgainLater) {
  auto quick = [](auto, int) -> Result<RunTimes> { return tookNs(1); };
  auto deployment = deployFakes({fakePlan("a", quick), fakePlan("b", quick)}, "predicted-finish");
  const auto replicas = deployment->replicas();
  auto& a = const_cast<ServiceTimes&>(replicas[0]->serviceTimes());
  auto& b = const_cast<ServiceTimes&>(replicas[1]->serviceTimes());
  for (int i = 0; i < 50; ++i) a.learn(1, 1e6), b.learn(1, 3e6);
  for (int i = 0; i < 50; ++i) a.learn(1, 1e8); // a hundred times slower: throttled
  Tally tally(1);
  // Nothing was ever begun on either, so that both count as long idle.
  deployment->router().submit(requestOf(1, kOne, tally));
  EXPECT_EQ(replicas[0]->queued(), 1); // asked again, to see
  deployment->start();
  tally.waitFor(1);
  EXPECT_GT(a.slowdown(), Router::kDegraded);
  Tally next(10);
  for (std::uint64_t id = 1; id <= 10; ++id) deployment->router().submit(requestOf(id, kOne, next));
  next.waitFor(10);
  EXPECT_EQ(replicas[0]->log().completed(), 1u); // and left alone for a second
}

TEST(Router, JoinsWhatWaitsUpToThePreferredSizes) {
  std::mutex mutex;
  std::vector<int> sizes;
  auto noting = [&](auto batch, int items) -> Result<RunTimes> {
    std::lock_guard lock(mutex);
    EXPECT_EQ(static_cast<int>(batch.size()), items);
    sizes.push_back(items);
    return tookNs(1);
  };
  ReplicaOptions options;
  options.batching = {8, {4}, 0, 0};
  auto deployment = deployFakes({fakePlan("a", noting, options)}, "round-robin");
  Tally tally(11);
  for (std::uint64_t id = 1; id <= 11; ++id) deployment->router().submit(requestOf(id, kOne, tally));
  deployment->start();
  tally.waitFor(11);
  EXPECT_EQ(sizes, (std::vector<int>{4, 4, 3}));
}

TEST(Router, ClassesAreNotMixedInABatch) {
  std::atomic<bool> mixed{false};
  auto noting = [&](std::span<Request* const> batch, int) -> Result<RunTimes> {
    for (const Request* request : batch)
      if (request->priority != batch.front()->priority) mixed = true;
    return tookNs(1);
  };
  ReplicaOptions options;
  options.batching.maximum = 8;
  auto deployment = deployFakes({fakePlan("a", noting, options)}, "round-robin");
  Tally tally(300);
  for (std::uint64_t id = 1; id <= 300; ++id)
    deployment->router().submit(requestOf(id, kOne, tally, id % 3 == 0 ? Priority::Bulk : Priority::Latency));
  deployment->start();
  tally.waitFor(300);
  EXPECT_FALSE(mixed);
}

TEST(Router, OddRequestsThatDoNotFitWaitForTheNextBatch) {
  const RequestData three{3, {}};
  std::mutex mutex;
  std::vector<int> sizes;
  auto noting = [&](auto, int items) -> Result<RunTimes> {
    std::lock_guard lock(mutex);
    sizes.push_back(items);
    return tookNs(1);
  };
  ReplicaOptions options;
  options.batching.maximum = 8;
  auto deployment = deployFakes({fakePlan("a", noting, options)}, "round-robin");
  Tally tally(5);
  for (std::uint64_t id = 1; id <= 5; ++id) deployment->router().submit(requestOf(id, three, tally));
  deployment->start();
  tally.waitFor(5);
  EXPECT_EQ(sizes, (std::vector<int>{6, 6, 3}));
}

} // namespace
} // namespace tandem
