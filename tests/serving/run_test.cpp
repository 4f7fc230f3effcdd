// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/serving/fixture.hpp"

#include <algorithm>

namespace tandem {
namespace {

class RunTest : public test::ServingTest {
 protected:
  std::unique_ptr<Deployment> both(const char* route = "round-robin") {
    std::vector<ReplicaPlan> plans;
    plans.push_back(plan(*m_cpu));
    plans.push_back(plan(*m_gpu, {.name = "", .streams = 2}));
    return *Deployment::create(std::move(plans), *Route::parse(route));
  }
  static RunSettings settings(const char* scenario, double durationS = 0.2) {
    RunSettings made;
    made.scenario = *Scenario::parse(scenario);
    made.data = {data(1)};
    made.durationS = durationS;
    made.warmupS = 0;
    return made;
  }
};

TEST_F(RunTest, NamesAreMadeUnique) {
  std::vector<ReplicaPlan> plans;
  for (const char* name : {"a", "a #2", "a", "", ""}) plans.push_back(plan(*m_cpu, {.name = name}));
  const auto deployment = *Deployment::create(std::move(plans), {});
  std::vector<std::string> names;
  for (const auto& replica : deployment->replicas()) names.push_back(replica->name());
  EXPECT_EQ(names, (std::vector<std::string>{"a", "a #2", "a #3", m_cpu->id(), m_cpu->id() + " #2"}));
  EXPECT_EQ(Deployment::create({}, {}).error().code, ErrorCode::Usage);
}

TEST_F(RunTest, ReplicasAddUpToTheWhole) {
  auto deployment = both();
  const auto outcome = runDeployment(*deployment, settings("closed:4"));
  ASSERT_TRUE(outcome.ok()) << outcome.error().line();
  ASSERT_EQ(outcome->replicas.size(), 2u);
  EXPECT_GT(outcome->all.completed, 0u);
  EXPECT_EQ(outcome->replicas[0].window.completed + outcome->replicas[1].window.completed, outcome->all.completed);
  EXPECT_EQ(outcome->unfinished, 0u);
  EXPECT_FALSE(outcome->stopped);
  EXPECT_GT(outcome->rssBytes, 0);
}

TEST_F(RunTest, OfflineCountsEveryRequest) {
  auto deployment = both();
  const auto outcome = runDeployment(*deployment, settings("offline:3000"));
  ASSERT_TRUE(outcome.ok()) << outcome.error().line();
  EXPECT_EQ(outcome->all.completed, 3000u);
}

TEST_F(RunTest, OpenLoopsArriveAtTheirRate) {
  auto deployment = both();
  const auto outcome = runDeployment(*deployment, settings("poisson:400", 0.5));
  ASSERT_TRUE(outcome.ok()) << outcome.error().line();
  EXPECT_GT(outcome->throughputPerS, 200);
  EXPECT_LT(outcome->throughputPerS, 600);
}

TEST_F(RunTest, ALostDeviceLosesNoRequestThatAnotherCanTake) {
  auto deployment = both();
  RunSettings lost = settings("closed:2", 0.3);
  lost.snapshot = [&](const RunSnapshot& snapshot) {
    if (snapshot.phase == "measure") m_gpu->failures().loseDevice();
  };
  const auto outcome = runDeployment(*deployment, lost);
  ASSERT_TRUE(outcome.ok()) << outcome.error().line();
  EXPECT_EQ(outcome->all.failed, 0u);
  ASSERT_TRUE(outcome->replicas[1].lastError);
  EXPECT_EQ(outcome->replicas[1].lastError->code, ErrorCode::DeviceFailed);
  EXPECT_FALSE(outcome->replicas[0].lastError);
  EXPECT_EQ(outcome->unfinished, 0u);
  EXPECT_TRUE(outcome->replicas[1].lost);
  EXPECT_FALSE(outcome->replicas[0].lost);
  EXPECT_GT(outcome->replicas[0].window.completed, 8u);
}

TEST_F(RunTest, NoRouteThatMayChooseChoosesALostReplica) {
  for (const char* route : {"round-robin", "least-loaded", "predicted-finish", "split"}) {
    SCOPED_TRACE(route);
    m_gpu = std::move(*SimulatedDevice::create("rtx3080"));
    auto deployment = both(route);
    RunSettings lost = settings("closed:4", 0.3);
    lost.data = {data(4)};
    lost.snapshot = [&](const RunSnapshot& snapshot) {
      if (snapshot.phase == "measure") m_gpu->failures().loseDevice();
    };
    const auto outcome = runDeployment(*deployment, lost);
    ASSERT_TRUE(outcome.ok()) << outcome.error().line();
    EXPECT_EQ(outcome->all.failed, 0u);
    EXPECT_FALSE(outcome->replicas[0].lastError);
    EXPECT_GT(outcome->replicas[0].window.completed, 12u);
  }
}

TEST_F(RunTest, ADeviceThatFailsOnceIsCompiledForAnewAndGoesOn) {
  std::vector<ReplicaPlan> plans;
  plans.push_back(plan(*m_gpu, {.name = "only", .streams = 2}));
  auto deployment = *Deployment::create(std::move(plans), {});
  RunSettings once = settings("offline:500");
  bool told = false;
  once.snapshot = [&](const RunSnapshot& snapshot) {
    if (snapshot.phase == "warmup" && !std::exchange(told, true)) m_gpu->failures().failAfter(100);
  };
  const auto outcome = runDeployment(*deployment, once);
  ASSERT_TRUE(outcome.ok()) << outcome.error().line();
  EXPECT_EQ(outcome->all.failed, 1u);
  EXPECT_EQ(outcome->all.completed, 499u);
  EXPECT_FALSE(outcome->replicas[0].lost);
  ASSERT_TRUE(outcome->replicas[0].lastError);
}

TEST_F(RunTest, ARunWhoseReplicasAreAllLostEndsEarly) {
  std::vector<ReplicaPlan> plans;
  plans.push_back(plan(*m_gpu));
  auto deployment = *Deployment::create(std::move(plans), {});
  RunSettings lost = settings("closed:2", 60);
  lost.snapshot = [&](const RunSnapshot& snapshot) {
    if (snapshot.phase == "measure") m_gpu->failures().loseDevice();
  };
  const auto outcome = runDeployment(*deployment, lost);
  ASSERT_TRUE(outcome.ok()) << outcome.error().line();
  EXPECT_TRUE(outcome->replicas[0].lost);
  EXPECT_LT(outcome->measuredS, 30); // of the 60 asked for
}

TEST_F(RunTest, StopsSoonAfterTheCancelToken) {
  for (const char* scenario : {"single-stream", "closed:4", "multi-stream:4", "poisson:200000", "offline:200000"}) {
    auto deployment = both();
    RunSettings endless = settings(scenario, 60);
    endless.snapshot = [&](const RunSnapshot& snapshot) {
      if (snapshot.phase == "measure") endless.cancel.cancel();
    };
    const auto outcome = runDeployment(*deployment, endless);
    ASSERT_TRUE(outcome.ok()) << scenario;
    EXPECT_TRUE(outcome->stopped) << scenario;
    EXPECT_LT(outcome->measuredS, 30) << scenario; // of the 60 asked for
  }
}

TEST_F(RunTest, WhenEveryDeviceFailsTheRunEndsWithWhatItHas) {
  auto deployment = both();
  RunSettings lost = settings("closed:4", 60);
  std::uint64_t before = 0;
  lost.snapshot = [&](const RunSnapshot& snapshot) {
    if (snapshot.phase != "measure" || before > 0) return;
    before = snapshot.completed;
    m_gpu->failures().loseDevice();
    static_cast<void>(deployment->remove(m_cpu->id()).ok());
  };
  const auto outcome = runDeployment(*deployment, lost);
  ASSERT_TRUE(outcome.ok()) << outcome.error().line();
  EXPECT_GT(outcome->all.completed, 0u); // results so far are kept
  EXPECT_LT(outcome->measuredS, 30);     // of the 60 asked for
  EXPECT_TRUE(outcome->replicas[1].lost);
}

TEST_F(RunTest, AReplicaIsMeasuredAloneAndTheVerdictCompares) {
  auto deployment = both("predicted-finish");
  RunSettings compared = settings("closed:4", 0.2);
  compared.aloneS = 0.1;
  const auto outcome = runDeployment(*deployment, compared);
  ASSERT_TRUE(outcome.ok()) << outcome.error().line();
  ASSERT_TRUE(outcome->verdict);
  ASSERT_EQ(outcome->verdict->parts.size(), 2u);
  double sum = 0, best = 0;
  for (const VerdictPart& part : outcome->verdict->parts) {
    EXPECT_GT(part.aloneItemsPerS, 0);
    sum += part.aloneItemsPerS;
    best = std::max(best, part.aloneItemsPerS);
  }
  EXPECT_DOUBLE_EQ(outcome->verdict->bound, sum / best);
  EXPECT_DOUBLE_EQ(outcome->verdict->gain, outcome->itemsPerS / best);
  EXPECT_EQ(outcome->route.toString(), "predicted-finish"); // the stretches alone leave it as it was
}

TEST_F(RunTest, ChangesAreMadeWhenTheyAreDueAndNoted) {
  auto deployment = both();
  ChangeQueue changes;
  TimedChange route;
  route.atS = 0.05;
  route.kind = TimedChange::Kind::Route;
  route.route = *Route::parse("least-loaded");
  changes.push(std::move(route));
  TimedChange late;
  late.atS = 3600;
  late.kind = TimedChange::Kind::Remove;
  late.name = "nobody";
  std::optional<Error> told;
  late.done = [&](Result<void> made) { told = made.error(); };
  changes.push(std::move(late));
  RunSettings changed = settings("closed:2", 1);
  changed.changes = &changes;
  const auto outcome = runDeployment(*deployment, changed);
  ASSERT_TRUE(outcome.ok()) << outcome.error().line();
  EXPECT_EQ(outcome->route.toString(), "least-loaded");
  ASSERT_EQ(outcome->events.size(), 1u);
  EXPECT_GE(outcome->events[0].atS, 0.05);
  ASSERT_TRUE(told); // never due: said when the run was over
  EXPECT_EQ(told->code, ErrorCode::Cancelled);
  EXPECT_FALSE(changes.push({}));
}

TEST_F(RunTest, ARampReportsEveryRateItTried) {
  std::vector<ReplicaPlan> plans;
  plans.push_back(plan(*m_cpu));
  auto deployment = *Deployment::create(std::move(plans), {});
  const auto outcome = runDeployment(*deployment, settings("ramp:1000", 0.1));
  ASSERT_TRUE(outcome.ok()) << outcome.error().line();
  ASSERT_TRUE(outcome->ramp);
  EXPECT_GT(outcome->ramp->capacityPerS, 0);
  EXPECT_FALSE(outcome->ramp->steps.empty());
  EXPECT_GT(outcome->ramp->bestPerS, 0);
}

TEST_F(RunTest, AReplayArrivesAsItsFileSays) {
  auto deployment = both();
  RunSettings replay = settings("replay:unread.txt");
  replay.scenario.arrivalsS = {0, 0.01, 0.02, 0.02, 0.05, 0.1};
  const auto outcome = runDeployment(*deployment, replay);
  ASSERT_TRUE(outcome.ok()) << outcome.error().line();
  EXPECT_EQ(outcome->all.completed, 6u);
  EXPECT_GE(outcome->measuredS, 0.1);
}

TEST_F(RunTest, DeviceUseListsEveryDeviceOnce) {
  auto deployment = both();
  for (const auto& replica : deployment->replicas()) ASSERT_TRUE(replica->prepare({1, 2}).ok());
  const auto use = deviceUse(*deployment);
  ASSERT_EQ(use.size(), 2u);
  EXPECT_EQ(use[0].id, m_cpu->id());
  EXPECT_EQ(use[1].id, m_gpu->id());
  EXPECT_GT(use[1].activationsBytes + use[1].stagingBytes, 0);
}

} // namespace
} // namespace tandem
