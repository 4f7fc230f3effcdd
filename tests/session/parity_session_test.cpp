// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/local_session.hpp"
#include "engine/session/parity_types.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

TEST(ParityRequest, ComparesASampleOnTwoPlacements) {
  LocalSession session;
  ParitySpec spec;
  spec.a.device = "CPU:0";
  spec.b.placement = PlacementDoc{}; // everything on the default device
  Json params = encodeParitySpec(spec);
  params["model"] = "sample:mnist";
  int steps = 0;
  auto reply = call(session, method::kParity, params, [&](const std::string& event, const Json& data) {
    EXPECT_EQ(event, "progress");
    EXPECT_LE(data.at("done").get<int>(), data.at("total").get<int>());
    ++steps;
  });
  ASSERT_TRUE(reply.ok()) << reply.error().line();
  auto parity = decodeParity(*reply);
  ASSERT_TRUE(parity.ok()) << parity.error().line();
  EXPECT_TRUE(parity->passed);
  EXPECT_EQ(parity->compared + parity->known, static_cast<int>(parity->layers.size()));
  EXPECT_GT(steps, parity->compared);
  EXPECT_EQ(parity->nameA, "CPU:0");
  EXPECT_EQ(parity->input, "synthetic, seed 1");
  ASSERT_EQ(parity->outputs.size(), 1u);
  EXPECT_EQ(parity->outputs[0].compiled.maxAbs, 0); // the same device twice
  EXPECT_GT(parity->outputs[0].compiled.elements, 0);
}

TEST(ParityRequest, PutsTheWorstLayersFirstAndFailsOverTheTolerance) {
  LocalSession session;
  auto devices = decodeDevices(*call(session, method::kDevices, Json::object()));
  ASSERT_TRUE(devices.ok());
  if (devices->devices.size() < 2) GTEST_SKIP() << "this machine has one device only";
  ParitySpec spec;
  spec.a.device = "CPU:0";
  spec.b.device = devices->devices[1].id;
  spec.rtol = 0;
  spec.atol = 1e-12; // nobody keeps this
  Json params = encodeParitySpec(spec);
  params["model"] = "sample:tiny_resnet";
  auto parity = decodeParity(*call(session, method::kParity, params));
  ASSERT_TRUE(parity.ok()) << parity.error().line();
  EXPECT_FALSE(parity->passed);
  EXPECT_GT(parity->over, 0);
  EXPECT_TRUE(parity->layers.front().over);
  for (std::size_t i = 1; i < parity->layers.size(); ++i)
    EXPECT_LE(parity->layers[i].local.worst, parity->layers[i - 1].local.worst);
}

TEST(ParityRequest, RefusesAnUnknownDeviceAndAModelOfOpenSize) {
  LocalSession session;
  EXPECT_EQ(call(session, method::kParity,
                 {{"model", "sample:mnist"}, {"a", {{"device", "CPU:0"}}}, {"b", {{"device", "GPU:77"}}}})
                .error()
                .code,
            ErrorCode::Usage);
  EXPECT_EQ(call(session, method::kParity, {{"model", "sample:mnist"}}).error().code, ErrorCode::Usage);
}

TEST(ParityCodec, ReadsFiguresThatJsonCannotHoldAndRefusesGarbage) {
  const Json figures{{"max_abs", 1.0}, {"max_rel", nullptr}, {"rms", 0.5},    {"relative_rms", 0.1},
                     {"cosine", 1.0},  {"worst", nullptr},   {"elements", 4}, {"over", 1},
                     {"special", 1},   {"index", 2},         {"a", "nan"},    {"b", "-inf"}};
  const Json json{{"a", {{"name", "A"}, {"summary", ""}}},
                  {"b", {{"name", "B"}, {"summary", ""}}},
                  {"compared", 1},
                  {"over", 1},
                  {"failed", 0},
                  {"known", 0},
                  {"passed", false},
                  {"outputs", Json::array()},
                  {"layers", Json::array({Json{{"node", 0},
                                               {"name", "n"},
                                               {"op", "Exp"},
                                               {"device_a", "CPU:0"},
                                               {"device_b", "GPU:0"},
                                               {"local", figures},
                                               {"accumulated", figures},
                                               {"exceeds", true}}})}};
  auto parity = decodeParity(json);
  ASSERT_TRUE(parity.ok()) << parity.error().line();
  const ParityFigures& local = parity->layers[0].local;
  EXPECT_EQ(local.worst, std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(local.worstA));
  EXPECT_EQ(local.worstB, -std::numeric_limits<double>::infinity());
  EXPECT_EQ(decodeParity(Json{{"layers", 3}}).error().code, ErrorCode::WorkerLost);
}

TEST(ParityCommand, QuotesWhatAShellWouldTakeApart) {
  ParitySpec spec;
  spec.a.device = "CPU:0";
  spec.b.placement = PlacementDoc{};
  spec.b.placementFile = "my half.placement.json";
  spec.inputs = {"a picture.png"};
  spec.rtol = 0.001;
  EXPECT_EQ(parityCommand("m.onnx", spec, "0;1"),
            "tandem verify --against-device 'CPU:0,my half.placement.json' m.onnx --cores '0;1' --rtol 0.001 --input "
            "'a picture.png'");
}

} // namespace
} // namespace tandem::session
