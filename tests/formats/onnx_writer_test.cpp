// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/formats/conformance_data.hpp"
#include "tests/formats/proto_builder.hpp"

#include "engine/formats/onnx/onnx_writer.hpp"
#include "engine/formats/tensors/mapped_file.hpp"
#include "engine/gallery/gallery.hpp"

#include <algorithm>
#include <cstring>
#include <gmock/gmock.h>
#include <map>

namespace tandem {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::ModelBuilder;

std::span<const std::byte> bytesOf(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

void expectSame(const Graph& a, const Graph& b, const std::string& where);

void expectSame(const Tensor& a, const Tensor& b, const std::string& where) {
  ASSERT_EQ(a.desc(), b.desc()) << where;
  EXPECT_EQ(std::memcmp(a.data(), b.data(), a.bytes()), 0) << where;
}

void expectSame(const Attribute& a, const Attribute& b, const std::string& where) {
  ASSERT_EQ(a.index(), b.index()) << where;
  if (auto graph = std::get_if<std::shared_ptr<const Graph>>(&a))
    expectSame(**graph, *std::get<std::shared_ptr<const Graph>>(b), where);
  else if (auto tensor = std::get_if<Tensor>(&a))
    expectSame(*tensor, std::get<Tensor>(b), where);
  else
    EXPECT_EQ(describe(a), describe(b)) << where;
}

std::string nameOf(const Graph& graph, ValueId id) { return id.valid() ? graph.value(id).name : ""; }

/// Same nodes with the same wiring, the same weights, inputs and outputs. Names inside subgraphs may differ, because
/// ONNX wants them unique among all graphs around them.
void expectSame(const Graph& a, const Graph& b, const std::string& where) {
  ASSERT_EQ(a.nodes().size(), b.nodes().size()) << where;
  ASSERT_EQ(a.inputs().size(), b.inputs().size()) << where;
  ASSERT_EQ(a.outputs().size(), b.outputs().size()) << where;
  EXPECT_EQ(a.opset, b.opset) << where;
  std::map<std::string, std::string> renamed;
  const auto matches = [&](ValueId left, ValueId right, const std::string& at) {
    ASSERT_EQ(left.valid(), right.valid()) << at;
    if (!left.valid()) return;
    const auto [it, fresh] = renamed.emplace(nameOf(a, left), nameOf(b, right));
    EXPECT_EQ(it->second, nameOf(b, right)) << at;
    if (a.value(left).isConstant() && fresh) expectSame(a.value(left).constant, b.value(right).constant, at);
  };
  for (std::size_t i = 0; i < a.inputs().size(); ++i) matches(a.inputs()[i], b.inputs()[i], where);
  for (const Node& node : a.nodes()) {
    const std::string at = where + " " + node.name;
    const auto id = b.findNode(node.name);
    ASSERT_TRUE(id.has_value()) << at;
    const Node& other = b.node(*id);
    EXPECT_EQ(node.type, other.type) << at;
    EXPECT_EQ(node.domain, other.domain) << at;
    EXPECT_EQ(node.version, other.version) << at;
    EXPECT_EQ(node.scope, other.scope) << at;
    ASSERT_EQ(node.inputs.size(), other.inputs.size()) << at;
    ASSERT_EQ(node.outputs.size(), other.outputs.size()) << at;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) matches(node.inputs[i], other.inputs[i], at);
    for (std::size_t i = 0; i < node.outputs.size(); ++i) matches(node.outputs[i], other.outputs[i], at);
    ASSERT_EQ(node.attributes.size(), other.attributes.size()) << at;
    for (const auto& [name, value] : node.attributes) {
      ASSERT_TRUE(other.attributes.has(name)) << at << " " << name;
      if (name != "captures") expectSame(value, *other.attributes.find(name), at + " " + name);
    }
  }
  for (std::size_t i = 0; i < a.outputs().size(); ++i) matches(a.outputs()[i], b.outputs()[i], where);
}

void expectRoundTrip(const Graph& graph, const std::string& where) {
  auto file = writeOnnx(graph);
  ASSERT_TRUE(file.ok()) << where << ": " << file.error().line();
  auto back = ModelBuilder::readBytes(*file);
  ASSERT_TRUE(back.ok()) << where << ": " << back.error().line();
  expectSame(graph, back->graph, where);
}

TEST(OnnxWriter, GallerySamplesComeBack) {
  for (const GallerySample& sample : gallerySamples()) {
    auto graph = buildSample(sample.name);
    ASSERT_TRUE(graph.ok());
    expectRoundTrip(*graph, sample.name);
  }
}

TEST(OnnxWriter, RealModelsComeBack) {
  TANDEM_NEED_CONFORMANCE("models");
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".onnx") continue;
    auto model = readOnnx(entry.path());
    ASSERT_TRUE(model.ok());
    expectRoundTrip(model->graph, entry.path().filename());
    ++files;
  }
  EXPECT_GE(files, 17u);
}

TEST(OnnxWriter, OperatorCasesComeBack) {
  TANDEM_NEED_CONFORMANCE("operators");
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".onnx") continue;
    auto model = readOnnx(entry.path());
    ASSERT_TRUE(model.ok());
    expectRoundTrip(model->graph, entry.path().parent_path().filename());
    if (::testing::Test::HasFatalFailure()) return;
    ++files;
  }
  EXPECT_GE(files, 1600u);
}

TEST(OnnxWriter, AModelWithAnOutputWithoutANameComesBackWithoutThatOutput) {
  ModelBuilder builder;
  builder.input("x", {2}).output("").output("y");
  builder.node("Relu", {"x"}, {"y"});
  const auto model = builder.read();
  ASSERT_TRUE(model.ok()) << model.error().line();
  EXPECT_THAT(model->warnings, ::testing::ElementsAre(HasSubstr("has no name")));
  const auto written = writeOnnx(model->graph);
  ASSERT_TRUE(written.ok()) << written.error().line();
  const auto again = ModelBuilder::readBytes(*written);
  ASSERT_TRUE(again.ok()) << again.error().line();
  ASSERT_EQ(again->graph.outputs().size(), 1u);
  EXPECT_EQ(again->graph.value(again->graph.outputs()[0]).name, "y");
}

TEST(OnnxWriter, RefusesNodesThatOnlyExistHere) {
  Graph graph;
  const ValueId x = graph.addInput("x", {DataType::Float32, {1}});
  const ValueId y = graph.addValue({});
  Node node;
  node.name = "fused";
  node.type = "FusedConv";
  node.domain = "tandem";
  node.inputs = {x};
  node.outputs = {y};
  graph.addNode(node);
  graph.addOutput(y);
  auto file = writeOnnx(graph);
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code, ErrorCode::Unsupported);
  EXPECT_EQ(file.error().where, "fused");
}

/// The annotations of a file's top-level nodes, by node name.
std::map<std::string, std::string> annotationsOf(const onnx::GraphProto& graph) {
  std::map<std::string, std::string> found;
  for (const auto& node : graph.node()) {
    const auto& unknown = onnx::NodeProto::GetReflection()->GetUnknownFields(node);
    for (int i = 0; i < unknown.field_count(); ++i) {
      onnx::StringStringEntryProto entry;
      if (unknown.field(i).number() != 9 || !entry.ParseFromString(unknown.field(i).length_delimited())) continue;
      if (entry.key() == "layer_ann") {
        EXPECT_FALSE(found.contains(node.name())) << "twice";
        found[node.name()] = entry.value();
      }
    }
  }
  return found;
}

TEST(OnnxAnnotate, PutsTheAnswerOnEveryNodeUnderTheReadersNames) {
  ModelBuilder builder;
  builder.model.set_ir_version(3);
  builder.input("x", {2}).input("w", {2}).output("y");
  builder.weight("w", {2}, {1, 2});
  builder.node("Relu", {"x"}, {"t"}, "same");
  builder.node("Add", {"t", "w"}, {"u"}, "same");
  builder.node("Relu", {"u"}, {"y"});
  auto model = builder.read();
  ASSERT_TRUE(model.ok());
  std::vector<std::string> asked;
  const auto annotation = [&](std::string_view name) {
    asked.emplace_back(name);
    return std::optional<std::string>("hx." + std::to_string(asked.size()));
  };
  auto first = annotateOnnx(bytesOf(builder.bytes()), annotation);
  ASSERT_TRUE(first.ok()) << first.error().line();
  std::vector<std::string> names;
  for (const Node& node : model->graph.nodes()) names.push_back(node.name);
  EXPECT_EQ(asked, names);

  onnx::ModelProto proto;
  ASSERT_TRUE(proto.ParseFromString(*first));
  EXPECT_EQ(proto.ir_version(), 10);
  EXPECT_EQ(proto.graph().input_size(), 1);
  const std::map<std::string, std::string> want{{"same", "hx.1"}, {"same_2", "hx.2"}, {"Relu_y", "hx.3"}};
  EXPECT_EQ(annotationsOf(proto.graph()), want);

  // Once more on the result: the old answers give way, everything else stays.
  auto second = annotateOnnx(bytesOf(*first), [](std::string_view) { return std::optional<std::string>("hx.CPU"); });
  ASSERT_TRUE(second.ok());
  ASSERT_TRUE(proto.ParseFromString(*second));
  for (const auto& [name, value] : annotationsOf(proto.graph())) EXPECT_EQ(value, "hx.CPU") << name;
  auto back = ModelBuilder::readBytes(*second);
  ASSERT_TRUE(back.ok());
  expectSame(model->graph, back->graph, "annotated");
}

TEST(OnnxAnnotate, LeavesNodesWithoutAnAnswerAlone) {
  ModelBuilder builder;
  builder.input("x", {2}).output("y").node("Relu", {"x"}, {"y"}, "r");
  auto file = annotateOnnx(bytesOf(builder.bytes()), [](std::string_view) { return std::optional<std::string>(); });
  ASSERT_TRUE(file.ok());
  onnx::ModelProto proto;
  ASSERT_TRUE(proto.ParseFromString(*file));
  EXPECT_TRUE(annotationsOf(proto.graph()).empty());
}

TEST(OnnxAnnotate, GivesSubgraphsTheAnswerOfTheNodeAroundThem) {
  ModelBuilder builder;
  builder.input("cond", {}).input("x", {2}).output("y");
  auto& branch = builder.node("If", {"cond"}, {"y"}, "if");
  for (const char* name : {"then_branch", "else_branch"}) {
    auto* attribute = branch.add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::GRAPH);
    ModelBuilder::node(*attribute->mutable_g(), "Relu", {"x"}, {"out"}, "inner");
    attribute->mutable_g()->add_output()->set_name("out");
  }
  auto file = annotateOnnx(bytesOf(builder.bytes()), [](std::string_view name) {
    return name == "if" ? std::optional<std::string>("a") : std::optional<std::string>("wrong");
  });
  ASSERT_TRUE(file.ok());
  onnx::ModelProto proto;
  ASSERT_TRUE(proto.ParseFromString(*file));
  for (const auto& attribute : proto.graph().node(0).attribute())
    EXPECT_EQ(annotationsOf(attribute.g()).at("inner"), "a");
}

TEST(OnnxAnnotate, FunctionCallsGetWhatTheirBodyAgreesOn) {
  ModelBuilder builder;
  auto* function = builder.model.add_functions();
  function->set_name("F");
  function->set_domain("local");
  function->add_input("a");
  function->add_output("b");
  auto* node = function->add_node();
  node->set_op_type("Relu");
  node->set_name("r");
  node->add_input("a");
  node->add_output("b");
  builder.input("x", {2}).output("y").node("F", {"x"}, {"y"}, "call").set_domain("local");
  auto file = annotateOnnx(bytesOf(builder.bytes()), [](std::string_view name) {
    return name == "call/r" ? std::optional<std::string>("gpu") : std::nullopt;
  });
  ASSERT_TRUE(file.ok());
  onnx::ModelProto proto;
  ASSERT_TRUE(proto.ParseFromString(*file));
  EXPECT_EQ(annotationsOf(proto.graph()).at("call"), "gpu");
}

TEST(OnnxAnnotate, RefusesWhatIsNoModel) {
  const auto none = [](std::string_view) { return std::optional<std::string>(); };
  EXPECT_EQ(annotateOnnx({}, none).error().code, ErrorCode::ModelRejected);
  EXPECT_EQ(annotateOnnx(bytesOf("random words"), none).error().code, ErrorCode::ModelRejected);
}

} // namespace
} // namespace tandem
