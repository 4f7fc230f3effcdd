// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/codec.hpp"
#include "engine/session/local_session.hpp"

#include <filesystem>
#include <fstream>
#include <future>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

namespace fs = std::filesystem;

class LocalSessionTest : public testing::Test {
 protected:
  Document open(const std::string& model) {
    auto reply = call(m_session, method::kOpen, {{"model", model}});
    EXPECT_TRUE(reply.ok()) << reply.error().line();
    auto document = decodeDocument(*reply);
    EXPECT_TRUE(document.ok()) << document.error().line();
    return *document;
  }
  fs::path folder() {
    const fs::path path =
        fs::path(testing::TempDir()) /
        (std::string("tandem_session_") + testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(path);
    fs::create_directories(path);
    return path;
  }
  LocalSession m_session;
};

TEST_F(LocalSessionTest, SaysHello) {
  auto reply = call(m_session, method::kHello, Json::object());
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->at("protocol"), 1);
}

TEST_F(LocalSessionTest, AnUnknownRequestAndMissingParametersAreUsageErrors) {
  EXPECT_EQ(call(m_session, "dance", Json::object()).error().code, ErrorCode::Usage);
  EXPECT_EQ(call(m_session, method::kOpen, Json::object()).error().code, ErrorCode::Usage);
  // 2^32 + 1 would be handle 1 if it were cut off.
  for (const Json& handle : {Json("seven"), Json(1e30), Json(4294967297), Json(1.0)})
    EXPECT_EQ(call(m_session, method::kClose, {{"handle", handle}}).error().code, ErrorCode::Usage) << handle;
}

TEST_F(LocalSessionTest, AlwaysListsTheCpuFirst) {
  auto list = decodeDevices(*call(m_session, method::kDevices, Json::object()));
  ASSERT_TRUE(list.ok()) << list.error().line();
  ASSERT_FALSE(list->devices.empty());
  EXPECT_EQ(list->devices[0].id, "CPU:0");
  EXPECT_GT(list->devices[0].memoryBytes, 0);
}

TEST_F(LocalSessionTest, RefusesBadCoreSetsAndKeepsTheOldDevices) {
  EXPECT_EQ(call(m_session, method::kConfigure, {{"cores", "0;99999"}}).error().code, ErrorCode::Usage);
  EXPECT_EQ(call(m_session, method::kConfigure, {{"cores", "x"}}).error().code, ErrorCode::Usage);
  EXPECT_EQ(call(m_session, method::kConfigure, {{"hide", {"GPU:77"}}}).error().code, ErrorCode::Usage);
  EXPECT_TRUE(decodeDevices(*call(m_session, method::kDevices, Json::object())).ok());
}

TEST_F(LocalSessionTest, TellsTheProcessorsAndTheNamesOfCoreSets) {
  const Json reply = *call(m_session, method::kDevices, Json::object());
  auto list = decodeDevices(reply);
  ASSERT_TRUE(list.ok()) << list.error().line();
  EXPECT_EQ(list->topology.available(), CpuSet::available());
  EXPECT_EQ(reply["topology"]["summary"], list->topology.summary());
  const Json& names = reply["topology"]["core_sets"];
  ASSERT_FALSE(names.empty());
  EXPECT_EQ(names[0]["name"], "all");
  EXPECT_EQ(names[0]["sets"], CpuSet::available().toString());
}

TEST_F(LocalSessionTest, DividesTheProcessorByName) {
  auto whole = decodeDevices(*call(m_session, method::kConfigure, {{"cores", "all"}}));
  ASSERT_TRUE(whole.ok()) << whole.error().line();
  EXPECT_EQ(whole->devices[0].cores, CpuSet::available().toString());
  const std::vector<CpuSet> halves = halvesOf(whole->topology);
  if (halves.empty()) GTEST_SKIP() << "one core only";
  auto half = decodeDevices(*call(m_session, method::kConfigure, {{"cores", "halves"}}));
  ASSERT_TRUE(half.ok()) << half.error().line();
  EXPECT_EQ(half->devices[0].cores, halves[0].toString());
  EXPECT_EQ(half->devices[1].cores, halves[1].toString());
  const Error error = call(m_session, method::kConfigure, {{"cores", "quarters"}}).error();
  EXPECT_EQ(error.code, ErrorCode::Usage);
  EXPECT_NE(error.hint.find("halves (" + toText(halves) + ")"), std::string::npos) << error.hint;
  EXPECT_EQ(call(m_session, method::kConfigure, {{"host_cores", "x"}}).error().where, "--host-cores");
}

TEST_F(LocalSessionTest, TheProcessorCanBeDividedAnewAfterWorkOnOneCoreSet) {
  const CpuSet available = CpuSet::available();
  if (available.count() < 2) GTEST_SKIP() << "needs two processors";
  const std::string first = std::to_string(available.cpus()[0]), second = std::to_string(available.cpus()[1]);
  ASSERT_TRUE(call(m_session, method::kConfigure, {{"cores", first + ";" + second}, {"list", false}}).ok());
  const fs::path file = folder() / "a.csv";
  std::ofstream text(file);
  for (int i = 0; i < 28 * 28; ++i) text << (i > 0 ? "," : "") << i % 7;
  text.close();
  auto predicted =
      call(m_session, method::kPredict, {{"model", "sample:mnist"}, {"device", "CPU:0"}, {"inputs", {file.string()}}});
  ASSERT_TRUE(predicted.ok()) << predicted.error().line();
  auto again = call(m_session, method::kConfigure, {{"cores", second + ";" + first}});
  ASSERT_TRUE(again.ok()) << again.error().line();
  EXPECT_EQ(decodeDevices(*again)->topology.available(), available);
}

TEST_F(LocalSessionTest, OpensASampleAndPlacesIt) {
  const Document document = open("sample:mnist");
  EXPECT_GT(document.handle, 0);
  EXPECT_FALSE(document.nodes.empty());
  EXPECT_TRUE(document.unsupportedOperators.empty());
  PlacementDoc placement;
  placement.nodes[document.nodes[0].name] = "GPU:9";
  auto view = decodePlacementView(
      *call(m_session, method::kPlacement, {{"handle", document.handle}, {"placement", encodePlacement(placement)}}));
  ASSERT_TRUE(view.ok()) << view.error().line();
  EXPECT_EQ(view->requested[0], "GPU:9");
  EXPECT_EQ(view->effective[0], "CPU:0");
  EXPECT_EQ(view->reason[0], "device absent");
  EXPECT_FALSE(view->warnings.empty());
}

TEST_F(LocalSessionTest, AMissingOrDamagedModelIsRejectedByName) {
  EXPECT_EQ(call(m_session, method::kOpen, {{"model", "/nowhere/m.onnx"}}).error().code, ErrorCode::ModelRejected);
  const fs::path file = folder() / "damaged.onnx";
  std::ofstream(file) << "this is no protobuf";
  auto reply = call(m_session, method::kOpen, {{"model", file.string()}});
  ASSERT_FALSE(reply.ok());
  EXPECT_NE(reply.error().line().find("damaged.onnx"), std::string::npos) << reply.error().line();
}

TEST_F(LocalSessionTest, OnlyTheFirstPredictionOnANativeCpuIsCold) {
  const fs::path first = folder();
  for (const char* name : {"a.csv", "b.csv"}) {
    std::ofstream file(first / name);
    for (int i = 0; i < 28 * 28; ++i) file << (i > 0 ? "," : "") << i % 7;
  }
  auto reply = call(m_session, method::kPredict,
                    {{"model", "sample:mnist"},
                     {"device", "CPU:0"},
                     {"inputs", {(first / "a.csv").string(), (first / "b.csv").string()}}});
  ASSERT_TRUE(reply.ok()) << reply.error().line();
  auto predictions = decodePredictions(*reply);
  ASSERT_TRUE(predictions.ok());
  ASSERT_EQ(predictions->size(), 2u);
  EXPECT_TRUE((*predictions)[0].cold);
  EXPECT_FALSE((*predictions)[1].cold);
}

TEST_F(LocalSessionTest, RunsADeploymentAndReportsEveryKeyOfTheContract) {
  RunSpec spec;
  spec.replicas = {{.name = "a", .device = "CPU:0", .threads = 1}, {.name = "b", .device = "CPU:0", .threads = 1}};
  spec.route = "round-robin";
  spec.scenario = "closed:2";
  spec.batches = {1, 2};
  spec.durationS = 0.3;
  spec.warmupS = 0.1;
  Json params = encodeRun(spec);
  params["model"] = "sample:mnist";
  int snapshots = 0;
  auto reply = call(m_session, method::kRun, params, [&](const std::string& event, const Json& data) {
    if (event == "snapshot" && decodeSnapshot(data).ok()) ++snapshots;
  });
  ASSERT_TRUE(reply.ok()) << reply.error().line();
  EXPECT_GT(snapshots, 2);
  for (const char* key : {"throughput_per_s", "items_per_s", "requests", "failed", "latency_ms", "stages_ms",
                          "startup_ms", "memory", "replicas", "devices", "environment"})
    EXPECT_TRUE(reply->contains(key)) << key;
  for (const char* key : {"mean", "p50", "p90", "p95", "p99", "p999", "max"})
    EXPECT_TRUE(reply->at("latency_ms").contains(key)) << key;
  auto report = decodeReport(*reply);
  ASSERT_TRUE(report.ok()) << report.error().line();
  EXPECT_EQ(report->failed, 0u);
  ASSERT_EQ(report->replicas.size(), 2u);
  EXPECT_GT(report->replicas[0].requests, 0u);
  EXPECT_GT(report->replicas[1].requests, 0u);
  EXPECT_EQ(report->requests, report->replicas[0].requests + report->replicas[1].requests);
  EXPECT_GT(report->memory.at(0).weightsBytes, 0);
}

TEST_F(LocalSessionTest, StopEndsARunEarlyWithItsReport) {
  RunSpec spec;
  spec.replicas = {{.name = "a", .device = "CPU:0", .threads = 1}};
  spec.durationS = 600;
  spec.warmupS = 0;
  Json params = encodeRun(spec);
  params["model"] = "sample:mnist";
  std::promise<void> measuring;
  std::atomic<bool> told{false};
  std::promise<Result<Json>> replied;
  const auto id = m_session.request(
      method::kRun, params, [&](Result<Json> reply) { replied.set_value(std::move(reply)); },
      [&](const std::string& event, const Json& data) {
        if (event == "snapshot" && data.at("phase") == "measure" && data.at("completed") > 10 && !told.exchange(true))
          measuring.set_value();
      });
  measuring.get_future().wait();
  m_session.cancel(id);
  auto reply = replied.get_future().get();
  ASSERT_TRUE(reply.ok()) << reply.error().line();
  EXPECT_EQ(reply->at("stopped"), true);
  EXPECT_GT(reply->at("requests"), 0);
  EXPECT_LT(reply->at("duration_s"), 500);
}

TEST_F(LocalSessionTest, WrongRunParametersSayWhatIsAllowed) {
  const Json good{{"model", "sample:mnist"}, {"replicas", {{{"device", "CPU:0"}}}}, {"duration_s", 0.05}};
  const std::vector<std::pair<const char*, Json>> wrong{{"scenario", "sometimes"},
                                                        {"route", "luck"},
                                                        {"batches", {0}},
                                                        {"batches", {1, 1}},
                                                        {"duration_s", -1},
                                                        {"mode", "magic"},
                                                        {"replicas", Json::array()},
                                                        {"replicas", {{{"device", "GPU:9"}}}},
                                                        {"replicas", {{{"device", "CPU:0"}, {"streams", 0}}}}};
  for (const auto& [key, value] : wrong) {
    Json params = good;
    params[key] = value;
    auto reply = call(m_session, method::kRun, params);
    ASSERT_FALSE(reply.ok()) << key << " " << value;
    EXPECT_EQ(reply.error().code, ErrorCode::Usage) << key << " " << value << " " << reply.error().line();
    EXPECT_FALSE(reply.error().hint.empty()) << key;
  }
}

TEST_F(LocalSessionTest, ExportsASampleForOnnxRuntimeAndAsJson) {
  const fs::path target = folder();
  for (const char* to : {"placement", "onnxruntime"}) {
    auto reply = call(m_session, method::kExport,
                      {{"model", "sample:mnist"}, {"device", "CPU:0"}, {"to", to}, {"folder", (target / to).string()}});
    ASSERT_TRUE(reply.ok()) << reply.error().line();
    auto result = decodeExport(*reply);
    ASSERT_TRUE(result.ok());
    ASSERT_FALSE(result->files.empty());
    for (const std::string& file : result->files) EXPECT_TRUE(fs::is_regular_file(file)) << file;
  }
  auto again = call(m_session, method::kExport,
                    {{"model", "sample:mnist"},
                     {"device", "CPU:0"},
                     {"to", "placement"},
                     {"folder", (target / "placement").string()}});
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, ErrorCode::OutputFailed);
}

TEST_F(LocalSessionTest, PredictNamesAMissingFileAndAnInputThatIsNoPicture) {
  auto missing = call(m_session, method::kPredict, {{"model", "sample:mnist"}, {"inputs", {"/nowhere/a.png"}}});
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::InputRejected);
  EXPECT_NE(missing.error().line().find("/nowhere/a.png"), std::string::npos) << missing.error().line();
  auto none = call(m_session, method::kPredict, {{"model", "sample:mnist"}, {"inputs", Json::array()}});
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, ErrorCode::InputRejected);
}

} // namespace
} // namespace tandem::session
