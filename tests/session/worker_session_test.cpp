// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/codec.hpp"
#include "engine/session/worker_session.hpp"

#include <atomic>
#include <csignal>
#include <fstream>
#include <future>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

struct Worker {
  std::promise<WorkerEnd> ended;
  std::unique_ptr<WorkerSession> session;

  explicit Worker(std::filesystem::path program = TANDEM_WORKER, std::int64_t hangMs = 2000) {
    auto started = WorkerSession::start({program, hangMs, [this](const WorkerEnd& end) { ended.set_value(end); }});
    EXPECT_TRUE(started.ok()) << started.error().line();
    if (started) session = std::move(*started);
  }
};

/// Starts a long run and waits until it measures.
std::future<Result<Json>> startRun(WorkerSession& session) {
  RunSpec spec;
  spec.replicas = {{.name = "a", .device = "CPU:0", .threads = 1}};
  spec.durationS = 600;
  Json params = encodeRun(spec);
  params["model"] = "sample:mnist";
  auto replied = std::make_shared<std::promise<Result<Json>>>();
  auto running = std::make_shared<std::promise<void>>();
  auto told = std::make_shared<std::atomic<bool>>(false);
  std::future<void> isRunning = running->get_future();
  session.request(
      method::kRun, params, [replied](Result<Json> reply) { replied->set_value(std::move(reply)); },
      [running, told](const std::string& event, const Json&) {
        if (event == "snapshot" && !told->exchange(true)) running->set_value();
      });
  isRunning.wait();
  return replied->get_future();
}

TEST(WorkerSession, AnswersLikeTheEngineInProcess) {
  Worker worker;
  auto reply = call(*worker.session, method::kOpen, {{"model", "sample:mnist"}});
  ASSERT_TRUE(reply.ok()) << reply.error().line();
  EXPECT_TRUE(decodeDocument(*reply).ok());
  EXPECT_EQ(call(*worker.session, "dance", Json::object()).error().code, ErrorCode::Usage);
}

// PoCL crashes when two threads meet its first enumeration: asking on both of the engine's threads at once must not.
TEST(WorkerSession, SurvivesFirstQuestionsAboutDevicesFromBothThreads) {
  for (int round = 0; round < 8; ++round) {
    Worker worker;
    auto opened = call(*worker.session, method::kOpen, {{"model", "sample:mnist"}});
    ASSERT_TRUE(opened.ok()) << opened.error().line();
    std::promise<Result<Json>> listed, viewed;
    worker.session->request(method::kDevices, Json::object(), [&](Result<Json> reply) { listed.set_value(reply); }, {});
    worker.session->request(method::kPlacement, {{"handle", opened->at("handle")}},
                            [&](Result<Json> reply) { viewed.set_value(reply); }, {});
    const Result<Json> devices = listed.get_future().get(), view = viewed.get_future().get();
    ASSERT_TRUE(devices.ok()) << "round " << round << ": " << devices.error().line();
    ASSERT_TRUE(view.ok()) << "round " << round << ": " << view.error().line();
  }
}

TEST(WorkerSession, AKilledWorkerAnswersOpenRequestsAndTellsItsOwner) {
  Worker worker;
  auto reply = startRun(*worker.session);
  kill(worker.session->pid(), SIGKILL);
  const Result<Json> result = reply.get();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::WorkerLost);
  const WorkerEnd end = worker.ended.get_future().get();
  EXPECT_EQ(end.cause, WorkerEnd::Cause::Killed);
  EXPECT_NE(end.message.find("signal 9"), std::string::npos) << end.message;
  EXPECT_NE(end.message.find("run"), std::string::npos) << end.message;
  // A request afterwards fails at once instead of hanging.
  EXPECT_EQ(call(*worker.session, method::kHello, Json::object()).error().code, ErrorCode::WorkerLost);
}

TEST(WorkerSession, AWorkerThatStopsAnsweringIsEnded) {
  Worker worker(TANDEM_WORKER, 600);
  ASSERT_TRUE(call(*worker.session, method::kHello, Json::object()).ok());
  kill(worker.session->pid(), SIGSTOP);
  EXPECT_EQ(worker.ended.get_future().get().cause, WorkerEnd::Cause::Hung);
}

TEST(WorkerSession, AProgramThatTalksNonsenseIsEnded) {
  Worker worker("/usr/bin/yes");
  EXPECT_EQ(worker.ended.get_future().get().cause, WorkerEnd::Cause::Garbage);
}

TEST(WorkerSession, MessagesWithKeysOfOtherTypesDoNotEndTheOwner) {
  const std::filesystem::path script = std::filesystem::path(testing::TempDir()) / "tandem_odd_worker.sh";
  std::ofstream(script) << "#!/bin/sh\n"
                           R"(printf '%s\n' '{"event":7}' '{"id":"x"}' '{"id":1e30}' '{"id":-1,"event":[]}')"
                           "\n";
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  Worker worker(script.string());
  EXPECT_EQ(worker.ended.get_future().get().cause, WorkerEnd::Cause::Exited);
}

TEST(WorkerSession, AWorkerWhoseDeviceDoesNotComeBackIsEndedAndTheDeviceNamed) {
  const std::filesystem::path script = std::filesystem::path(testing::TempDir()) / "tandem_stuck_worker.sh";
  std::ofstream(script) << "#!/bin/sh\n"
                           R"(echo '{"event":"heartbeat","busy":"run"}')"
                           "\n"
                           R"(echo '{"event":"heartbeat","busy":"run","stuck":"GPU:3 has not come back for 61 s"}')"
                           "\nexec cat\n";
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  Worker worker(script.string(), 600'000);
  const WorkerEnd end = worker.ended.get_future().get();
  EXPECT_EQ(end.cause, WorkerEnd::Cause::Hung);
  EXPECT_EQ(end.device, "GPU:3");
  EXPECT_EQ(end.message, "GPU:3 has not come back for 61 s, and the engine worker was ended");
}

TEST(WorkerSession, AProgramThatEndsAtOnceIsReported) {
  Worker worker("/bin/true");
  EXPECT_EQ(worker.ended.get_future().get().cause, WorkerEnd::Cause::Exited);
}

TEST(WorkerSession, AMissingProgramIsAnError) {
  auto session = WorkerSession::start({"/nowhere/tandem-worker", 2000, {}});
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.error().code, ErrorCode::WorkerLost);
}

TEST(WorkerSession, ClosingTheSessionEndsTheWorkerDuringARun) {
  Worker worker;
  const pid_t pid = worker.session->pid();
  auto reply = startRun(*worker.session);
  worker.session.reset();
  EXPECT_NE(kill(pid, 0), 0) << "the process is still there";
  EXPECT_EQ(reply.wait_for(std::chrono::seconds(0)), std::future_status::ready);
}

} // namespace
} // namespace tandem::session
