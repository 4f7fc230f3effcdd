// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/codec.hpp"
#include "engine/session/local_session.hpp"

#include <atomic>
#include <future>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

RunSpec specOf(double durationS) {
  RunSpec spec;
  spec.replicas = {{.name = "a", .device = "CPU:0", .threads = 1}};
  spec.durationS = durationS;
  spec.warmupS = 0;
  return spec;
}

TEST(ServingSession, ARunIsChangedWhileItGoesOn) {
  LocalSession session;
  Json params = encodeRun(specOf(600));
  params["model"] = "sample:mnist";
  std::promise<Result<Json>> promise;
  std::future<Result<Json>> future = promise.get_future();
  std::promise<void> underWay;
  std::promise<void> added;
  std::atomic<bool> told{false}, served{false};
  const std::uint64_t run = session.request(
      method::kRun, params, [&](Result<Json> reply) { promise.set_value(std::move(reply)); },
      [&](const std::string& event, const Json& data) {
        if (event != "snapshot") return;
        const auto snapshot = decodeSnapshot(data);
        ASSERT_TRUE(snapshot.ok());
        if (snapshot->phase == "measure" && !told.exchange(true)) underWay.set_value();
        if (snapshot->replicas.size() > 1 && snapshot->replicas[1].completed > 0 && !served.exchange(true))
          added.set_value();
      });
  underWay.get_future().wait();
  RunChange change;
  change.action = "add";
  change.replica = {.name = "b", .device = "CPU:0", .threads = 1};
  const auto accepted = call(session, method::kDeploy, encodeChange(change));
  ASSERT_TRUE(accepted.ok()) << accepted.error().line();
  EXPECT_TRUE(accepted->at("accepted").get<bool>());
  added.get_future().wait();
  session.cancel(run);
  const Result<Json> reply = future.get();
  ASSERT_TRUE(reply.ok()) << reply.error().line();
  const auto report = decodeReport(*reply);
  ASSERT_TRUE(report.ok()) << report.error().line();
  ASSERT_EQ(report->replicas.size(), 2u);
  EXPECT_EQ(report->replicas[1].name, "b");
  ASSERT_EQ(report->events.size(), 1u);
  EXPECT_EQ(report->events[0].text, "b serves from now on");
  EXPECT_TRUE(report->stopped);
}

TEST(ServingSession, WithoutARunThereIsNothingToChange) {
  LocalSession session;
  RunChange change;
  change.action = "remove";
  change.name = "a";
  const Error error = call(session, method::kDeploy, encodeChange(change)).error();
  EXPECT_EQ(error.code, ErrorCode::Usage);
  EXPECT_NE(error.message.find("no run goes on"), std::string::npos);
}

TEST(ServingSession, ADeploymentFileKeepsHowRequestsAreJoinedAndTheirClasses) {
  RunSpec spec = specOf(3);
  spec.replicas[0].batch = 8;
  spec.replicas[0].preferred = {4, 8};
  spec.replicas[0].delayMs = 2.5;
  spec.replicas[0].targetMs = 40;
  spec.bulkShare = 0.25;
  spec.route = "slo:50";
  spec.liveMargin = 0.2;
  spec.replicas[0].candidates = {"CPU:0", "GPU:0"};
  const auto read = decodeDeployment(encodeDeployment(spec), "test");
  ASSERT_TRUE(read.ok()) << read.error().line();
  EXPECT_EQ(read->replicas, spec.replicas);
  EXPECT_EQ(read->bulkShare, spec.bulkShare);
  EXPECT_EQ(read->route, spec.route);
  EXPECT_EQ(read->liveMargin, spec.liveMargin);
}

TEST(ServingSession, ACommandSaysAllThatARunSpecDoes) {
  Document document;
  document.source = "sample:mnist";
  RunSpec spec = specOf(3);
  spec.replicas[0].batch = 8;
  spec.replicas[0].preferred = {4, 8};
  spec.replicas[0].delayMs = 2.5;
  spec.aloneS = 0;
  spec.bulkShare = 0.25;
  spec.queueLimit = 100;
  spec.startOnCpu = true;
  spec.liveMargin = 0.2;
  spec.replicas[0].candidates = {"CPU:0", "GPU:0"};
  spec.preprocessThreads = 2;
  spec.preprocessCores = "1";
  const std::string command = runCommand(document, spec, "0;1");
  for (const char* part : {"--replica CPU:0,threads=1,batch=8,preferred=4/8,delay_ms=2.5,candidates=CPU:0/GPU:0,name=a",
                           "--alone 0", "--bulk 0.25", "--queue-limit 100", "--start-on-cpu", "--live-placement=0.2",
                           "--preprocess-threads 2", "--preprocess-cores 1"})
    EXPECT_NE(command.find(part), std::string::npos) << part << " in " << command;
}

/// CPU:0 and CPU:1 with a core each, where the machine has two.
Result<Json> liveRun(RunSpec spec, std::vector<std::string> candidates) {
  LocalSession session;
  if (!call(session, method::kConfigure, {{"cores", "0;1"}}).ok()) return Json();
  spec.replicas[0].candidates = std::move(candidates);
  Json params = encodeRun(spec);
  params["model"] = "sample:mnist";
  return call(session, method::kRun, params);
}

TEST(ServingSession, LayersThatMayMoveAreMeasuredFirstAndTheReportSaysWhatBecameOfThem) {
  RunSpec spec = specOf(1);
  spec.liveMargin = 0.1;
  const auto reply = liveRun(spec, {"CPU:0", "CPU:1"});
  ASSERT_TRUE(reply.ok()) << reply.error().line();
  if (reply->is_null()) GTEST_SKIP() << "needs two cores";
  const auto report = decodeReport(*reply);
  ASSERT_TRUE(report.ok()) << report.error().line();
  ASSERT_TRUE(report->livePlacement);
  EXPECT_EQ(report->livePlacement->margin, 0.1);
  EXPECT_EQ(report->livePlacement->watched, 1);
  EXPECT_GT(report->layerTimesMs, 0);
  ASSERT_FALSE(report->events.empty());
  EXPECT_EQ(report->events[0].text.rfind("layers of `a` may move between CPU:0 and CPU:1; measured there in ", 0), 0u)
      << report->events[0].text;
  EXPECT_EQ(report->failed, 0u);
}

TEST(ServingSession, WithoutTheOptionNothingIsMeasuredAndNothingSaid) {
  const auto reply = liveRun(specOf(0.3), {"CPU:0", "CPU:1"});
  ASSERT_TRUE(reply.ok()) << reply.error().line();
  if (reply->is_null()) GTEST_SKIP() << "needs two cores";
  EXPECT_FALSE(reply->contains("live_placement"));
  EXPECT_FALSE(reply->at("startup_ms").contains("layer_times"));
  EXPECT_TRUE(reply->at("events").empty());
}

TEST(ServingSession, AReplicaOnOneDeviceHasNowhereToMoveTo) {
  RunSpec spec = specOf(0.3);
  spec.liveMargin = 0.1;
  const auto reply = liveRun(spec, {});
  ASSERT_TRUE(reply.ok()) << reply.error().line();
  if (reply->is_null()) GTEST_SKIP() << "needs two cores";
  EXPECT_EQ(reply->at("live_placement").at("watched"), 0);
  EXPECT_EQ(reply->at("events").at(0).at("text"),
            "`a` stays as it is: all its layers are on one device and no candidates are named");
}

TEST(ServingSession, MarginsAndCandidatesThatCannotBeAreRefused) {
  RunSpec spec = specOf(0.3);
  spec.liveMargin = 1;
  EXPECT_EQ(liveRun(spec, {}).error().where, "--live-placement");
  spec.liveMargin = 0.1;
  const auto reply = liveRun(spec, {"CPU:0", "NOWHERE:7"});
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code, ErrorCode::Usage);
  EXPECT_NE(reply.error().message.find("NOWHERE:7"), std::string::npos);
}

} // namespace
} // namespace tandem::session
