// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/codec.hpp"
#include "engine/session/profile_types.hpp"

#include "engine/base/problems.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

TEST(Codec, PlacementsSurviveTheRoundTrip) {
  PlacementDoc placement;
  placement.modelName = "m.onnx";
  placement.modelNodes = 3;
  placement.defaultDevice = "GPU:0";
  placement.rules = {{"op:Conv", "CPU:0"}, {"*", "GPU:0"}};
  placement.nodes = {{"conv1", "CPU:1"}};
  const auto decoded = decodePlacement(encodePlacement(placement));
  ASSERT_TRUE(decoded.ok()) << decoded.error().line();
  EXPECT_EQ(*decoded, placement);
}

TEST(Codec, AMessageThatLacksAKeyIsAnErrorNotAnException) {
  for (const char* text : {"{}", "[]", "null", "3", R"({"nodes":[{"name":1}]})", R"({"devices":{}})"}) {
    const Json json = *parseJson(text, "test");
    EXPECT_FALSE(decodeDocument(json).ok()) << text;
    EXPECT_FALSE(decodeDevices(json).ok()) << text;
    EXPECT_FALSE(decodeReport(json).ok()) << text;
    EXPECT_FALSE(decodeSnapshot(json).ok()) << text;
    EXPECT_FALSE(decodePlacementView(json).ok()) << text;
  }
}

TEST(Codec, ADocumentWithIndicesOutsideItIsRefused) {
  const char* text = R"({"source":"m","name":"m","nodes":[{"name":"a","op":"Relu","attributes":[],"inputs":[7],
    "outputs":[0]}],"values":[{"name":"x"}],"inputs":[],"outputs":[]})";
  EXPECT_FALSE(decodeDocument(*parseJson(text, "test")).ok());
}

TEST(Codec, NumbersThatTheirFieldCannotHoldAreRefusedNotCutOff) {
  const auto document = [](const char* consumer) {
    return decodeDocument(*parseJson(std::string(R"({"source":"m","name":"m","nodes":[],"values":[{"name":"x","type":"",
      "shape":[],"consumers":[)") + consumer +
                                         R"(]}],"inputs":[],"outputs":[]})",
                                     "test"));
  };
  for (const char* number : {"184467440737095516160", "1e30", "4294967296", "-2147483649", "1.5", "true", "\"1\""})
    EXPECT_FALSE(document(number).ok()) << number;
  const auto times = [](const char* node) {
    return decodeProfile(
        *parseJson(std::string(R"({"times":[{"device":"d","kernel":"k","mean_ms":1,"min_ms":1,"node":)") + node + "}]}",
                   "test"),
        8);
  };
  EXPECT_TRUE(times("7").ok());
  EXPECT_FALSE(times("1e30").ok());
}

TEST(Codec, ErrorsSurviveTheRoundTrip) {
  const Error error = makeError(ErrorCode::DeviceFailed, "lost", "GPU:0", "restart");
  const Error decoded = decodeError(encodeError(error));
  EXPECT_EQ(decoded.code, error.code);
  EXPECT_EQ(decoded.line(), error.line());
}

TEST(Codec, AllProblemsOfAnErrorSurviveTheRoundTrip) {
  ProblemList problems;
  problems.add(makeError(ErrorCode::ModelRejected, "first"));
  problems.add(makeError(ErrorCode::ModelRejected, "second"));
  const Error error = problems.toError("the model", "m.onnx");
  const Json json = encodeError(error);
  EXPECT_EQ(json["message"], "the model has 2 problems");
  EXPECT_EQ(json["problems"], Json({"first", "second"}));
  EXPECT_EQ(decodeError(json).problems, error.problems);
}

TEST(ParseJson, RefusesDeepNestingAndGarbage) {
  EXPECT_FALSE(parseJson(std::string(100'000, '['), "test").ok());
  EXPECT_FALSE(parseJson("{\"a\":", "test").ok());
  EXPECT_FALSE(parseJson("\xff\xfe", "test").ok());
  EXPECT_TRUE(parseJson(std::string(60, '[') + std::string(60, ']'), "test").ok());
}

TEST(RunCommand, SaysWhatWasSetAndQuotesForTheShell) {
  RunSpec spec;
  spec.replicas = {{.name = "small", .device = "CPU:0", .threads = 1, .streams = 2},
                   {.name = "", .device = "", .placementFile = "my split.placement.json"},
                   {.device = "OPENCL-CPU:0", .precision = "float16"}};
  spec.batches = {1, 8};
  spec.route = "size:2";
  Document document;
  document.source = "it's.onnx";
  document.freeDims = {{"tokens", {"x[1]"}, 7, true, ""}, {"width", {"y[3]"}, 320, false, "a guess"}};
  const std::string command = runCommand(document, spec, "0;1");
  EXPECT_NE(command.find("tandem run 'it'\\''s.onnx' --dim tokens=7 --cores '0;1'"), std::string::npos) << command;
  EXPECT_NE(command.find("--replica CPU:0,threads=1,streams=2,name=small"), std::string::npos) << command;
  EXPECT_NE(command.find("--replica 'my split.placement.json'"), std::string::npos) << command;
  EXPECT_NE(command.find("--replica OPENCL-CPU:0,precision=float16"), std::string::npos) << command;
  EXPECT_NE(command.find("--batch 1,8"), std::string::npos) << command;
}

TEST(Deployment, AFileKeepsThePrecisionOfReplicas) {
  RunSpec spec;
  spec.replicas = {{.device = "CPU:0"}, {.device = "OPENCL-CPU:0", .precision = "float16"}};
  Json file = encodeDeployment(spec);
  EXPECT_EQ(file["replicas"][0]["precision"], "model");
  const auto decoded = decodeDeployment(file, "d.json");
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->replicas[0].precision, "model");
  EXPECT_EQ(decoded->replicas[1].precision, "float16");
  for (Json& replica : file["replicas"]) replica.erase("precision"); // as older files are
  ASSERT_TRUE(decodeDeployment(file, "d.json").ok());
  EXPECT_EQ(decodeDeployment(file, "d.json")->replicas[1].precision, "model");
}

TEST(Deployment, AFileKeepsHowReplicasJoinRequestsAndWhatTheRunAsksFor) {
  RunSpec spec;
  spec.replicas = {{.device = "CPU:0", .batch = 8, .preferred = {4, 8}, .delayMs = 5, .targetMs = 50}};
  spec.scenario = "ramp:50";
  spec.route = "slo:20";
  spec.aloneS = 0;
  spec.bulkShare = 0.25;
  spec.queueLimit = 64;
  spec.startOnCpu = true;
  const auto decoded = decodeDeployment(encodeDeployment(spec), "d.json");
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->replicas, spec.replicas);
  EXPECT_EQ(decoded->scenario, "ramp:50");
  EXPECT_EQ(decoded->route, "slo:20");
  EXPECT_EQ(decoded->aloneS, 0);
  EXPECT_EQ(decoded->bulkShare, 0.25);
  EXPECT_EQ(decoded->queueLimit, 64);
  EXPECT_TRUE(decoded->startOnCpu);
  RunSpec usual;
  usual.replicas = {{.device = "CPU:0"}};
  const auto plain = decodeDeployment(encodeDeployment(usual), "d.json");
  ASSERT_TRUE(plain.ok());
  EXPECT_LT(plain->aloneS, 0) << "as fits the duration";
}

TEST(Deployment, AFileOfAnotherVersionOrFormatIsRefused) {
  RunSpec spec;
  spec.replicas = {{.name = "a", .device = "CPU:0"}};
  Json file = encodeDeployment(spec);
  ASSERT_TRUE(decodeDeployment(file, "d.json").ok());
  EXPECT_EQ(decodeDeployment(file, "d.json")->replicas[0].device, "CPU:0");
  file["version"] = 2;
  EXPECT_FALSE(decodeDeployment(file, "d.json").ok());
  file["format"] = "else";
  EXPECT_FALSE(decodeDeployment(file, "d.json").ok());
  EXPECT_FALSE(decodeDeployment(Json::array(), "d.json").ok());
}

} // namespace
} // namespace tandem::session
