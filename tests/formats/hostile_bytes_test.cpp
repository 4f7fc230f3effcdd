// SPDX-License-Identifier: GPL-3.0-or-later
// Files that are no models, or damaged ones: I1 to I7, I30 and I31 of the table in README.md.
#include "tests/formats/hostile_support.hpp"
#include "tests/formats/rich_model.hpp"

#include "engine/base/problems.hpp"
#include "engine/formats/onnx/onnx_writer.hpp"
#include "engine/gallery/gallery.hpp"
#include "engine/graph/verify.hpp"

#include <cstring>
#include <gmock/gmock.h>
#include <random>
#include <sys/stat.h>

namespace tandem {
namespace {

namespace fs = std::filesystem;
using testing::expectBounded;
using ::testing::HasSubstr;
using testing::lengthDelimited;
using testing::ModelBuilder;
using testing::Outcome;
using testing::readInChild;
using testing::richModel;

class HostileBytes : public testing::ScratchFolder {};

std::string noise(std::size_t size) {
  std::mt19937_64 random(7);
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i + 8 <= size; i += 8) {
    const std::uint64_t word = random();
    std::memcpy(&bytes[i], &word, 8);
  }
  return bytes;
}

std::size_t weightsOf(const Graph& graph) {
  std::size_t count = 0;
  for (const Value& value : graph.values()) count += value.isConstant();
  return count;
}

TEST_F(HostileBytes, I1_AnEmptyFileIsCalledEmpty) {
  const Outcome outcome = readInChild(write("empty.onnx", ""));
  expectBounded(outcome, 0);
  EXPECT_THAT(outcome.text, HasSubstr("empty"));
}

TEST_F(HostileBytes, I2_RandomBytesOfAnySizeAreNoModel) {
  for (std::size_t size : {std::size_t{1} << 10, std::size_t{1} << 20, std::size_t{100} << 20}) {
    const Outcome outcome = readInChild(write("noise.onnx", noise(size)));
    expectBounded(outcome, static_cast<std::int64_t>(size));
    EXPECT_THAT(outcome.text, HasSubstr("not an ONNX or Keras model")) << size;
  }
}

/// A cut model is refused, or it is a whole model that lost what stands behind its graph: never one without weights.
void expectNoPartialModel(const std::string& whole, std::size_t cut, std::size_t weights, int& accepted) {
  auto model = ModelBuilder::readBytes(whole.substr(0, cut));
  if (!model) {
    EXPECT_FALSE(model.error().message.empty());
    return;
  }
  ++accepted;
  EXPECT_EQ(weightsOf(model->graph), weights) << "cut at " << cut;
  EXPECT_TRUE(verify(model->graph).ok()) << cut;
}

TEST_F(HostileBytes, I3_ATruncatedModelNeverOpensWithoutItsWeights) {
  const std::string whole = richModel();
  const std::size_t weights = weightsOf(ModelBuilder::readBytes(whole)->graph);
  int accepted = 0;
  for (std::size_t cut = 0; cut < whole.size(); ++cut) expectNoPartialModel(whole, cut, weights, accepted);
  EXPECT_LE(accepted, 3); // between two fields behind the graph
}

TEST_F(HostileBytes, I3_FullEveryOffsetOfASampleAndManyOfALargeOne) {
  const std::string whole = *writeOnnx(*buildSample("tiny_resnet"));
  ASSERT_LE(whole.size(), std::size_t{4} << 20);
  const std::size_t weights = weightsOf(ModelBuilder::readBytes(whole)->graph);
  int accepted = 0;
  const std::size_t step = std::max<std::size_t>(1, whole.size() / 20'000);
  for (std::size_t cut = 0; cut < whole.size(); cut += step) expectNoPartialModel(whole, cut, weights, accepted);
  const std::string large = *writeOnnx(*buildSample("resnet50"));
  const std::size_t largeWeights = weightsOf(ModelBuilder::readBytes(large)->graph);
  std::mt19937_64 random(3);
  for (int i = 0; i < 200; ++i) expectNoPartialModel(large, random() % large.size(), largeWeights, accepted);
  EXPECT_EQ(accepted, 0);
}

/// Every byte of `whole`, `bits` single-bit flips each, from `first` in steps of `step`.
void expectFlipsHarmless(const std::string& whole, std::size_t first, std::size_t step) {
  std::string bytes = whole;
  for (std::size_t at = first; at < whole.size(); at += step)
    for (int bit = 0; bit < 8; ++bit) {
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      auto model = ModelBuilder::readBytes(bytes);
      if (model)
        EXPECT_TRUE(verify(model->graph).ok()) << at << " bit " << bit;
      else
        EXPECT_FALSE(model.error().where.empty()) << at << " bit " << bit;
      bytes[at] = whole[at];
    }
}

TEST_F(HostileBytes, I4_FlippedBitsAreAnErrorOrAValidModel) { expectFlipsHarmless(richModel(), 0, 3); }

TEST_F(HostileBytes, I4_FullEveryBitOfEveryByte) { expectFlipsHarmless(richModel(), 0, 1); }

TEST_F(HostileBytes, I5_FilesOfOtherKindsAreNamed) {
  const std::vector<std::pair<std::string, std::string>> files{
      {"<!DOCTYPE html><html></html>", "web page"},
      {"PK\x03\x04 and so on", "zip"},
      {"\x80\x02}q\x00X", "pickle"},
      {"\x89HDF\r\n\x1a\n....", "HDF5"},
      {"\x89PNG\r\n\x1a\n", "picture"},
      {"GGUF\x03", "GGUF"},
      {"version https://git-lfs.github.com/spec/v1\n", "Git LFS"}};
  for (const auto& [bytes, kind] : files) {
    const Outcome outcome = readInChild(write("renamed.onnx", bytes));
    expectBounded(outcome, static_cast<std::int64_t>(bytes.size()));
    EXPECT_FALSE(outcome.opened) << kind;
    EXPECT_THAT(outcome.text, ::testing::ContainsRegex(kind)) << outcome.text;
  }
}

TEST_F(HostileBytes, I6_LengthsBeyondTheFileAllocateNothing) {
  for (std::uint64_t length : {std::uint64_t{1} << 31, (std::uint64_t{1} << 63) - 1, ~std::uint64_t{0}}) {
    // ModelProto.graph.initializer.raw_data, each inside the other, all of that length.
    const std::string raw = lengthDelimited(9, length, "abcd");
    const std::string tensor = lengthDelimited(5, raw.size(), raw);
    const std::string graph = lengthDelimited(7, tensor.size(), tensor);
    for (const std::string& bytes : {graph, lengthDelimited(7, length, tensor), lengthDelimited(2, length, "x")}) {
      const Outcome outcome = readInChild(write("length.onnx", bytes));
      expectBounded(outcome, static_cast<std::int64_t>(bytes.size()));
      EXPECT_FALSE(outcome.opened);
    }
  }
}

TEST_F(HostileBytes, I7_GroupsAndUnknownFieldsMayNestAsDeepAsTheyLike) {
  constexpr std::size_t kDepth = 10'000;
  std::string groups;
  for (std::size_t i = 0; i < kDepth; ++i) groups += testing::varint(1000 << 3 | 3);
  for (std::size_t i = 0; i < kDepth; ++i) groups += testing::varint(1000 << 3 | 4);
  std::string nested = "x";
  for (std::size_t i = 0; i < kDepth; ++i) nested = lengthDelimited(7, nested.size(), nested);
  for (const std::string& bytes : {groups, nested, richModel() + groups}) {
    const Outcome outcome = readInChild(write("groups.onnx", bytes));
    expectBounded(outcome, static_cast<std::int64_t>(bytes.size()));
    EXPECT_FALSE(outcome.opened) << outcome.text;
  }
}

TEST_F(HostileBytes, I30_PathsThatCannotBeReadFailAtOnce) {
  ASSERT_EQ(::mkfifo((m_root / "pipe.onnx").c_str(), 0600), 0);
  fs::create_directory(m_root / "folder.onnx");
  fs::create_symlink("loop.onnx", m_root / "loop.onnx");
  for (const char* name : {"pipe.onnx", "folder.onnx", "loop.onnx", "missing.onnx", "missing/m.onnx"}) {
    const Outcome outcome = readInChild(m_root / name);
    expectBounded(outcome, 0, 2);
    EXPECT_FALSE(outcome.opened) << name;
    EXPECT_THAT(outcome.text, HasSubstr(name));
  }
  EXPECT_FALSE(readInChild("/dev/zero").opened);
  EXPECT_FALSE(readInChild(std::string(5000, 'p')).opened);
}

TEST_F(HostileBytes, I30_AFileWithoutPermissionSaysSo) {
  const fs::path path = write("secret.onnx", richModel());
  fs::permissions(m_root, fs::perms::all);
  const bool isSuperuser = ::geteuid() == 0; // who may read everything, so the child becomes nobody first
  for (const fs::perms permissions : {fs::perms::none, fs::perms::owner_read}) {
    if (!isSuperuser && permissions == fs::perms::owner_read) continue; // the owner is ourselves
    fs::permissions(path, permissions);
    const Outcome outcome = testing::inChild([&] {
      constexpr uid_t kNobody = 65534;
      if (isSuperuser && ::setuid(kNobody) != 0) return std::string("cannot become another user");
      auto model = readOnnx(path);
      return model ? std::string("ok") : model.error().line();
    });
    expectBounded(outcome, 0, 2);
    EXPECT_THAT(outcome.text, HasSubstr("permission"));
  }
  // Nor behind a folder that may not be entered.
  fs::permissions(path, fs::perms::all);
  fs::permissions(m_root, fs::perms::none);
  const Outcome outcome = testing::inChild([&] {
    if (isSuperuser && ::setuid(65534) != 0) return std::string("cannot become another user");
    auto model = readOnnx(path);
    return model ? std::string("ok") : model.error().line();
  });
  fs::permissions(m_root, fs::perms::all);
  expectBounded(outcome, 0, 2);
  EXPECT_THAT(outcome.text, HasSubstr("ermission"));
}

TEST_F(HostileBytes, I31_AFileAboveTwoGigabytesIsSentToExternalData) {
  const fs::path path = write("huge.onnx", "");
  fs::resize_file(path, (std::uintmax_t{5} << 30)); // sparse: takes no space
  const Outcome outcome = readInChild(path);
  expectBounded(outcome, 0);
  EXPECT_THAT(outcome.text, HasSubstr("external data"));
}

} // namespace
} // namespace tandem
