// SPDX-License-Identifier: GPL-3.0-or-later
// Well-formed files with graphs that are none, or too much: I8 to I15, I19 to I22, I24 and I26 to I28 of the table in
// README.md. Run-time cases are in tests/session/hostile_run_test.cpp.
#include "tests/formats/hostile_support.hpp"

#include "engine/base/problems.hpp"
#include "engine/ops/op_def.hpp"
#include "engine/ops/shape_inference.hpp"

#include <cmath>
#include <functional>
#include <gmock/gmock.h>
#include <limits>

namespace tandem {
namespace {

using ::testing::Contains;
using testing::expectBounded;
using ::testing::HasSubstr;
using testing::ModelBuilder;
using testing::Outcome;

class HostileGraph : public testing::ScratchFolder {
 protected:
  Outcome open(const ModelBuilder& builder, double seconds = 10) {
    const std::string bytes = builder.bytes();
    const Outcome outcome = testing::readInChild(write("m.onnx", bytes));
    expectBounded(outcome, static_cast<std::int64_t>(bytes.size()), seconds);
    return outcome;
  }
  std::string refusal(const ModelBuilder& builder, double seconds = 10) {
    const Outcome outcome = open(builder, seconds);
    EXPECT_FALSE(outcome.opened);
    return outcome.text;
  }
};

ModelBuilder nested(const char* type, const char* attributeName, int depth) {
  ModelBuilder builder;
  builder.input("c", {}).output("y");
  onnx::GraphProto* graph = &builder.graph();
  for (int i = 0; i < depth; ++i) {
    auto& node = ModelBuilder::node(*graph, type, {"c"}, {i == 0 ? "y" : "o" + std::to_string(i)});
    auto* attribute = node.add_attribute();
    attribute->set_name(attributeName);
    attribute->set_type(onnx::AttributeProto::GRAPH);
    graph = attribute->mutable_g();
    graph->add_output()->set_name("o" + std::to_string(i + 1));
  }
  ModelBuilder::node(*graph, "Relu", {"c"}, {"o" + std::to_string(depth)});
  return builder;
}

/// The same for depths that protobuf's own classes could not even destroy. Lengths are told before what they measure,
/// so they are computed from the inside out and the bytes are written from the outside in.
std::string nestedBytes(std::string_view type, std::string_view attributeName, int depth) {
  using testing::lengthDelimited;
  using testing::varint;
  // NodeProto {op_type (4), attribute (5) {name (1), type (20), g (6)}} in GraphProto.node (1)
  const std::string op = lengthDelimited(4, type.size(), type);
  const std::string attribute = lengthDelimited(1, attributeName.size(), attributeName) + "\xa0\x01\x05";
  const auto head = [](int field, std::uint64_t length) { return lengthDelimited(field, length, {}); };
  std::vector<std::string> heads;
  std::uint64_t inner = 0;
  for (int i = 0; i < depth; ++i) {
    const std::string graph = attribute + head(6, inner);
    const std::string whole = op + head(5, graph.size() + inner) + graph;
    heads.push_back(head(1, whole.size() + inner) + whole);
    inner += heads.back().size();
  }
  std::string bytes = head(7, inner);
  for (auto each = heads.rbegin(); each != heads.rend(); ++each) bytes += *each;
  return bytes;
}

TEST_F(HostileGraph, I8_SubgraphsNestAtMost32Deep) {
  for (const auto& [type, attribute] : {std::pair{"If", "then_branch"}, {"Loop", "body"}, {"Scan", "body"}}) {
    EXPECT_TRUE(open(nested(type, attribute, 32)).opened) << type;
    EXPECT_THAT(refusal(nested(type, attribute, 33)), HasSubstr("32 deep")) << type;
    for (int depth : {33, 1000, 100'000}) {
      const std::string bytes = nestedBytes(type, attribute, depth);
      const Outcome outcome = testing::readInChild(write("deep.onnx", bytes));
      expectBounded(outcome, static_cast<std::int64_t>(bytes.size()), 2);
      EXPECT_FALSE(outcome.opened) << type << " " << depth;
      EXPECT_THAT(outcome.text, HasSubstr("more than 32 deep")) << type << " " << depth;
    }
  }
}

onnx::FunctionProto& addFunction(ModelBuilder& builder, const std::string& name, const std::string& calls, int times) {
  auto* function = builder.model.add_functions();
  function->set_name(name);
  function->set_domain("local");
  function->add_input("a");
  function->add_output("t" + std::to_string(times - 1));
  for (int i = 0; i < times; ++i) {
    auto* node = function->add_node();
    node->set_op_type(calls);
    if (calls != "Relu") node->set_domain("local");
    node->add_input(i == 0 ? "a" : "t" + std::to_string(i - 1));
    node->add_output("t" + std::to_string(i));
  }
  return *function;
}

TEST_F(HostileGraph, I9_FunctionsThatMultiplyAreStopped) {
  ModelBuilder builder; // each of 20 functions calls the next twice: 2^20 nodes
  for (int level = 0; level < 20; ++level)
    addFunction(builder, "f" + std::to_string(level), level == 19 ? "Relu" : "f" + std::to_string(level + 1), 2);
  builder.input("x", {1}).output("y").node("f0", {"x"}, {"y"}).set_domain("local");
  EXPECT_THAT(refusal(builder), ::testing::AnyOf(HasSubstr("200,000 nodes"), HasSubstr("64 MiB")));
}

TEST_F(HostileGraph, I10_FunctionsThatCallEachOtherAreNamedWithTheirPath) {
  ModelBuilder builder;
  addFunction(builder, "A", "B", 1);
  addFunction(builder, "B", "A", 1);
  builder.input("x", {1}).output("y").node("A", {"x"}, {"y"}).set_domain("local");
  EXPECT_THAT(refusal(builder), HasSubstr("'A' -> 'B' -> 'A'"));
}

TEST_F(HostileGraph, I11_OperatorSetsThatAreNoneAreNamed) {
  const auto withOpset = [](std::int64_t version) {
    ModelBuilder builder;
    builder.model.mutable_opset_import(0)->set_version(version);
    builder.input("x", {1}).output("y").node("Relu", {"x"}, {"y"});
    return builder;
  };
  EXPECT_THAT(refusal(withOpset(0)), HasSubstr("operator set 0 of 'ai.onnx'"));
  EXPECT_THAT(refusal(withOpset(-7)), HasSubstr("operator set"));
  // Newer ones open as the newest known, visibly: most operators stay what they are.
  const Outcome newer = open(withOpset(9999));
  EXPECT_TRUE(newer.opened);
  EXPECT_THAT(newer.text, HasSubstr("operator set 9999 of 'ai.onnx'"));

  ModelBuilder none = withOpset(17);
  none.model.clear_opset_import();
  EXPECT_THAT(refusal(none), HasSubstr("does not say which operator set"));
  none.model.set_ir_version(2); // means operator set 1 there
  EXPECT_TRUE(open(none).opened);

  ModelBuilder foreign = withOpset(17);
  foreign.node("Secret", {"x"}, {"z"}).set_domain("com.example");
  auto model = foreign.read();
  ASSERT_TRUE(model.ok()) << model.error().line();
  EXPECT_THAT(model->unsupportedOperators, Contains(HasSubstr("com.example::Secret")));
}

TEST_F(HostileGraph, I12_AllUnknownOperatorsAreListedAndTheModelCanBeViewed) {
  ModelBuilder builder;
  builder.input("x", {1}).output("y0");
  for (int i = 0; i < 7; ++i) builder.node("Crop", {"x"}, {"y" + std::to_string(i)});
  for (int i = 0; i < 3; ++i) builder.node("Warp", {"x"}, {"z" + std::to_string(i)});
  builder.node("Relu", {"x"}, {"r"});
  auto model = builder.read();
  ASSERT_TRUE(model.ok()) << model.error().line();
  EXPECT_THAT(model->unsupportedOperators, ::testing::ElementsAre("Crop-17 (7 nodes)", "Warp-17 (3 nodes)"));
  EXPECT_EQ(model->graph.nodes().size(), 11u);

  ModelBuilder typed;
  typed.output("y").node("Relu", {"x"}, {"y"});
  ModelBuilder::describe(*typed.graph().add_input(), "x", {1}, onnx::TensorProto::COMPLEX128);
  EXPECT_THAT(open(typed).text, HasSubstr("complex128"));
}

TEST_F(HostileGraph, I13_I14_I15_WeightsMustBeWhatTheySay) {
  struct Case {
    std::vector<std::int64_t> dims;
    std::function<void(onnx::TensorProto&)> change;
    const char* says;
  };
  const auto nothing = [](onnx::TensorProto&) {};
  const std::vector<Case> cases{
      {{-1}, nothing, "negative dimension"},
      {{std::int64_t{1} << 32, std::int64_t{1} << 32}, nothing, "too large"},
      {std::vector<std::int64_t>(1000, 1), nothing, "1000 dimensions"},
      {{912'345'678}, nothing, "0 elements, not 912345678"},
      {{2}, [](auto& t) { t.set_raw_data("1234567"); }, "7 bytes, not 8"},
      {{1}, [](auto& t) { t.set_raw_data("1234"), t.add_float_data(1); }, "twice"},
      {{1}, [](auto& t) { t.set_data_type(999), t.set_raw_data("1234"); }, "type 999"},
  };
  for (const Case& each : cases) {
    ModelBuilder builder;
    builder.input("x", {1}).output("y").node("Relu", {"x"}, {"y"});
    each.change(builder.weight("the_weight", each.dims, {}));
    const std::string text = refusal(builder);
    EXPECT_THAT(text, HasSubstr(each.says));
    EXPECT_THAT(text, HasSubstr("the_weight"));
  }
}

TEST_F(HostileGraph, I19_NamesMustLeadSomewhereButNodesMayShareThem) {
  ModelBuilder missing;
  missing.input("x", {1}).output("y").node("Add", {"x", "nowhere"}, {"y"}, "the_node");
  EXPECT_THAT(refusal(missing), ::testing::AllOf(HasSubstr("'nowhere'"), HasSubstr("the_node")));

  ModelBuilder twice;
  twice.input("x", {1}).output("y").node("Relu", {"x"}, {"y"});
  twice.node("Neg", {"x"}, {"y"});
  EXPECT_THAT(refusal(twice), HasSubstr("'y'"));

  ModelBuilder tolerated;
  tolerated.input("x", {1}).output("y").node("Relu", {"x"}, {"a"}, "same");
  tolerated.node("Relu", {"a"}, {"b"}, "same");
  tolerated.node("Relu", {"b"}, {"y"}, "");
  auto model = tolerated.read();
  ASSERT_TRUE(model.ok()) << model.error().line();
  EXPECT_EQ(model->graph.nodes()[1].name, "same_2");
  EXPECT_FALSE(model->graph.nodes()[2].name.empty());
}

TEST_F(HostileGraph, I20_CyclesAreNamedAndUnsortedNodesAreSorted) {
  ModelBuilder self;
  self.input("x", {1}).output("y").node("Add", {"x", "y"}, {"y"}, "narcissus");
  EXPECT_THAT(refusal(self), HasSubstr("'narcissus' -> 'narcissus'"));

  ModelBuilder circle;
  circle.input("x", {1}).output("y").node("Add", {"x", "c"}, {"a"}, "one");
  circle.node("Relu", {"a"}, {"b"}, "two");
  circle.node("Relu", {"b"}, {"c"}, "three");
  circle.node("Relu", {"c"}, {"y"}, "outside");
  EXPECT_THAT(refusal(circle), HasSubstr("'one' -> 'two' -> 'three' -> 'one'"));

  ModelBuilder unsorted;
  unsorted.input("x", {1}).output("y").node("Relu", {"b"}, {"y"});
  unsorted.node("Relu", {"a"}, {"b"});
  unsorted.node("Relu", {"x"}, {"a"});
  EXPECT_TRUE(open(unsorted).opened);
}

TEST_F(HostileGraph, AllProblemsOfAFileAreReportedAtOnce) {
  ModelBuilder builder;
  builder.input("x", {1}).input("x", {1}).output("y");
  builder.weight("short", {4}, {1});
  builder.weight("typed", {1}, {1}).set_data_type(999);
  builder.node("Add", {"x", "nowhere"}, {"a"}, "one");
  builder.node("Add", {"short", "typed"}, {"b"}, "two");
  builder.node("", {"x"}, {"c"}, "three");
  builder.node("Add", {"x", "e"}, {"d"}, "four");
  builder.node("Relu", {"d"}, {"e"}, "five");
  builder.node("Relu", {"b"}, {"y"});
  auto model = builder.read();
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().message, "the model has 6 problems");
  const std::vector<std::string> problems = model.error().problems;
  for (const char* part : {"two inputs are called 'x'", "'short'", "type 999", "'nowhere'", "'three' has no operator",
                           "'four' -> 'five' -> 'four'"})
    EXPECT_THAT(problems, Contains(HasSubstr(part)));
}

TEST_F(HostileGraph, AllNodesThatDoNotFitTheirInputsAreWarnedOf) {
  ModelBuilder builder;
  builder.input("x", {2, 3}).output("y");
  builder.weight("w", {5, 5}, std::vector<float>(25));
  builder.node("MatMul", {"x", "w"}, {"a"}, "first");
  builder.node("Add", {"x", "w"}, {"b"}, "second");
  builder.node("Relu", {"x"}, {"y"}, "fine");
  auto model = builder.read();
  ASSERT_TRUE(model.ok()) << model.error().line();
  EXPECT_THAT(model->warnings, Contains(HasSubstr("first")));
  EXPECT_THAT(model->warnings, Contains(HasSubstr("second")));
  EXPECT_TRUE(model->graph.value(*model->graph.findValue("y")).isStatic());
}

TEST_F(HostileGraph, InputsBeyondTheAddressSpaceAreWarnedOfAndLeftOpen) {
  constexpr std::int64_t kHuge = std::int64_t{1} << 40;
  ModelBuilder builder;
  builder.input("x", {kHuge, kHuge}).output("y");
  builder.node("Unique", {"x"}, {"y"}, "distinct");
  EXPECT_TRUE(open(builder).alive);
  auto model = builder.read();
  ASSERT_TRUE(model.ok()) << model.error().line();
  EXPECT_THAT(model->warnings, Contains(HasSubstr("too large to address")));
  EXPECT_FALSE(model->graph.value(*model->graph.findValue("x")).isStatic());
  Graph direct;
  direct.addOutput(direct.addInput("x", {DataType::Float32, {kHuge, kHuge}}));
  EXPECT_FALSE(inferShapes(direct).ok());
}

onnx::AttributeProto& ints(onnx::NodeProto& node, const char* name, std::initializer_list<std::int64_t> values) {
  auto* attribute = node.add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::INTS);
  for (std::int64_t value : values) attribute->add_ints(value);
  return *attribute;
}

/// Shape inference and, where it lets the node pass, the reference kernel: one of them must refuse.
void expectNodeRefused(const ModelBuilder& builder, const std::string& what) {
  auto model = builder.read();
  ASSERT_TRUE(model.ok()) << what << ": " << model.error().line();
  Graph graph = model->graph;
  if (!inferShapes(graph)) return;
  const Node& node = graph.nodes().back();
  std::vector<Tensor> inputs;
  for (ValueId id : node.inputs) {
    const Value& value = graph.value(id);
    inputs.push_back(value.isConstant() ? value.constant : Tensor::zeros(value.desc));
  }
  EXPECT_FALSE(evaluate(node, inputs).ok()) << what;
}

TEST_F(HostileGraph, I22_ConvolutionsWithImpossibleAttributesAreRefused) {
  const auto conv = [](const char* name, std::initializer_list<std::int64_t> values,
                       std::vector<std::int64_t> kernel = {1, 1, 3, 3}) {
    ModelBuilder builder;
    builder.output("y");
    builder.weight("x", {1, 1, 5, 5}, std::vector<float>(25, 1));
    std::int64_t count = 1;
    for (std::int64_t dim : kernel) count *= dim;
    builder.weight("w", std::move(kernel), std::vector<float>(static_cast<std::size_t>(count), 1));
    auto& node = builder.node("Conv", {"x", "w"}, {"y"});
    if (values.size() > 0) ints(node, name, values);
    return builder;
  };
  expectNodeRefused(conv("", {}, {1, 1, 3}), "kernel of another rank");
  expectNodeRefused(conv("", {}, {1, 7, 3, 3}), "channels that do not fit");
  expectNodeRefused(conv("dilations", {2}), "short dilations");
  expectNodeRefused(conv("dilations", {0, 0}), "no dilation");
  expectNodeRefused(conv("dilations", {std::int64_t{1} << 62, 1}), "huge dilation");
  expectNodeRefused(conv("strides", {0, 0}), "no stride");
  expectNodeRefused(conv("strides", {-1, 1}), "negative stride");
  expectNodeRefused(conv("pads", {-9, -9, -9, -9}), "pads that leave nothing");
  expectNodeRefused(conv("pads", {1, 1}), "short pads");
  expectNodeRefused(conv("pads", {std::int64_t{1} << 62, 0, std::int64_t{1} << 62, 0}), "huge pads");
  expectNodeRefused(conv("kernel_shape", {2, 2}), "another kernel shape");
  for (std::int64_t group : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{7}}) {
    ModelBuilder builder = conv("", {});
    auto* attribute = builder.graph().mutable_node(0)->add_attribute();
    attribute->set_name("group");
    attribute->set_type(onnx::AttributeProto::INT);
    attribute->set_i(group);
    expectNodeRefused(builder, "group " + std::to_string(group));
  }
  ModelBuilder builder = conv("", {});
  auto* attribute = builder.graph().mutable_node(0)->add_attribute();
  attribute->set_name("auto_pad");
  attribute->set_type(onnx::AttributeProto::STRING);
  attribute->set_s("garbage");
  expectNodeRefused(builder, "auto_pad garbage");
}

onnx::TensorProto& wholeNumbers(ModelBuilder& builder, const std::string& name, std::vector<std::int64_t> values) {
  auto& tensor = builder.weight(name, {static_cast<std::int64_t>(values.size())}, {});
  tensor.set_data_type(onnx::TensorProto::INT64);
  for (std::int64_t value : values) tensor.add_int64_data(value);
  return tensor;
}

TEST_F(HostileGraph, I24_ReshapeSplitAndConcatThatDoNotAddUpAreRefused) {
  for (const std::vector<std::int64_t>& shape : std::vector<std::vector<std::int64_t>>{
           {-1, -1}, {5, 5}, {-2, 3}, {std::int64_t{1} << 40, std::int64_t{1} << 40}, {4, -1}}) {
    ModelBuilder builder;
    builder.output("y").weight("x", {2, 3}, std::vector<float>(6));
    wholeNumbers(builder, "shape", shape);
    builder.node("Reshape", {"x", "shape"}, {"y"});
    expectNodeRefused(builder, "Reshape");
  }
  for (const std::vector<std::int64_t>& sizes :
       std::vector<std::vector<std::int64_t>>{{1, 1}, {3, -1}, {std::numeric_limits<std::int64_t>::max(), 3}}) {
    ModelBuilder builder;
    builder.output("y").weight("x", {2, 3}, std::vector<float>(6));
    wholeNumbers(builder, "sizes", sizes);
    auto& axis = ints(builder.node("Split", {"x", "sizes"}, {"y", "z"}), "axis", {});
    axis.set_type(onnx::AttributeProto::INT);
    axis.set_i(1);
    expectNodeRefused(builder, "Split");
  }
  for (std::int64_t axis : {std::int64_t{2}, std::int64_t{-3}, std::numeric_limits<std::int64_t>::min()}) {
    ModelBuilder builder;
    builder.output("y").weight("x", {2, 3}, std::vector<float>(6));
    auto* attribute = builder.node("Concat", {"x", "x"}, {"y"}).add_attribute();
    attribute->set_name("axis");
    attribute->set_type(onnx::AttributeProto::INT);
    attribute->set_i(axis);
    expectNodeRefused(builder, "Concat axis " + std::to_string(axis));
  }
}

TEST_F(HostileGraph, I26_LongChainsWideNodesAndGiantNamesOpenOrAreRefusedInTime) {
  ModelBuilder chain;
  chain.input("x", {1}).output("t200000");
  for (int i = 0; i < 200'000; ++i)
    chain.node("Relu", {i == 0 ? "x" : "t" + std::to_string(i)}, {"t" + std::to_string(i + 1)});
  EXPECT_TRUE(testing::readInChild(write("chain.onnx", chain.bytes())).opened);

  ModelBuilder wide;
  wide.input("x", {1}).output("y");
  auto* axis = wide.node("Concat", std::vector<std::string>(100'000, "x"), {"y"}).add_attribute();
  axis->set_name("axis");
  axis->set_type(onnx::AttributeProto::INT);
  EXPECT_TRUE(open(wide, 60).opened);

  ModelBuilder giant;
  giant.input("x", {1}).output("y").node("Relu", {"x"}, {"y"}, std::string(1'000'000, 'n'));
  const std::string text = refusal(giant);
  EXPECT_THAT(text, HasSubstr("1000000 bytes"));
  EXPECT_LT(text.size(), 2000u);
}

TEST_F(HostileGraph, I27_NastyNamesNeverReachATerminal) {
  ModelBuilder builder;
  const std::string nasty = "../\x1b[31m\nred<img src=x>\xe2\x80\xaegnp";
  builder.input("x", {1}).output("y").node("Add", {"x", nasty}, {"y"}, nasty);
  builder.model.set_doc_string(std::string(10 << 20, 'd'));
  auto model = builder.read();
  ASSERT_FALSE(model.ok());
  std::string shown = model.error().line();
  for (const std::string& each : model.error().problems) shown += each;
  for (const char* control : {"\x1b", "\n", "\xe2\x80\xae"}) EXPECT_THAT(shown, ::testing::Not(HasSubstr(control)));
  EXPECT_LT(shown.size(), 10'000u);
}

TEST_F(HostileGraph, I28_WeightsThatAreNotFiniteAreFlaggedAndFollowIeee) {
  ModelBuilder builder;
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const float denormal = std::numeric_limits<float>::denorm_min();
  builder.output("y").weight("odd", {4}, {nan, infinity, -infinity, denormal});
  builder.weight("mask", {1}, {-infinity});
  builder.weight("one", {1}, {1});
  builder.node("Mul", {"odd", "one"}, {"y"});
  auto model = builder.read();
  ASSERT_TRUE(model.ok()) << model.error().line();
  EXPECT_THAT(model->warnings, Contains(HasSubstr("1 weights hold NaN or infinite values: 'odd'")));
  const Graph& graph = model->graph;
  const Node& node = graph.nodes()[0];
  auto result =
      evaluate(node, std::vector<Tensor>{graph.value(node.inputs[0]).constant, graph.value(node.inputs[1]).constant});
  ASSERT_TRUE(result.ok()) << result.error().line();
  const auto values = (*result)[0].as<float>();
  EXPECT_TRUE(std::isnan(values[0]));
  EXPECT_EQ(values[1], infinity);
  EXPECT_EQ(values[2], -infinity);
  EXPECT_EQ(values[3], denormal);
}

} // namespace
} // namespace tandem
