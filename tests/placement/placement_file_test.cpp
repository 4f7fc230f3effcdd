// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/placement/placement_file.hpp"
#include "tests/placement/fake_device.hpp"

#include <csignal>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace tandem;
using namespace tandem::test;
using testing::HasSubstr;

namespace {

class PlacementFile : public testing::Test {
 protected:
  PlacementFile()
      : m_folder(std::filesystem::temp_directory_path() / ("tandem-placement-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(m_folder);
  }
  ~PlacementFile() override { std::filesystem::remove_all(m_folder); }
  static std::string contents(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }
  static void write(const std::filesystem::path& file, std::string_view text) {
    std::ofstream(file, std::ios::binary) << text;
  }
  std::filesystem::path m_folder;
};

Placement sample() {
  Placement placement = Placement("GPU:0")
                            .withModel({"net.onnx", "ab12", 7})
                            .withNodes({{"z", "CPU:0"}, {"a", "CPU:1"}, {"quote\"\\\n", "CPU:0"}});
  placement = *placement.withRule("op:Conv", "GPU:0");
  return *placement.withRule("layer1/*", "CPU:0");
}

std::string errorOf(std::string_view text) {
  auto loaded = parsePlacement(text, "p.json");
  EXPECT_FALSE(loaded.ok()) << text;
  if (loaded.ok()) return {};
  EXPECT_EQ(loaded.error().code, ErrorCode::InputRejected);
  EXPECT_THAT(loaded.error().where, HasSubstr("p.json"));
  return loaded.error().message;
}

std::string body(const std::string& rest) { return R"({"format":"tandem-placement","version":1)" + rest + "}"; }

} // namespace

TEST_F(PlacementFile, TextHasTheDocumentedKeysInOrderAndOneEntryPerLine) {
  EXPECT_EQ(toJson(sample()), R"({
  "format": "tandem-placement",
  "version": 1,
  "model": {"name": "net.onnx", "sha256": "ab12", "nodes": 7},
  "default": "GPU:0",
  "rules": [
    {"match": "op:Conv", "device": "GPU:0"},
    {"match": "layer1/*", "device": "CPU:0"}
  ],
  "nodes": {
    "a": "CPU:1",
    "quote\"\\\n": "CPU:0",
    "z": "CPU:0"
  }
}
)");
}

TEST_F(PlacementFile, ARoundTripKeepsEveryByte) {
  const auto file = m_folder / "a.placement.json";
  ASSERT_TRUE(savePlacement(sample(), file).ok());
  auto loaded = loadPlacement(file);
  ASSERT_TRUE(loaded.ok()) << loaded.error().line();
  EXPECT_EQ(loaded->placement, sample());
  EXPECT_TRUE(loaded->warnings.empty());
  EXPECT_EQ(contents(file), toJson(loaded->placement));
  EXPECT_EQ(toJson(Placement()), toJson(parsePlacement(toJson(Placement()), "x")->placement));
}

TEST_F(PlacementFile, SavingLeavesNoTemporaryFileBehind) {
  ASSERT_TRUE(savePlacement(sample(), m_folder / "a.json").ok());
  ASSERT_TRUE(savePlacement(Placement(), m_folder / "a.json").ok());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(m_folder), {}), 1);
}

TEST_F(PlacementFile, OnlyTheHeaderIsRequired) {
  auto loaded = parsePlacement(body(""), "p.json");
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->placement, Placement("CPU:0"));
}

TEST_F(PlacementFile, UnknownKeysAreFlagged) {
  auto loaded = parsePlacement(body(R"(,"colour":1)"), "p.json");
  ASSERT_TRUE(loaded.ok());
  ASSERT_EQ(loaded->warnings.size(), 1u);
  EXPECT_THAT(loaded->warnings[0], HasSubstr("colour"));
}

TEST_F(PlacementFile, HostileTextIsRefusedWithWhatIsWrong) {
  EXPECT_THAT(errorOf(""), HasSubstr("not valid JSON"));
  EXPECT_THAT(errorOf("{\"format\":"), HasSubstr("not valid JSON at byte"));
  EXPECT_THAT(errorOf("[]"), HasSubstr("does not hold an object"));
  EXPECT_THAT(errorOf("{}"), HasSubstr("\"format\""));
  EXPECT_THAT(errorOf(R"({"format":3,"version":1})"), HasSubstr("\"format\""));
  EXPECT_THAT(errorOf(R"({"format":"tandem-placement"})"), HasSubstr("\"version\""));
  EXPECT_THAT(errorOf(R"({"format":"tandem-placement","version":1.5})"), HasSubstr("\"version\""));
  EXPECT_THAT(errorOf(R"({"format":"tandem-placement","version":-1})"), HasSubstr("\"version\""));
  EXPECT_THAT(errorOf(body(R"(,"default":7)")), HasSubstr("\"default\""));
  EXPECT_THAT(errorOf(body(R"(,"default":"")")), HasSubstr("\"default\""));
  EXPECT_THAT(errorOf(body(R"(,"model":[])")), HasSubstr("\"model\""));
  EXPECT_THAT(errorOf(body(R"(,"model":{"nodes":-4})")), HasSubstr("\"nodes\""));
  EXPECT_THAT(errorOf(body(R"(,"rules":{})")), HasSubstr("\"rules\""));
  EXPECT_THAT(errorOf(body(R"(,"rules":[{"match":"a"}])")), HasSubstr("rule 1"));
  EXPECT_THAT(errorOf(body(R"(,"rules":[{"match":"re:(","device":"GPU:0"}])")), HasSubstr("regular expression"));
  EXPECT_THAT(errorOf(body(R"(,"nodes":[])")), HasSubstr("\"nodes\""));
  EXPECT_THAT(errorOf(body(R"(,"nodes":{"a":null})")), HasSubstr("'a'"));
  EXPECT_THAT(errorOf(std::string(1'000'000, '[')), HasSubstr("nested too deeply"));
  EXPECT_THAT(errorOf(std::string("\xff\xfe\x00\x01", 4)), HasSubstr("not valid JSON"));
  EXPECT_THAT(errorOf(std::string(static_cast<std::size_t>(kMaxPlacementFileBytes) + 1, ' ')), HasSubstr("larger"));
}

TEST_F(PlacementFile, ANewerVersionIsRefusedAndNotOverwritten) {
  const std::string newer = R"({"format":"tandem-placement","version":2,"default":{"new":"shape"}})";
  EXPECT_THAT(errorOf(newer), HasSubstr("version 2"));
  const auto file = m_folder / "newer.json";
  write(file, newer);
  auto saved = savePlacement(Placement(), file);
  ASSERT_FALSE(saved.ok());
  EXPECT_EQ(saved.error().code, ErrorCode::OutputFailed);
  EXPECT_EQ(contents(file), newer);
}

TEST_F(PlacementFile, AMissingFileAndAFolderAreClearErrors) {
  for (const auto& path : {m_folder / "none.json", m_folder}) {
    auto loaded = loadPlacement(path);
    ASSERT_FALSE(loaded.ok());
    EXPECT_EQ(loaded.error().code, ErrorCode::InputRejected);
    EXPECT_EQ(loaded.error().where, path.string());
  }
}

TEST_F(PlacementFile, ATargetThatCannotBeWrittenIsAClearError) {
  for (const std::filesystem::path& path :
       {m_folder / "no" / "such.json", std::filesystem::path("/proc/a.json"), m_folder / std::string(300, 'n')}) {
    auto saved = savePlacement(sample(), path);
    ASSERT_FALSE(saved.ok()) << path;
    EXPECT_EQ(saved.error().code, ErrorCode::OutputFailed);
    EXPECT_EQ(saved.error().where, path.string());
    EXPECT_FALSE(saved.error().hint.empty());
  }
}

TEST_F(PlacementFile, AFullTargetLeavesTheOldFile) {
  const auto file = m_folder / "a.json";
  ASSERT_TRUE(savePlacement(Placement(), file).ok());
  const std::string old = contents(file);
  // A file size limit fails the write half-way, as a full disk would (EFBIG instead of ENOSPC).
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit small{64, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  auto saved = savePlacement(sample(), file);
  ::setrlimit(RLIMIT_FSIZE, &limit);
  ASSERT_FALSE(saved.ok());
  EXPECT_THAT(saved.error().hint, HasSubstr("free some space"));
  EXPECT_EQ(contents(file), old);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(m_folder), {}), 1);
}

TEST_F(PlacementFile, TheCheckNamesWhatDoesNotFit) {
  const Graph graph = reluChain(2);
  Placement placement =
      Placement("GPU:0").withModel({"other.onnx", "11", 5}).withNodes({{"relu_0", "CPU:0"}, {"gone", "CPU:0"}});
  placement = *placement.withRule("op:Conv", "GPU:9");
  const std::vector<std::string> devices{"CPU:0", "GPU:0"};
  const auto check = checkPlacement(placement, graph, {"mine.onnx", "22", 2}, devices);
  EXPECT_TRUE(check.otherModel);
  EXPECT_EQ(check.missingNodes, std::vector<std::string>{"gone"});
  EXPECT_EQ(check.idleRules, std::vector<std::string>{"op:Conv"});
  EXPECT_EQ(check.unknownDevices, std::vector<std::string>{"GPU:9"});
  ASSERT_EQ(check.warnings.size(), 4u);
  EXPECT_EQ(check.warnings[0], "the placement was made for 'other.onnx' (5 nodes), this is 'mine.onnx' (2 nodes)");
  EXPECT_EQ(check.warnings[1], "1 node of the placement not in this model: gone");

  const auto fits =
      checkPlacement(Placement("CPU:0").withModel({"renamed.onnx", "22", 2}), graph, {"mine.onnx", "22", 2}, devices);
  EXPECT_TRUE(fits.warnings.empty());
}
