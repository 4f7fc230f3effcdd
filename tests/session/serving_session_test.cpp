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
  const auto read = decodeDeployment(encodeDeployment(spec), "test");
  ASSERT_TRUE(read.ok()) << read.error().line();
  EXPECT_EQ(read->replicas, spec.replicas);
  EXPECT_EQ(read->bulkShare, spec.bulkShare);
  EXPECT_EQ(read->route, spec.route);
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
  spec.preprocessThreads = 2;
  spec.preprocessCores = "1";
  const std::string command = runCommand(document, spec, "0;1");
  for (const char* part :
       {"--replica CPU:0,threads=1,batch=8,preferred=4/8,delay_ms=2.5,name=a", "--alone 0", "--bulk 0.25",
        "--queue-limit 100", "--start-on-cpu", "--preprocess-threads 2", "--preprocess-cores 1"})
    EXPECT_NE(command.find(part), std::string::npos) << part << " in " << command;
}

} // namespace
} // namespace tandem::session
