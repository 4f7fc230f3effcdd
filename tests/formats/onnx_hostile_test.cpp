// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/formats/rich_model.hpp"

#include "engine/formats/onnx/onnx_writer.hpp"
#include "engine/gallery/gallery.hpp"
#include "engine/graph/verify.hpp"

#include <chrono>
#include <fstream>
#include <functional>
#include <gmock/gmock.h>
#include <random>
#include <sys/stat.h>
#include <unistd.h>

namespace tandem {
namespace {

namespace fs = std::filesystem;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using testing::ModelBuilder;
using testing::richModel;

/// Neither a crash nor a graph that does not verify.
void expectErrorOrValid(const std::string& bytes, const std::string& what) {
  auto model = ModelBuilder::readBytes(bytes);
  if (model.ok()) {
    EXPECT_TRUE(verify(model->graph).ok()) << what;
  } else {
    EXPECT_FALSE(model.error().message.empty()) << what;
    EXPECT_FALSE(model.error().where.empty()) << what;
  }
}

std::string refusal(const ModelBuilder& builder) {
  auto model = builder.read();
  EXPECT_FALSE(model.ok());
  if (model.ok()) return {};
  EXPECT_EQ(model.error().code, ErrorCode::ModelRejected);
  return model.error().line();
}

TEST(HostileOnnx, TheRichModelItselfOpens) {
  auto model = ModelBuilder::readBytes(richModel());
  ASSERT_TRUE(model.ok()) << model.error().line();
  EXPECT_EQ(model->graph.nodes().size(), 4u);
}

TEST(HostileOnnx, TruncationAtAnyPlaceIsAnError) {
  const std::string whole = richModel();
  for (std::size_t cut = 0; cut < whole.size(); ++cut)
    expectErrorOrValid(whole.substr(0, cut), "cut " + std::to_string(cut));
  auto graph = buildSample("tiny_resnet");
  ASSERT_TRUE(graph.ok());
  const std::string sample = *writeOnnx(*graph);
  for (std::size_t cut = 0; cut < sample.size(); cut += 97 * 11) {
    auto model = ModelBuilder::readBytes(sample.substr(0, cut));
    EXPECT_FALSE(model.ok()) << cut;
  }
}

TEST(HostileOnnx, FlippedBytesNeverCrash) {
  const std::string whole = richModel();
  std::mt19937 random(42);
  for (int i = 0; i < 5000; ++i) {
    std::string damaged = whole;
    const int flips = 1 + static_cast<int>(random() % 4);
    for (int k = 0; k < flips; ++k) damaged[random() % damaged.size()] = static_cast<char>(random());
    expectErrorOrValid(damaged, "flip " + std::to_string(i));
  }
}

TEST(HostileOnnx, RandomFilesAreErrors) {
  std::mt19937 random(1);
  for (int i = 0; i < 1000; ++i) {
    std::string noise(random() % 4096, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    auto model = ModelBuilder::readBytes(noise);
    EXPECT_FALSE(model.ok()) << i;
  }
}

TEST(HostileOnnx, OtherFilesAreNamed) {
  const auto messageFor = [](const std::string& bytes) { return ModelBuilder::readBytes(bytes).error().line(); };
  EXPECT_THAT(messageFor(""), HasSubstr("empty"));
  EXPECT_THAT(messageFor("version https://git-lfs.github.com/spec/v1\noid"), HasSubstr("git lfs pull"));
  EXPECT_THAT(messageFor("PK\x03\x04 zip"), HasSubstr("zip archive"));
  EXPECT_THAT(messageFor("\x89HDF\r\n\x1a\n"), HasSubstr("Keras"));
  EXPECT_THAT(messageFor("{\"a\": 1}"), HasSubstr("JSON"));
}

TEST(HostileOnnx, WeightsMustHaveExactlyTheirBytes) {
  const auto withWeight = [](std::vector<std::int64_t> dims, const std::function<void(onnx::TensorProto&)>& change) {
    ModelBuilder builder;
    builder.input("x", {1}).output("y").node("Relu", {"x"}, {"y"});
    change(builder.weight("w", std::move(dims), {}));
    return refusal(builder);
  };
  const auto nothing = [](onnx::TensorProto&) {};
  const auto raw = [](std::size_t bytes) {
    return [bytes](onnx::TensorProto& t) { t.set_raw_data(std::string(bytes, 'x')); };
  };
  EXPECT_THAT(withWeight({4}, raw(15)), HasSubstr("has 15 bytes, not 16"));
  EXPECT_THAT(withWeight({4}, raw(17)), HasSubstr("'w'"));
  EXPECT_THAT(withWeight({4}, nothing), HasSubstr("0 elements, not 4"));
  EXPECT_THAT(withWeight({-1, 4}, nothing), HasSubstr("negative dimension"));
  EXPECT_THAT(withWeight({std::int64_t{1} << 40, std::int64_t{1} << 40}, raw(4)), HasSubstr("too large"));
  EXPECT_THAT(withWeight({std::int64_t{1} << 62, 0}, raw(0)), HasSubstr("too large"));
  EXPECT_THAT(withWeight({1'000'000'000'000}, raw(4)), HasSubstr("not 4000000000000"));
  EXPECT_THAT(withWeight({1, 1, 1, 1, 1, 1, 1, 1, 1}, raw(4)), HasSubstr("9 dimensions"));
  EXPECT_THAT(withWeight({1}, [](auto& t) { t.set_data_type(onnx::TensorProto::COMPLEX64); }), HasSubstr("complex64"));
  EXPECT_THAT(withWeight({1}, [](auto& t) { t.set_data_type(17); }), HasSubstr("float8e4m3fn"));
  EXPECT_THAT(withWeight({1}, [](auto& t) { t.set_data_type(onnx::TensorProto::STRING); }), HasSubstr("string"));
  EXPECT_THAT(withWeight({1}, [](auto& t) { t.set_data_type(-5); }), HasSubstr("type -5"));
}

TEST(HostileOnnx, GraphsThatAreNoneAreRefused) {
  {
    ModelBuilder builder;
    builder.input("x", {1}).output("y");
    builder.node("Add", {"x", "b"}, {"a"}, "first");
    builder.node("Add", {"x", "a"}, {"b"}, "second");
    builder.node("Relu", {"b"}, {"y"});
    EXPECT_THAT(refusal(builder), HasSubstr("cycle"));
  }
  {
    ModelBuilder builder;
    builder.input("x", {1}).output("y").node("Relu", {"missing"}, {"y"});
    EXPECT_THAT(refusal(builder), HasSubstr("nothing produces the tensor 'missing'"));
  }
  {
    ModelBuilder builder;
    builder.input("x", {1}).output("y").node("Relu", {"x"}, {"y"});
    builder.node("Relu", {"x"}, {"y"});
    EXPECT_THAT(refusal(builder), HasSubstr("two tensors are called 'y'"));
  }
  {
    ModelBuilder builder;
    builder.input("x", {1}).input("x", {1}).output("y").node("Relu", {"x"}, {"y"});
    EXPECT_THAT(refusal(builder), HasSubstr("two inputs"));
  }
  {
    ModelBuilder builder;
    builder.input("x", {1}).output("nobody").node("Relu", {"x"}, {"y"});
    EXPECT_THAT(refusal(builder), HasSubstr("'nobody'"));
  }
  {
    ModelBuilder builder;
    builder.input("x", {1}).node("Relu", {"x"}, {"y"});
    EXPECT_THAT(refusal(builder), HasSubstr("no outputs"));
  }
  {
    ModelBuilder builder;
    builder.input("x", {1, 1, 1, 1, 1, 1, 1, 1, 1}).output("y").node("Relu", {"x"}, {"y"});
    EXPECT_THAT(refusal(builder), HasSubstr("9 dimensions"));
  }
  {
    ModelBuilder builder;
    builder.input("x", {1}).output("y").node("Relu", {"x"}, {"y"}, std::string(5000, 'n'));
    EXPECT_THAT(refusal(builder), HasSubstr("5000 bytes"));
  }
}

TEST(HostileOnnx, SubgraphsNestAtMost32Deep) {
  const auto nested = [](int depth) {
    ModelBuilder builder;
    builder.input("c", {}).output("y");
    onnx::GraphProto* graph = &builder.graph();
    for (int i = 0; i < depth; ++i) {
      const std::string out = i == 0 ? "y" : "o" + std::to_string(i);
      auto& node = ModelBuilder::node(*graph, "If", {"c"}, {out});
      auto* attribute = node.add_attribute();
      attribute->set_name("then_branch");
      attribute->set_type(onnx::AttributeProto::GRAPH);
      graph = attribute->mutable_g();
      graph->add_output()->set_name("o" + std::to_string(i + 1));
    }
    ModelBuilder::node(*graph, "Relu", {"c"}, {"o" + std::to_string(depth)});
    return builder;
  };
  auto deepest = nested(32).read();
  ASSERT_TRUE(deepest.ok()) << deepest.error().line();
  EXPECT_THAT(refusal(nested(33)), HasSubstr("32 deep"));
  refusal(nested(2000));
}

TEST(HostileOnnx, FunctionsThatMultiplyAreStopped) {
  // Each function calls the next ten times: ten to the eighth nodes from two kilobytes.
  ModelBuilder builder;
  for (int level = 0; level < 8; ++level) {
    auto* function = builder.model.add_functions();
    function->set_name("f" + std::to_string(level));
    function->set_domain("local");
    function->add_input("a");
    function->add_output("t9");
    for (int i = 0; i < 10; ++i) {
      auto* node = function->add_node();
      node->set_op_type(level == 7 ? "Relu" : "f" + std::to_string(level + 1));
      if (level != 7) node->set_domain("local");
      node->add_input(i == 0 ? "a" : "t" + std::to_string(i - 1));
      node->add_output("t" + std::to_string(i));
    }
  }
  builder.input("x", {1}).output("y").node("f0", {"x"}, {"y"}).set_domain("local");
  EXPECT_THAT(refusal(builder), AnyOf(HasSubstr("200,000 nodes"), HasSubstr("64 MiB")));
}

TEST(HostileOnnx, LargeFlatGraphsTakeLinearTime) {
  const auto started = std::chrono::steady_clock::now();
  {
    ModelBuilder builder; // one tensor with very many consumers
    builder.input("x", {1}).output("y0");
    for (int i = 0; i < 50'000; ++i) builder.node("Relu", {"x"}, {"y" + std::to_string(i)}, "same");
    auto model = builder.read();
    EXPECT_TRUE(model.ok());
  }
  {
    ModelBuilder builder; // one node with very many inputs
    builder.output("y");
    std::vector<std::string> inputs;
    for (int i = 0; i < 20'000; ++i) {
      inputs.push_back("x" + std::to_string(i));
      builder.input(inputs.back(), {1});
    }
    builder.node("Sum", inputs, {"y"});
    builder.read().ok();
  }
  {
    ModelBuilder builder;
    builder.input("x", {1}).output("y").node("Relu", {"x"}, {"y"}, std::string(4000, '/'));
    EXPECT_TRUE(builder.read().ok());
  }
  const auto took = std::chrono::steady_clock::now() - started;
  EXPECT_LT(std::chrono::duration<double>(took).count(), 20.0);
}

TEST(HostileOnnx, ManyEmptyPartsAreStoppedBeforeTheyFillTheMemory) {
  // 16 MB of empty nodes, two bytes each, would become 1.5 GB of messages.
  const std::size_t count = 8'000'000;
  std::string graph;
  graph.reserve(2 * count);
  for (std::size_t i = 0; i < count; ++i) graph += std::string_view("\x0a\x00", 2);
  std::string file = "\x3a"; // ModelProto.graph
  for (std::size_t length = graph.size();; length >>= 7) {
    file += static_cast<char>((length & 0x7f) | (length >> 7 ? 0x80 : 0));
    if (!(length >> 7)) break;
  }
  auto model = ModelBuilder::readBytes(file + graph);
  ASSERT_FALSE(model.ok());
  EXPECT_THAT(model.error().message, HasSubstr("too many parts"));
}

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
  fs::create_symlink("sub/w.bin", m_root / "model" / "link.bin");
  EXPECT_TRUE(readWith("sub/w.bin").ok());
  EXPECT_TRUE(readWith("link.bin").ok()); // stays inside
  EXPECT_TRUE(readWith("./sub/w.bin", "3", "16").ok());
}

TEST_F(ExternalFiles, OutsideTheModelsFolderAreRefused) {
  EXPECT_THAT(refusalOf("../secret.bin"), HasSubstr("leaves the model's folder"));
  EXPECT_THAT(refusalOf("sub/../../secret.bin"), HasSubstr("leaves the model's folder"));
  EXPECT_THAT(refusalOf((m_root / "secret.bin").string()), HasSubstr("not a path inside"));
  EXPECT_THAT(refusalOf("/etc/passwd"), HasSubstr("not a path inside"));
  EXPECT_THAT(refusalOf(""), HasSubstr("not a path inside"));
  fs::create_symlink("../secret.bin", m_root / "model" / "link.bin");
  EXPECT_THAT(refusalOf("link.bin"), HasSubstr("leaves the model's folder"));
  fs::create_directory_symlink("..", m_root / "model" / "up");
  EXPECT_THAT(refusalOf("up/secret.bin"), HasSubstr("leaves the model's folder"));
}

TEST_F(ExternalFiles, MustBeFilesThatHoldTheBytes) {
  EXPECT_THAT(refusalOf("missing.bin"), HasSubstr("cannot be found"));
  EXPECT_THAT(refusalOf("sub"), HasSubstr("folder"));
  EXPECT_THAT(refusalOf("w.bin", "4"), HasSubstr("does not hold"));
  EXPECT_THAT(refusalOf("w.bin", "0", "12"), HasSubstr("does not hold"));
  EXPECT_THAT(refusalOf("w.bin", "-4"), HasSubstr("offset '-4'"));
  EXPECT_THAT(refusalOf("w.bin", "9223372036854775807"), HasSubstr("does not hold"));
  EXPECT_THAT(refusalOf("w.bin", "99999999999999999999"), HasSubstr("offset"));
  EXPECT_THAT(refusalOf("w.bin", "0x0"), HasSubstr("offset"));
  ASSERT_EQ(::mkfifo((m_root / "model" / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(refusalOf("pipe"), HasSubstr("not a regular file"));
}

TEST_F(ExternalFiles, AreRefusedForModelsWithoutAFolder) {
  ModelBuilder builder;
  builder.input("x", {4}).output("y").node("Add", {"x", "w"}, {"y"});
  auto& weight = builder.weight("w", {4}, {});
  weight.set_data_location(onnx::TensorProto::EXTERNAL);
  EXPECT_THAT(refusal(builder), HasSubstr("has no folder"));
}

TEST_F(ExternalFiles, ModelPathsThatAreNoFilesAreRefused) {
  EXPECT_THAT(readOnnx(m_root / "model").error().line(), HasSubstr("folder"));
  EXPECT_THAT(readOnnx(m_root / "none.onnx").error().line(), HasSubstr("none.onnx"));
  ASSERT_EQ(::mkfifo((m_root / "pipe.onnx").c_str(), 0600), 0);
  EXPECT_THAT(readOnnx(m_root / "pipe.onnx").error().line(), HasSubstr("not a regular file"));
  // Sparse, so it takes no space: just above what protobuf can read.
  write(m_root / "huge.onnx", "");
  fs::resize_file(m_root / "huge.onnx", std::uintmax_t{1} << 31);
  EXPECT_THAT(readOnnx(m_root / "huge.onnx").error().line(), HasSubstr("external data"));
}

} // namespace
} // namespace tandem
