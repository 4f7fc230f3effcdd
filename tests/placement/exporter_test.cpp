// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/placement/exporter.hpp"
#include "engine/placement/placement_file.hpp"
#include "tests/placement/fake_device.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

using namespace tandem;
using namespace tandem::test;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

class Exporter : public testing::Test {
 protected:
  Exporter()
      : m_root(std::filesystem::temp_directory_path() / ("tandem-export-test-" + std::to_string(::getpid()))),
        m_folder(m_root / "out") {
    std::filesystem::remove_all(m_root);
    std::filesystem::create_directories(m_root);
  }
  ~Exporter() override { std::filesystem::remove_all(m_root); }

  /// Exports a chain of three nodes; the "model" is the list of annotations, so that the test can read them.
  Result<ExportResult> run(std::string_view target, const Placement& placement, bool overwrite = false) {
    const Graph graph = reluChain(3);
    auto effective = computeEffective(graph, placement, m_registry);
    EXPECT_TRUE(effective.ok());
    auto annotate = [&](const NodeAnnotation& annotation) -> Result<std::string> {
      std::string text;
      for (const char* name : {"relu_0", "relu_1", "relu_2", "stranger"})
        text += std::string(name) + "=" + annotation(name).value_or("-") + ";";
      return text;
    };
    return exportPlacement(target,
                           {graph, placement, *effective, "/models/net.onnx", annotate, m_folder, overwrite, {}});
  }
  std::string contents(const std::string& name) const {
    std::ifstream stream(m_folder / name, std::ios::binary);
    EXPECT_TRUE(stream.is_open()) << name;
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }
  std::vector<std::string> listing() const {
    std::vector<std::string> names;
    if (std::filesystem::exists(m_folder))
      for (const auto& entry : std::filesystem::directory_iterator(m_folder)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  std::filesystem::path m_root;
  std::filesystem::path m_folder;
  DeviceRegistry m_registry = cpuAndGpu();
};

} // namespace

TEST_F(Exporter, PlacementTargetWritesOurJson) {
  const Placement placement = Placement("GPU:0").withNode("relu_1", "CPU:0");
  auto result = run("placement", placement);
  ASSERT_TRUE(result.ok()) << result.error().line();
  EXPECT_THAT(listing(), ElementsAre("net.placement.json"));
  EXPECT_EQ(contents("net.placement.json"), toJson(placement));
}

TEST_F(Exporter, OnnxRuntimeTargetAnnotatesByGroup) {
  auto result = run("onnxruntime", Placement("GPU:0").withNode("relu_1", "CPU:0"));
  ASSERT_TRUE(result.ok()) << result.error().line();
  EXPECT_THAT(listing(),
              ElementsAre("README.txt", "names.json", "net.tandem.onnx", "run_onnxruntime.py", "session_options.json"));
  EXPECT_EQ(result->files.size(), 5u);
  EXPECT_EQ(contents("net.tandem.onnx"), "relu_0=tandem.GPU;relu_1=tandem.CPU;relu_2=tandem.GPU;stranger=-;");

  const auto options = nlohmann::json::parse(contents("session_options.json"));
  EXPECT_EQ(options["model"], "net.tandem.onnx");
  EXPECT_EQ(options["session_config"]["session.layer_assignment_settings"], "gpu(=tandem.GPU);cpu(=tandem.CPU)");
  EXPECT_EQ(options["session_config"]["session.record_ep_graph_assignment_info"], "1");
  EXPECT_EQ(options["onnxruntime_min_version"], "1.25");
  EXPECT_EQ(options["uses_gpu"], true);

  const auto names = nlohmann::json::parse(contents("names.json"))["nodes"];
  EXPECT_EQ(names["relu_1"]["device"], "CPU:0");
  EXPECT_EQ(names["relu_1"]["op"], "Relu");
  EXPECT_EQ(names["relu_2"]["annotation"], "tandem.GPU");
  EXPECT_THAT(contents("README.txt"), HasSubstr("3 nodes: 2 GPU:0, 1 CPU:0 (1 by you)"));
  EXPECT_THAT(contents("README.txt"), HasSubstr("1.25 or newer"));
}

TEST_F(Exporter, RulesNameOnlyGroupsInUse) {
  ASSERT_TRUE(run("onnxruntime", Placement("CPU:0")).ok());
  const auto options = nlohmann::json::parse(contents("session_options.json"));
  EXPECT_EQ(options["session_config"]["session.layer_assignment_settings"], "cpu(=tandem.CPU)");
  EXPECT_EQ(options["uses_gpu"], false);
}

TEST_F(Exporter, AnAbsentDeviceIsKeptForTheOtherMachineAndNoted) {
  auto result = run("onnxruntime", Placement("GPU:7"));
  ASSERT_TRUE(result.ok());
  EXPECT_THAT(contents("net.tandem.onnx"), HasSubstr("relu_0=tandem.GPU"));
  EXPECT_THAT(result->notes[0], HasSubstr("3 nodes keep the device you asked for"));
}

TEST_F(Exporter, WhatMovedIsExportedAsItRuns) {
  m_registry = cpuAndGpu([](const Graph&, const Node& node) {
    return node.name == "relu_0" ? Support::no(MoveReason::UnsupportedOp, "Relu") : Support::yes();
  });
  auto result = run("onnxruntime", Placement("GPU:0"));
  ASSERT_TRUE(result.ok());
  EXPECT_THAT(contents("net.tandem.onnx"), HasSubstr("relu_0=tandem.CPU"));
  EXPECT_THAT(result->notes[0], HasSubstr("unsupported op"));
}

TEST_F(Exporter, FilesAreNotOverwrittenWithoutPermission) {
  ASSERT_TRUE(run("placement", Placement("CPU:0")).ok());
  const std::string old = contents("net.placement.json");
  auto refused = run("placement", Placement("GPU:0"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::OutputFailed);
  EXPECT_THAT(refused.error().where, HasSubstr("net.placement.json"));
  EXPECT_EQ(contents("net.placement.json"), old);
  ASSERT_TRUE(run("placement", Placement("GPU:0"), true).ok());
  EXPECT_NE(contents("net.placement.json"), old);
  EXPECT_THAT(listing(), ElementsAre("net.placement.json"));
}

TEST_F(Exporter, AFailureHalfWayLeavesEverythingAsItWas) {
  ASSERT_TRUE(run("onnxruntime", Placement("CPU:0")).ok());
  const std::string model = contents("net.tandem.onnx"), readme = contents("README.txt");
  // The last file cannot be moved into place: the others were already.
  std::filesystem::remove(m_folder / "names.json");
  std::filesystem::create_directories(m_folder / "names.json" / "full");
  auto result = run("onnxruntime", Placement("GPU:0"), true);
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, HasSubstr("a folder has the name"));
  EXPECT_EQ(contents("net.tandem.onnx"), model);
  EXPECT_EQ(contents("README.txt"), readme);
  EXPECT_TRUE(std::filesystem::is_directory(m_folder / "names.json" / "full"));
  EXPECT_EQ(listing().size(), 5u);
}

TEST_F(Exporter, TargetsThatCannotBeWrittenAreClearErrors) {
  std::ofstream(m_root / "file") << "x";
  for (const std::filesystem::path& folder : {m_root / "file", std::filesystem::path("/proc/tandem-export")}) {
    m_folder = folder;
    auto result = run("placement", Placement("CPU:0"));
    ASSERT_FALSE(result.ok()) << folder;
    EXPECT_EQ(result.error().code, ErrorCode::OutputFailed);
    EXPECT_EQ(result.error().where, folder.string());
  }
}

TEST_F(Exporter, UnknownTargetsAndModelsWithoutAFileAreClearErrors) {
  auto unknown = run("paper", Placement("CPU:0"));
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, ErrorCode::Usage);
  EXPECT_THAT(unknown.error().hint, HasSubstr("onnxruntime, placement"));

  const Graph graph = reluChain(1);
  const Placement placement("CPU:0");
  auto effective = computeEffective(graph, placement, m_registry);
  auto result = exportPlacement("onnxruntime", {graph, placement, *effective, "sample:x", {}, m_folder, false, {}});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::Unsupported);
  EXPECT_TRUE(listing().empty());
}

TEST_F(Exporter, ACancelledExportLeavesNothing) {
  const Graph graph = reluChain(1);
  const Placement placement("CPU:0");
  auto effective = computeEffective(graph, placement, m_registry);
  CancelToken cancel;
  cancel.cancel();
  auto result = exportPlacement("placement", {graph, placement, *effective, "n.onnx", {}, m_folder, false, cancel});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::Cancelled);
  EXPECT_FALSE(std::filesystem::exists(m_folder));
}

TEST_F(Exporter, SampleNamesBecomeFileNames) {
  const Graph graph = reluChain(1);
  const Placement placement("CPU:0");
  auto effective = computeEffective(graph, placement, m_registry);
  for (const char* model : {"sample:squeezenet", "sample:mobilenet.v2.onnx", "../../evil/..", "..onnx"})
    ASSERT_TRUE(exportPlacement("placement", {graph, placement, *effective, model, {}, m_folder, true, {}}).ok())
        << model;
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(m_root), {}), 1);
  EXPECT_THAT(listing(), testing::IsSupersetOf({"squeezenet.placement.json", "mobilenet.v2.placement.json"}));
}
