// SPDX-License-Identifier: GPL-3.0-or-later
// Weights in files beside the model: I16 to I18, I29 and I31 of the table in README.md.
#include "tests/formats/hostile_support.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <thread>

namespace tandem {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::ModelBuilder;

class ExternalFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    m_root = fs::path(::testing::TempDir()) / (std::string("tandem_external_") + test->name());
    fs::remove_all(m_root);
    fs::create_directories(m_root / "model" / "sub");
    write(m_root / "secret.bin", std::string(16, 's'));
    write(m_root / "model" / "w.bin", std::string("\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40pad", 19));
  }
  void TearDown() override { fs::remove_all(m_root); }

  static void write(const fs::path& path, const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
  }

  Result<OnnxModel> readWith(const std::string& location, const std::string& offset = {},
                             const std::string& length = {}) {
    ModelBuilder builder;
    builder.input("x", {4}).output("y");
    auto& weight = builder.weight("w", {4}, {});
    weight.set_data_location(onnx::TensorProto::EXTERNAL);
    const auto add = [&](const char* key, const std::string& value) {
      if (value.empty()) return;
      auto* entry = weight.add_external_data();
      entry->set_key(key);
      entry->set_value(value);
    };
    add("location", location);
    add("offset", offset);
    add("length", length);
    builder.node("Add", {"x", "w"}, {"y"});
    write(m_root / "model" / "m.onnx", builder.bytes());
    return readOnnx(m_root / "model" / "m.onnx");
  }
  std::string refusalOf(const std::string& location, const std::string& offset = {}, const std::string& length = {}) {
    auto model = readWith(location, offset, length);
    EXPECT_FALSE(model.ok()) << location;
    return model.ok() ? std::string() : model.error().line();
  }

  fs::path m_root;
};

TEST_F(ExternalFiles, InTheModelsFolderAreMapped) {
  auto model = readWith("w.bin");
  ASSERT_TRUE(model.ok()) << model.error().line();
  EXPECT_THAT(model->graph.value(*model->graph.findValue("w")).constant.as<float>(),
              ::testing::ElementsAre(1, 2, 3, 4));
  fs::rename(m_root / "model" / "w.bin", m_root / "model" / "sub" / "w.bin");
  EXPECT_TRUE(readWith("sub/w.bin").ok());
  EXPECT_TRUE(readWith("./sub/w.bin", "3", "16").ok());
}

TEST_F(ExternalFiles, I16_OutsideTheModelsFolderAreRefusedUnopened) {
  testing::OpenWatch watch;
  watch.add(m_root / "secret.bin"); // not /etc/passwd: other processes open that at any time
  EXPECT_THAT(refusalOf("../secret.bin"), HasSubstr("leaves the model's folder"));
  EXPECT_THAT(refusalOf("../../etc/passwd"), HasSubstr("leaves the model's folder"));
  EXPECT_THAT(refusalOf("sub/../../secret.bin"), HasSubstr("leaves the model's folder"));
  EXPECT_THAT(refusalOf("./.././secret.bin"), HasSubstr("leaves the model's folder"));
  for (const std::string& location :
       {(m_root / "secret.bin").string(), std::string("/etc/passwd"), std::string(), std::string("sub/"),
        std::string("w.bin\0/../../secret.bin", 24), std::string("w.bin\0", 6)})
    EXPECT_THAT(refusalOf(location), HasSubstr("not a path inside"));
  for (const char* location : {"\\..\\secret.bin", "C:\\secret.bin", "\\\\server\\share\\w.bin",
                               "http://example.com/w.bin", "file:///etc/passwd", "~/w.bin"})
    EXPECT_THAT(refusalOf(location), HasSubstr("cannot be found"));
  EXPECT_EQ(watch.opens(), 0);
}

TEST_F(ExternalFiles, I17_LinksAndSpecialFilesAreRefusedUnopened) {
  const fs::path model = m_root / "model";
  testing::OpenWatch watch;
  watch.add(m_root / "secret.bin");
  fs::create_symlink("../secret.bin", model / "link.bin");
  fs::create_symlink("w.bin", model / "inside.bin");
  fs::create_directory_symlink("..", model / "up");
  fs::create_directory_symlink("sub", model / "same");
  fs::copy_file(model / "w.bin", model / "sub" / "w.bin");
  for (const char* location : {"link.bin", "inside.bin", "up/secret.bin", "same/w.bin"})
    EXPECT_THAT(refusalOf(location), HasSubstr("a link")) << location;
  EXPECT_EQ(watch.opens(), 0);
  fs::create_hard_link(m_root / "secret.bin", model / "hard.bin");
  EXPECT_THAT(refusalOf("hard.bin"), HasSubstr("several names"));
  ASSERT_EQ(::mkfifo((model / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(refusalOf("pipe"), HasSubstr("not a regular file"));
  EXPECT_THAT(refusalOf("sub"), HasSubstr("folder"));
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(std::snprintf(address.sun_path, sizeof address.sun_path, "%s", (model / "s").c_str()),
            static_cast<int>(sizeof address.sun_path));
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_THAT(refusalOf("s"), HasSubstr("cannot be opened"));
  ::close(socket);
  const bool made = ::mknod((model / "zero").c_str(), S_IFCHR | 0600, makedev(1, 5)) == 0; // /dev/zero
  EXPECT_FALSE(made && readWith("zero").ok());
}

/// Somebody swaps a link to a secret in and out while the model is read: the secret must never be read.
void expectNoLeak(const fs::path& model, const fs::path& secret, int tries,
                  const std::function<Result<OnnxModel>()>& read) {
  testing::OpenWatch watch;
  watch.add(secret);
  std::atomic<bool> stop = false;
  std::thread attacker([&] {
    const fs::path target = model / "race.bin", spare = model / "spare.bin";
    while (!stop) {
      std::error_code ignored;
      fs::create_symlink("../secret.bin", spare, ignored);
      fs::rename(spare, target, ignored);
      fs::copy_file(model / "w.bin", spare, ignored);
      fs::rename(spare, target, ignored);
    }
  });
  int opened = 0;
  for (int i = 0; i < tries; ++i) {
    auto result = read();
    if (!result) continue;
    ++opened;
    const Tensor& weight = result->graph.value(*result->graph.findValue("w")).constant;
    EXPECT_EQ(weight.as<float>()[0], 1.0F);
  }
  stop = true;
  attacker.join();
  EXPECT_EQ(watch.opens(), 0);
  ::testing::Test::RecordProperty("opened", opened);
}

TEST_F(ExternalFiles, I17_ALinkSwappedInWhileReadingLeaksNothing) {
  expectNoLeak(m_root / "model", m_root / "secret.bin", 300, [&] { return readWith("race.bin"); });
}

TEST_F(ExternalFiles, I17_FullTenThousandTriesAgainstASwappedLink) {
  expectNoLeak(m_root / "model", m_root / "secret.bin", 10'000, [&] { return readWith("race.bin"); });
}

TEST_F(ExternalFiles, I18_MustBeFilesThatHoldTheBytes) {
  for (const auto& [offset, length] : std::vector<std::pair<std::string, std::string>>{
           {"4", ""}, {"0", "12"}, {"9223372036854775807", ""}, {"19", ""}, {"20", ""}, {"0", "9223372036854775807"}})
    EXPECT_THAT(refusalOf("w.bin", offset, length),
                ::testing::AllOf(HasSubstr("does not hold"), HasSubstr("'w'"), HasSubstr("'w.bin'")));
  EXPECT_THAT(refusalOf("w.bin", "-4"), HasSubstr("offset '-4'"));
  EXPECT_THAT(refusalOf("w.bin", "0", "-16"), HasSubstr("length '-16'"));
  for (const char* offset : {"99999999999999999999", "0x0", "1e3", " 0", "zero"})
    EXPECT_THAT(refusalOf("w.bin", offset), HasSubstr("offset")) << offset;
  EXPECT_THAT(refusalOf("missing.bin"), HasSubstr("cannot be found"));
  ModelBuilder builder;
  builder.input("x", {4}).output("y").node("Add", {"x", "w"}, {"y"});
  auto& weight = builder.weight("w", {4}, {});
  weight.set_data_location(onnx::TensorProto::EXTERNAL);
  auto* entry = weight.add_external_data();
  entry->set_key("__class__");
  entry->set_value("os");
  write(m_root / "model" / "m.onnx", builder.bytes());
  EXPECT_THAT(readOnnx(m_root / "model" / "m.onnx").error().line(), HasSubstr("unknown entry '__class__'"));
}

TEST_F(ExternalFiles, I29_BytesThatVanishReadAsZerosAndAreNoticed) {
  const fs::path data = m_root / "model" / "w.bin";
  fs::resize_file(data, std::uintmax_t{8} << 20); // large enough to be mapped, not read
  for (const char* what : {"truncated", "overwritten", "overwritten and deleted", "deleted", "replaced"}) {
    auto model = readWith("w.bin", std::to_string((8 << 20) - 16));
    ASSERT_TRUE(model.ok()) << model.error().line();
    const auto changed = [&] {
      return std::find_if(model->files.begin(), model->files.end(), [](const auto& file) { return file->changed(); });
    };
    ASSERT_EQ(model->files.size(), 2u); // the model's and its weights'
    EXPECT_EQ(changed(), model->files.end());
    const std::string kind = what;
    if (kind == "truncated") fs::resize_file(data, 4096);
    if (kind.starts_with("overwritten")) std::ofstream(data, std::ios::binary | std::ios::in).write("changed", 7);
    if (kind.ends_with("deleted")) fs::remove(data);
    if (kind == "replaced") write(data, "another file");
    const auto values = model->graph.value(*model->graph.findValue("w")).constant.as<float>();
    EXPECT_EQ(values[0] + values[1] + values[2] + values[3], 0.0F) << what; // no SIGBUS
    // "replaced" writes through the same name into the same file or a new one; either way nothing may go unnoticed.
    const bool mustNotice = kind == "truncated" || kind.starts_with("overwritten");
    if (mustNotice) {
      ASSERT_NE(changed(), model->files.end()) << what;
      EXPECT_THAT((*changed())->requireUnchanged().error().line(), HasSubstr("changed while"));
    }
    EXPECT_FALSE(kind == "deleted" && changed() != model->files.end());
    write(data, std::string());
    fs::resize_file(data, std::uintmax_t{8} << 20);
  }
}

TEST_F(ExternalFiles, I31_AModelAboveTwoGigabytesOpensWithoutReadingItsData) {
  const fs::path data = m_root / "model" / "large.bin";
  write(data, "");
  fs::resize_file(data, std::uintmax_t{16} << 30); // sparse
  ModelBuilder builder;
  builder.input("x", {1 << 20}).output("y");
  std::string last = "x";
  constexpr std::int64_t kWeights = 12, kElements = std::int64_t{1} << 28; // 12 GiB
  for (std::int64_t i = 0; i < kWeights; ++i) {
    auto& weight = builder.weight("w" + std::to_string(i), {kElements}, {});
    weight.set_data_location(onnx::TensorProto::EXTERNAL);
    for (const auto& [key, value] : {std::pair<const char*, std::string>{"location", "large.bin"},
                                     {"offset", std::to_string(i * kElements * 4)}}) {
      auto* entry = weight.add_external_data();
      entry->set_key(key);
      entry->set_value(value);
    }
  }
  builder.node("Relu", {"x"}, {"y"});
  write(m_root / "model" / "m.onnx", builder.bytes());
  const testing::Outcome outcome = testing::readInChild(m_root / "model" / "m.onnx");
  testing::expectBounded(outcome, 0);
  EXPECT_TRUE(outcome.opened) << outcome.text;
}

TEST_F(ExternalFiles, AreRefusedForModelsWithoutAFolder) {
  ModelBuilder builder;
  builder.input("x", {4}).output("y").node("Add", {"x", "w"}, {"y"});
  auto& weight = builder.weight("w", {4}, {});
  weight.set_data_location(onnx::TensorProto::EXTERNAL);
  EXPECT_THAT(builder.read().error().line(), HasSubstr("has no folder"));
}

} // namespace
} // namespace tandem
