// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/codec.hpp"
#include "engine/session/local_session.hpp"
#include "engine/session/tune_types.hpp"

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>

namespace tandem::session {
namespace {

TEST(TuneTypes, SurviveTheWayThroughJson) {
  Tuning tuning;
  tuning.model = "m";
  tuning.batch = 8;
  tuning.summary = "2 nodes: 2 GPU:0";
  tuning.segments.push_back({"GPU:0", 2.5, 1.25, 3, false, {"a problem"}});
  tuning.kernels.push_back({"GPU:0", "conv", {0, 1}, 2, "a", "b", true, 9, 4, {{"a", 9}, {"b", 4}}});
  const auto back = decodeTuning(encodeTuning(tuning), 2);
  ASSERT_TRUE(back.ok()) << back.error().line();
  EXPECT_EQ(encodeTuning(*back).dump(), encodeTuning(tuning).dump());
  EXPECT_EQ(back->kernels[0].timings, tuning.kernels[0].timings);
}

TEST(TuneTypes, ANodeThatTheDocumentLacksIsRefused) {
  Tuning tuning;
  tuning.kernels.push_back({"GPU:0", "conv", {2}, 1, "a", "b", true, 9, 4, {}});
  EXPECT_FALSE(decodeTuning(encodeTuning(tuning), 2).ok());
  EXPECT_FALSE(decodeTuning(Json::array(), 2).ok());
}

/// With a cache of its own, as the findings of a user's machine must neither be used nor changed.
class TuneSession : public testing::Test {
 protected:
  void SetUp() override {
    m_folder = std::filesystem::path(testing::TempDir()) / "tandem_tune_session";
    std::filesystem::remove_all(m_folder);
    if (const char* before = std::getenv("XDG_CACHE_HOME")) m_before = before;
    setenv("XDG_CACHE_HOME", m_folder.c_str(), 1);
    m_session = std::make_unique<LocalSession>();
    auto devices = call(*m_session, method::kDevices, Json::object());
    ASSERT_TRUE(devices.ok()) << devices.error().line();
    for (const Json& each : devices->at("devices"))
      if (each.at("kind") != "cpu" && m_device.empty()) m_device = each.at("id").get<std::string>();
    auto opened = call(*m_session, method::kOpen, {{"model", "sample:mnist"}});
    ASSERT_TRUE(opened.ok()) << opened.error().line();
    m_document = *decodeDocument(*opened);
  }
  void TearDown() override {
    m_session.reset();
    if (m_before.empty())
      unsetenv("XDG_CACHE_HOME");
    else
      setenv("XDG_CACHE_HOME", m_before.c_str(), 1);
    std::filesystem::remove_all(m_folder);
  }
  Result<Tuning> tune(Json params) {
    params["handle"] = m_document.handle;
    auto reply = call(*m_session, method::kTune, params);
    if (!reply) return reply.error();
    return decodeTuning(*reply, m_document.nodes.size());
  }

  std::filesystem::path m_folder;
  std::string m_before, m_device;
  std::unique_ptr<LocalSession> m_session;
  Document m_document;
};

TEST_F(TuneSession, EveryChoiceIsMeasuredOnceAndKnownAfterwards) {
  if (m_device.empty()) GTEST_SKIP() << "no OpenCL device";
  const auto first = tune({{"device", m_device}, {"seconds", 600}});
  ASSERT_TRUE(first.ok()) << first.error().line();
  ASSERT_FALSE(first->kernels.empty());
  ASSERT_FALSE(first->segments.empty());
  EXPECT_TRUE(first->segments[0].complete);
  EXPECT_GT(first->segments[0].beforeMs, 0);
  EXPECT_LE(first->segments[0].afterMs, first->segments[0].beforeMs);
  for (const TunedKernel& kernel : first->kernels) {
    EXPECT_TRUE(kernel.measured) << kernel.key;
    EXPECT_FALSE(kernel.nodes.empty()) << kernel.key;
    EXPECT_GE(kernel.timings.size(), 2u) << kernel.key;
    std::set<std::string> names;
    for (const auto& [name, us] : kernel.timings) EXPECT_TRUE(names.insert(name).second) << name << " twice";
    EXPECT_TRUE(names.contains(kernel.after)) << kernel.after;
  }
  const auto second = tune({{"device", m_device}});
  ASSERT_TRUE(second.ok()) << second.error().line();
  ASSERT_EQ(second->kernels.size(), first->kernels.size());
  for (std::size_t i = 0; i < second->kernels.size(); ++i) {
    EXPECT_FALSE(second->kernels[i].measured);
    EXPECT_EQ(second->kernels[i].after, first->kernels[i].after) << "what was found is taken";
  }
  const auto forgotten = tune({{"device", m_device}, {"forget", true}, {"seconds", 0}});
  ASSERT_TRUE(forgotten.ok()) << forgotten.error().line();
  EXPECT_FALSE(forgotten->segments[0].complete) << "forgotten, and no time to measure";
}

TEST_F(TuneSession, ANativeCpuHasNothingToChoose) {
  const auto tuning = tune({{"device", "CPU:0"}});
  ASSERT_TRUE(tuning.ok()) << tuning.error().line();
  EXPECT_TRUE(tuning->kernels.empty());
  EXPECT_TRUE(tuning->segments.empty());
}

TEST_F(TuneSession, TimesThatAreNoneAndDevicesThatAreNoneAreRefused) {
  for (const Json& seconds : {Json(-1), Json(1e9)}) {
    const auto tuning = tune({{"device", "CPU:0"}, {"seconds", seconds}});
    ASSERT_FALSE(tuning.ok());
    EXPECT_EQ(tuning.error().code, ErrorCode::Usage);
  }
  EXPECT_EQ(tune({{"device", "GPU:77"}}).error().code, ErrorCode::Usage);
}

} // namespace
} // namespace tandem::session
