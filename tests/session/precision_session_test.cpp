// SPDX-License-Identifier: GPL-3.0-or-later
// Float16 as a user asks for it: what is computed in it, what it costs in exactness, and where it is refused.
#include "engine/session/local_session.hpp"
#include "engine/session/parity_types.hpp"
#include "engine/session/profile_types.hpp"
#include "engine/session/tune_types.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

class Float16Request : public testing::Test {
 protected:
  void SetUp() override {
    auto devices = decodeDevices(*call(m_session, method::kDevices, Json::object()));
    ASSERT_TRUE(devices.ok());
    for (const DeviceSummary& device : devices->devices)
      if (device.float16 && m_device.empty()) m_device = device.id;
    EXPECT_FALSE(devices->devices.front().float16) << "the native CPU";
    if (m_device.empty()) GTEST_SKIP() << "no OpenCL device on this machine";
  }

  Result<Report> run(std::vector<ReplicaSpec> replicas, Json* json = nullptr) {
    RunSpec spec;
    spec.replicas = std::move(replicas);
    spec.scenario = "single-stream";
    spec.durationS = 0.1;
    spec.warmupS = 0;
    Json params = encodeRun(spec);
    params["model"] = kModel;
    const Json reply = TANDEM_TRY(call(m_session, method::kRun, params));
    if (json) *json = reply;
    return decodeReport(reply);
  }
  ReplicaSpec float16() const { return {.name = "half", .device = m_device, .precision = "float16"}; }
  static bool anyNote(const Report& report, const std::string& part) {
    return std::any_of(report.notes.begin(), report.notes.end(),
                       [&](const std::string& note) { return note.find(part) != std::string::npos; });
  }

  static constexpr const char* kModel = "sample:tiny_resnet";
  LocalSession m_session;
  std::string m_device;
};

TEST_F(Float16Request, ARunSaysHowFarTheOutputsAreFromFloat32) {
  Json json;
  const auto report = run({float16(), {.name = "exact", .device = "CPU:0", .threads = 1}}, &json);
  ASSERT_TRUE(report.ok()) << report.error().line();
  ASSERT_EQ(report->replicas.size(), 2u);
  EXPECT_EQ(report->replicas[0].precision, "float16");
  ASSERT_TRUE(report->replicas[0].maxRelError && report->replicas[0].maxAbsError);
  EXPECT_GT(*report->replicas[0].maxRelError, 0);
  EXPECT_LT(*report->replicas[0].maxRelError, 1e-2);
  EXPECT_GT(*report->replicas[0].maxAbsError, 0);
  EXPECT_FALSE(json["replicas"][0]["precision_error"]["output"].get<std::string>().empty());
  EXPECT_TRUE(anyNote(*report, "half runs in float16: outputs differ by at most "));
  EXPECT_EQ(report->replicas[1].precision, "model");
  EXPECT_FALSE(report->replicas[1].maxRelError.has_value());
  EXPECT_FALSE(json["replicas"][1].contains("precision_error"));
  EXPECT_FALSE(anyNote(*report, "exact runs in"));
}

TEST_F(Float16Request, TheReportShowsSmallerWeights) {
  const auto weights = [&](const Report& report) {
    for (const DeviceMemory& memory : report.memory)
      if (memory.id == m_device) return memory.weightsBytes;
    return std::int64_t{0};
  };
  ReplicaSpec exact = float16();
  exact.precision = "model";
  const auto floats = run({exact}), halves = run({float16()});
  ASSERT_TRUE(floats.ok() && halves.ok());
  EXPECT_GT(weights(*halves), 0);
  EXPECT_LT(weights(*halves), weights(*floats) * 7 / 10);
}

TEST_F(Float16Request, AMixedPlacementSaysWhereItDoesNotApply) {
  auto opened = call(m_session, method::kOpen, {{"model", kModel}});
  ASSERT_TRUE(opened.ok());
  const auto document = decodeDocument(*opened);
  ASSERT_TRUE(document.ok());
  PlacementDoc placement;
  placement.defaultDevice = m_device;
  placement.nodes[document->nodes.front().name] = "CPU:0";
  const auto report = run({{.name = "split", .placement = placement, .precision = "float16"}});
  ASSERT_TRUE(report.ok()) << report.error().line();
  EXPECT_TRUE(anyNote(*report, "split runs in float16"));
  EXPECT_TRUE(anyNote(*report, "split: layers on CPU:0 compute in the model's precision"));
}

TEST_F(Float16Request, IsRefusedWhereNoDeviceOfThePlacementHasIt) {
  const auto report = run({{.name = "native", .device = "CPU:0", .precision = "float16"}});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, ErrorCode::Unsupported);
  EXPECT_EQ(report.error().where, "CPU:0");
  EXPECT_NE(report.error().message.find("float16"), std::string::npos);
  EXPECT_NE(report.error().hint.find("OpenCL"), std::string::npos);
  const Json params{{"model", kModel}, {"precision", "float16"}};
  for (const char* method : {method::kProfile, method::kTune}) {
    Json onCpu = params;
    onCpu["device"] = "CPU:0";
    onCpu["devices"] = {"CPU:0"};
    EXPECT_EQ(call(m_session, method, onCpu).error().code, ErrorCode::Unsupported) << method;
  }
  Json unknown = params;
  unknown["precision"] = "float8";
  EXPECT_EQ(call(m_session, method::kProfile, unknown).error().code, ErrorCode::Usage);
}

TEST_F(Float16Request, AProfileWithoutDevicesTakesThoseThatHaveIt) {
  const Json opened = *call(m_session, method::kOpen, {{"model", kModel}});
  const auto document = decodeDocument(opened);
  ASSERT_TRUE(document.ok());
  auto reply =
      call(m_session, method::kProfile, {{"handle", document->handle}, {"precision", "float16"}, {"repeat", 1}});
  ASSERT_TRUE(reply.ok()) << reply.error().line();
  const auto profile = decodeProfile(*reply, document->nodes.size());
  ASSERT_TRUE(profile.ok());
  ASSERT_FALSE(profile->totals.empty());
  for (const ProfileTotal& total : profile->totals) {
    EXPECT_NE(total.device, "CPU:0");
    EXPECT_EQ(total.precision, "float16");
  }
  EXPECT_TRUE(std::any_of(profile->times.begin(), profile->times.end(),
                          [](const LayerTime& layer) { return layer.kernel.find(" float16") != std::string::npos; }));
}

TEST_F(Float16Request, TuningTellsItsKernelsFromThoseOfFloat32) {
  auto opened = call(m_session, method::kOpen, {{"model", kModel}});
  ASSERT_TRUE(opened.ok());
  const auto document = decodeDocument(*opened);
  ASSERT_TRUE(document.ok());
  for (const char* precision : {"model", "float16"}) {
    auto reply = call(m_session, method::kTune,
                      {{"handle", document->handle}, {"device", m_device}, {"precision", precision}, {"seconds", 0}});
    ASSERT_TRUE(reply.ok()) << reply.error().line();
    const auto tuning = decodeTuning(*reply, document->nodes.size());
    ASSERT_TRUE(tuning.ok());
    EXPECT_FALSE(tuning->kernels.empty());
    for (const TunedKernel& kernel : tuning->kernels)
      EXPECT_EQ(kernel.key.find(" float16") != std::string::npos, std::string(precision) == "float16") << kernel.key;
  }
}

TEST_F(Float16Request, AComparisonShowsItsErrorLayerByLayerWithinTheLimitsOfHalves) {
  ParitySpec spec;
  spec.a.device = m_device;
  spec.b.device = m_device;
  spec.b.precision = "float16";
  Json params = encodeParitySpec(spec);
  params["model"] = kModel;
  auto reply = call(m_session, method::kParity, params);
  ASSERT_TRUE(reply.ok()) << reply.error().line();
  const auto parity = decodeParity(*reply);
  ASSERT_TRUE(parity.ok()) << parity.error().line();
  EXPECT_EQ(parity->nameB, m_device + ", float16");
  EXPECT_TRUE(parity->passed);
  int halves = 0;
  for (const ParityLayer& layer : parity->layers) {
    EXPECT_EQ(layer.kernelA.find("float16"), std::string::npos) << layer.name;
    const bool isHalf = layer.kernelB.find(" float16") != std::string::npos;
    halves += isHalf ? 1 : 0;
    // Alone, on the same inputs, only the layers with halves differ.
    if (!layer.note.empty()) continue;
    EXPECT_EQ(layer.local.maxAbs > 0, isHalf) << layer.name << " " << layer.kernelB;
  }
  EXPECT_GT(halves, 3);
  // Strict limits are the user's to ask for.
  params["rtol"] = 1e-7;
  params["atol"] = 1e-9;
  EXPECT_FALSE(decodeParity(*call(m_session, method::kParity, params))->passed);
}

} // namespace
} // namespace tandem::session
