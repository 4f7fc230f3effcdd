// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/formats/rich_model.hpp"

#include "engine/formats/onnx/onnx_writer.hpp"
#include "engine/gallery/gallery.hpp"
#include "engine/graph/verify.hpp"

#include <chrono>
#include <functional>
#include <gmock/gmock.h>
#include <random>

namespace tandem {
namespace {

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

} // namespace
} // namespace tandem
