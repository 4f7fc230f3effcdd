// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/codec.hpp"
#include "engine/session/local_session.hpp"
#include "engine/session/profile_types.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

class ProfileSession : public testing::Test {
 protected:
  void SetUp() override {
    auto reply = call(m_session, method::kOpen, {{"model", "sample:mnist"}});
    ASSERT_TRUE(reply.ok()) << reply.error().line();
    auto document = decodeDocument(*reply);
    ASSERT_TRUE(document.ok()) << document.error().line();
    m_document = *document;
  }
  Profile profile(Json params) {
    params["handle"] = m_document.handle;
    params["repeat"] = 3;
    auto reply = call(m_session, method::kProfile, params);
    EXPECT_TRUE(reply.ok()) << reply.error().line();
    auto profile = decodeProfile(*reply, m_document.nodes.size());
    EXPECT_TRUE(profile.ok()) << profile.error().line();
    return *profile;
  }
  LocalSession m_session;
  Document m_document;
};

TEST_F(ProfileSession, EveryLayerHasATimeAndAKernelAndFusedOnesNameAllTheirNodes) {
  const Profile found = profile({{"devices", {"CPU:0"}}});
  ASSERT_FALSE(found.times.empty());
  std::vector<int> seen(m_document.nodes.size(), 0);
  double sum = 0;
  for (const LayerTime& layer : found.times) {
    EXPECT_FALSE(layer.kernel.empty());
    EXPECT_EQ(layer.node, layer.nodes.front());
    EXPECT_LE(layer.minMs, layer.medianMs);
    for (int node : layer.nodes) ++seen[static_cast<std::size_t>(node)];
    sum += layer.meanMs;
  }
  EXPECT_GT(sum, 0);
  for (int count : seen) EXPECT_LE(count, 1);
  EXPECT_LT(found.times.size(), m_document.nodes.size()) << "convolutions are fused with their activations";
}

TEST_F(ProfileSession, AFusedLayerCountsTheOperationsOfAllItsNodesAndRatesFollowFromItsTime) {
  const Profile found = profile({{"devices", {"CPU:0"}}});
  double flops = 0;
  for (const LayerTime& layer : found.times) {
    ASSERT_TRUE(layer.flops && layer.leastBytes) << layer.kernel;
    double ofNodes = 0;
    for (int node : layer.nodes) ofNodes += m_document.nodes[static_cast<std::size_t>(node)].flops;
    EXPECT_DOUBLE_EQ(*layer.flops, ofNodes);
    if (layer.gflopPerS) {
      EXPECT_NEAR(*layer.gflopPerS, *layer.flops / layer.medianMs * 1e-6, 1e-9 * *layer.gflopPerS);
    }
    flops += ofNodes;
  }
  ASSERT_EQ(found.totals.size(), 1u);
  EXPECT_DOUBLE_EQ(found.totals[0].flops, flops);
  EXPECT_EQ(found.totals[0].unknownLayers, 0);
}

TEST_F(ProfileSession, WithoutAProbeThereAreRatesButNoRoofsAndTheReasonIsSaid) {
  const Profile found = profile({{"devices", {"CPU:0"}}});
  ASSERT_EQ(found.peaks.size(), 1u);
  EXPECT_EQ(found.peaks[0].problem, "not measured");
  EXPECT_FALSE(found.peaks[0].gflops);
  EXPECT_FALSE(found.totals[0].peakFraction || found.totals[0].roofFraction);
  for (const LayerTime& layer : found.times) {
    EXPECT_TRUE(layer.gbPerS.has_value());
    EXPECT_TRUE(layer.roof.empty());
    EXPECT_FALSE(layer.roofFraction);
  }
}

TEST_F(ProfileSession, PeaksAreThoseOfTheThreadsThatTheLayersRanWithAndTheBestOfAllProbesHolds) {
  const Profile one = profile({{"devices", {"CPU:0"}}, {"threads", 1}, {"probe", true}});
  ASSERT_EQ(one.peaks.size(), 1u);
  EXPECT_EQ(one.peaks[0].threads, 1);
  ASSERT_TRUE(one.peaks[0].gflops && one.peaks[0].memoryGbPerS) << one.peaks[0].problem;
  for (const LayerTime& layer : one.times) {
    ASSERT_TRUE(layer.roofFraction && layer.roofMs) << layer.kernel;
    EXPECT_FALSE(layer.roof.empty());
    const double computing = *layer.flops / *one.peaks[0].gflops * 1e-6;
    const double moving = static_cast<double>(*layer.leastBytes) / *one.peaks[0].memoryGbPerS * 1e-6;
    EXPECT_NEAR(*layer.roofMs, std::max(computing, moving), 1e-9 * *layer.roofMs);
    EXPECT_NEAR(*layer.roofFraction, *layer.roofMs / layer.medianMs, 1e-9 * *layer.roofFraction);
  }
  const ProfileTotal& total = one.totals[0];
  ASSERT_TRUE(total.peakFraction && total.roofFraction);
  EXPECT_NEAR(*total.peakFraction, total.gflopPerS / *one.peaks[0].gflops, 1e-6);

  const Profile again = profile({{"devices", {"CPU:0"}}, {"threads", 1}});
  EXPECT_EQ(again.peaks[0].gflops, one.peaks[0].gflops) << "known without measuring again";
  const Profile measured = profile({{"devices", {"CPU:0"}}, {"threads", 1}, {"probe", true}});
  EXPECT_GE(*measured.peaks[0].gflops, *one.peaks[0].gflops);
  EXPECT_GE(*measured.peaks[0].memoryGbPerS, *one.peaks[0].memoryGbPerS);
  if (const Profile all = profile({{"devices", {"CPU:0"}}}); all.peaks[0].threads > 1) {
    EXPECT_FALSE(all.peaks[0].gflops) << "another number of threads, another peak";
  }
}

TEST_F(ProfileSession, APlacementIsMeasuredWithEachLayerOnItsDevice) {
  auto listed = decodeDevices(*call(m_session, method::kDevices, Json::object()));
  ASSERT_TRUE(listed.ok());
  const auto found = std::find_if(listed->devices.begin(), listed->devices.end(),
                                  [](const DeviceSummary& device) { return device.kind != "cpu"; });
  if (found == listed->devices.end()) GTEST_SKIP() << "one device only";
  PlacementDoc placement;
  placement.defaultDevice = "CPU:0";
  placement.nodes[m_document.nodes[0].name] = found->id;
  const Profile split = profile({{"placement", encodePlacement(placement)}, {"probe", true}});
  EXPECT_EQ(split.peaks.size(), 2u);
  EXPECT_EQ(split.totals.size(), 1u);
  EXPECT_EQ(split.totals[0].device, "placement");
  for (const LayerTime& layer : split.times) {
    EXPECT_EQ(layer.device, layer.node == 0 ? found->id : "CPU:0");
    EXPECT_EQ(layer.requested, "placement");
    const auto peaks = std::find_if(split.peaks.begin(), split.peaks.end(),
                                    [&](const DevicePeaks& each) { return each.device == layer.device; });
    ASSERT_NE(peaks, split.peaks.end());
    if (layer.computeFraction && layer.flops > 0) {
      EXPECT_NEAR(*layer.computeFraction, *layer.gflopPerS / *peaks->gflops, 1e-9) << "its own device's peak";
    }
  }
}

TEST(ProfileCodec, AProfileSurvivesTheRoundTripWithEverythingThatIsLeftOut) {
  Profile profile;
  profile.model = "m";
  profile.batch = 8;
  LayerTime full;
  full.node = 1;
  full.nodes = {1, 2};
  full.requested = "placement";
  full.device = "CPU:0";
  full.kernel = "k";
  full.reference = true;
  full.meanMs = 3, full.minMs = 1, full.medianMs = 2;
  full.flops = 4e9;
  full.leastBytes = std::int64_t{1} << 40;
  full.gflopPerS = 5, full.gbPerS = 6, full.flopPerByte = 7;
  full.roof = "memory";
  full.roofMs = 8, full.roofFraction = 1.43, full.computeFraction = 0.25, full.memoryFraction = 0.5;
  LayerTime bare;
  bare.node = 0;
  bare.nodes = {0};
  bare.device = "GPU:0";
  bare.kernel = "view";
  profile.times = {full, bare};
  ProfileTotal total;
  total.device = "placement";
  total.meanMs = 3, total.medianMs = 2.5, total.transferMs = 0.5, total.compileMs = 9;
  total.summary = "s";
  total.flops = 1e9, total.unknownLayers = 1, total.gflopPerS = 44, total.peakFraction = 0.5, total.roofFraction = 0.75;
  profile.totals = {total};
  profile.peaks = {{"CPU:0", 2, 100.0, 10.0, {}}, {"GPU:0", 0, std::nullopt, std::nullopt, "not measured"}};
  const Json json = encodeProfile(profile);
  EXPECT_FALSE(json["times"][1].contains("flops"));
  EXPECT_FALSE(json["times"][1].contains("roof"));
  const auto decoded = decodeProfile(json, 3);
  ASSERT_TRUE(decoded.ok()) << decoded.error().line();
  EXPECT_EQ(encodeProfile(*decoded), json);
  EXPECT_EQ(decoded->times[0].nodes, full.nodes);
  EXPECT_EQ(decoded->times[0].roofFraction, full.roofFraction);
  EXPECT_EQ(decoded->times[0].leastBytes, full.leastBytes);
  EXPECT_FALSE(decoded->times[1].roofFraction || decoded->times[1].flops || decoded->times[1].gflopPerS);
  EXPECT_EQ(decoded->peaks[1].problem, "not measured");
}

TEST(ProfileCodec, NodesOutsideTheDocumentAndWrongTypesAreRefused) {
  const auto json = [](const char* node, const char* nodes) {
    return *parseJson(std::string(R"({"times":[{"device":"d","kernel":"k","mean_ms":1,"min_ms":1,"node":)") + node +
                          ",\"nodes\":" + nodes + "}]}",
                      "test");
  };
  EXPECT_TRUE(decodeProfile(json("1", "[1,0]"), 2).ok());
  for (auto [node, nodes] : {std::pair("2", "[2]"), {"-1", "[0]"}, {"0", "[0,7]"}, {"0", "3"}, {"0", "[\"a\"]"}})
    EXPECT_EQ(decodeProfile(json(node, nodes), 2).error().code, ErrorCode::WorkerLost) << node << nodes;
  EXPECT_EQ(decodeProfile(Json{{"times", 3}}, 2).error().code, ErrorCode::WorkerLost);
}

} // namespace
} // namespace tandem::session
