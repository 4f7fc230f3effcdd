// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/formats/proto_builder.hpp"

#include "engine/formats/tensors/sha256.hpp"
#include "engine/graph/verify.hpp"

#include <gmock/gmock.h>

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ModelBuilder;

const Value& valueOf(const Graph& graph, std::string_view name) {
  auto id = graph.findValue(name);
  EXPECT_TRUE(id.has_value()) << name;
  return graph.value(id.value_or(ValueId(0)));
}

TEST(OnnxReader, ReadsNodesWeightsAndDeclaredShapes) {
  ModelBuilder builder;
  builder.input("x", {1, 4}).output("y");
  builder.weight("w", {4}, {1, 2, 3, 4});
  builder.node("Add", {"x", "w"}, {"sum"}, "block/add");
  builder.node("Relu", {"sum"}, {"y"}, "block/relu");
  auto model = builder.read();
  ASSERT_TRUE(model.ok()) << model.error().line();
  const Graph& graph = model->graph;
  ASSERT_EQ(graph.nodes().size(), 2u);
  EXPECT_EQ(graph.nodes()[0].scope, "block");
  EXPECT_EQ(graph.opset, 17);
  EXPECT_EQ(model->irVersion, 8);
  EXPECT_EQ(model->producer, "test");
  const std::string bytes = builder.bytes();
  EXPECT_EQ(model->sha256.hex(), sha256Hex(std::as_bytes(std::span(bytes.data(), bytes.size()))));
  ASSERT_EQ(graph.inputs().size(), 1u);
  EXPECT_EQ(graph.value(graph.inputs()[0]).desc, (TensorDesc{DataType::Float32, {1, 4}}));
  EXPECT_THAT(valueOf(graph, "w").constant.as<float>(), ElementsAre(1, 2, 3, 4));
}

TEST(OnnxReader, TakesTheLargestOperatorVersionNotAboveTheImport) {
  for (auto [opset, version] : {std::pair{17, 14}, {13, 13}, {9, 6}, {28, 14}}) {
    ModelBuilder builder;
    builder.model.mutable_opset_import(0)->set_version(opset);
    builder.input("x", {2}).output("y").node("Relu", {"x"}, {"y"});
    auto model = builder.read();
    ASSERT_TRUE(model.ok());
    EXPECT_EQ(model->graph.nodes()[0].version, version) << opset;
  }
}

TEST(OnnxReader, DropsWeightsFromTheInputsOfOldFiles) {
  ModelBuilder builder;
  builder.model.set_ir_version(3);
  builder.input("w", {2}).input("x", {2}).output("y");
  builder.weight("w", {2}, {1, 2});
  builder.node("Add", {"x", "w"}, {"y"});
  auto model = builder.read();
  ASSERT_TRUE(model.ok()) << model.error().line();
  ASSERT_EQ(model->graph.inputs().size(), 1u);
  EXPECT_EQ(model->graph.value(model->graph.inputs()[0]).name, "x");
}

TEST(OnnxReader, KeepsOptionalInputsAndOutputsAsInvalidIds) {
  ModelBuilder builder;
  builder.input("x", {2}).output("y");
  builder.node("Clip", {"x", "", "x"}, {"y", ""});
  auto model = builder.read();
  ASSERT_TRUE(model.ok()) << model.error().line();
  const Node& node = model->graph.nodes()[0];
  ASSERT_EQ(node.inputs.size(), 3u);
  EXPECT_FALSE(node.inputs[1].valid());
  ASSERT_EQ(node.outputs.size(), 2u);
  EXPECT_FALSE(node.outputs[1].valid());
}

TEST(OnnxReader, ReadsEveryStorageForm) {
  ModelBuilder builder;
  builder.output("y").input("x", {1});
  builder.node("Relu", {"x"}, {"y"});
  auto add = [&](const std::string& name, int type, std::int64_t count) -> onnx::TensorProto& {
    auto* tensor = builder.graph().add_initializer();
    tensor->set_name(name);
    tensor->set_data_type(type);
    tensor->add_dims(count);
    return *tensor;
  };
  auto& boolean = add("bool", onnx::TensorProto::BOOL, 3);
  for (int v : {0, 1, 7}) boolean.add_int32_data(v);
  auto& half = add("half", onnx::TensorProto::FLOAT16, 2);
  for (int v : {0x3c00, 0xc000}) half.add_int32_data(v);
  auto& small = add("i8", onnx::TensorProto::INT8, 2);
  for (int v : {-3, 4}) small.add_int32_data(v);
  auto& wide = add("i64", onnx::TensorProto::INT64, 2);
  for (std::int64_t v : {std::int64_t{-1}, std::int64_t{1} << 40}) wide.add_int64_data(v);
  auto& real = add("f64", onnx::TensorProto::DOUBLE, 1);
  real.add_double_data(0.1);
  auto& u32 = add("u32", onnx::TensorProto::UINT32, 1);
  u32.add_uint64_data(4'000'000'000u);
  auto& raw = add("raw", onnx::TensorProto::INT32, 2);
  const std::int32_t numbers[] = {5, -6};
  raw.set_raw_data(numbers, sizeof numbers);
  auto& rawBool = add("rawbool", onnx::TensorProto::BOOL, 2);
  rawBool.set_raw_data(std::string("\x02\x00", 2));
  auto& empty = add("empty", onnx::TensorProto::FLOAT, 0);
  (void)empty;
  auto model = builder.read();
  ASSERT_TRUE(model.ok()) << model.error().line();
  const Graph& graph = model->graph;
  EXPECT_THAT(valueOf(graph, "bool").constant.as<bool>(), ElementsAre(false, true, true));
  EXPECT_EQ(valueOf(graph, "half").constant.asDouble(0), 1.0);
  EXPECT_EQ(valueOf(graph, "half").constant.asDouble(1), -2.0);
  EXPECT_THAT(valueOf(graph, "i8").constant.as<std::int8_t>(), ElementsAre(-3, 4));
  EXPECT_THAT(valueOf(graph, "i64").constant.toInts(), ElementsAre(-1, std::int64_t{1} << 40));
  EXPECT_EQ(valueOf(graph, "f64").constant.asDouble(0), 0.1);
  EXPECT_EQ(valueOf(graph, "u32").constant.asInt(0), 4'000'000'000);
  EXPECT_THAT(valueOf(graph, "raw").constant.as<std::int32_t>(), ElementsAre(5, -6));
  EXPECT_THAT(valueOf(graph, "rawbool").constant.as<bool>(), ElementsAre(true, false));
  EXPECT_EQ(valueOf(graph, "empty").constant.elements(), 0);
}

TEST(OnnxReader, FillsInSparseWeights) {
  ModelBuilder builder;
  builder.input("x", {2, 3}).output("y");
  builder.node("Add", {"x", "w"}, {"y"});
  auto* sparse = builder.graph().add_sparse_initializer();
  sparse->mutable_values()->set_name("w");
  sparse->mutable_values()->set_data_type(onnx::TensorProto::FLOAT);
  sparse->mutable_values()->add_dims(2);
  for (float v : {5.f, 6.f}) sparse->mutable_values()->add_float_data(v);
  sparse->mutable_indices()->set_data_type(onnx::TensorProto::INT64);
  sparse->mutable_indices()->add_dims(2);
  for (std::int64_t i : {1, 5}) sparse->mutable_indices()->add_int64_data(i);
  for (std::int64_t d : {2, 3}) sparse->add_dims(d);
  auto model = builder.read();
  ASSERT_TRUE(model.ok()) << model.error().line();
  EXPECT_THAT(valueOf(model->graph, "w").constant.as<float>(), ElementsAre(0, 5, 0, 0, 0, 6));

  sparse->mutable_indices()->set_int64_data(1, 6);
  EXPECT_FALSE(builder.read().ok());
}

TEST(OnnxReader, MakesNodeNamesUniqueAndKeepsTensorNames) {
  ModelBuilder builder;
  builder.input("x", {2}).output("/a/b/out");
  builder.node("Relu", {"x"}, {"t"}, "same");
  builder.node("Relu", {"t"}, {"u"}, "same");
  builder.node("Relu", {"u"}, {"/a/b/out"});
  auto model = builder.read();
  ASSERT_TRUE(model.ok());
  const Graph& graph = model->graph;
  EXPECT_EQ(graph.nodes()[0].name, "same");
  EXPECT_EQ(graph.nodes()[1].name, "same_2");
  EXPECT_EQ(graph.nodes()[2].name, "/a/b/Relu_out");
  EXPECT_TRUE(graph.findValue("/a/b/out").has_value());
}

TEST(OnnxReader, KeepsSymbolicDimensions) {
  ModelBuilder builder;
  builder.output("y").node("Relu", {"x"}, {"y"});
  auto* info = builder.graph().add_input();
  ModelBuilder::describe(*info, "x", {0, 3});
  info->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(0)->set_dim_param("batch");
  auto model = builder.read();
  ASSERT_TRUE(model.ok());
  const Value& x = valueOf(model->graph, "x");
  EXPECT_EQ(x.desc.shape, (Shape{kUnknownDim, 3}));
  EXPECT_THAT(x.dimNames, ElementsAre("batch", ""));
}

TEST(OnnxReader, AnInputIsWhatItsOwnDeclarationSaysWhereItIsAnOutputToo) {
  ModelBuilder builder;
  builder.input("x", {2, 3}).output("y");
  ModelBuilder::describe(*builder.graph().add_output(), "x", {7, 7, 7}, onnx::TensorProto::INT64);
  builder.node("Relu", {"x"}, {"y"});
  const auto model = builder.read();
  ASSERT_TRUE(model.ok()) << model.error().line();
  EXPECT_EQ(model->graph.value(model->graph.inputs()[0]).desc, (TensorDesc{DataType::Float32, Shape{2, 3}}));
  EXPECT_EQ(model->graph.value(model->graph.outputs()[0]).desc.shape, (Shape{2, 3}));
}

TEST(OnnxReader, ShapesOfMoreThanEightDimensionsAreWarnedOfAndNotKept) {
  ModelBuilder builder;
  builder.input("x", {-1, 1, 1, 1, 1, 1, 1, 1}).output("y");
  auto* axes = builder.graph().add_initializer();
  axes->set_name("axes");
  axes->set_data_type(onnx::TensorProto::INT64);
  axes->add_dims(1);
  axes->add_int64_data(0);
  builder.node("Unsqueeze", {"x", "axes"}, {"y"});
  const auto model = builder.read();
  ASSERT_TRUE(model.ok()) << model.error().line();
  EXPECT_THAT(model->warnings, ElementsAre(HasSubstr("9 dimensions")));
  EXPECT_FALSE(model->graph.value(model->graph.outputs()[0]).rankKnown);
}

TEST(OnnxReader, AcceptsNodesInAnyOrder) {
  ModelBuilder builder;
  builder.input("x", {2}).output("y");
  builder.node("Relu", {"t"}, {"y"}, "second");
  builder.node("Relu", {"x"}, {"t"}, "first");
  auto model = builder.read();
  ASSERT_TRUE(model.ok());
  const auto order = topologicalOrder(model->graph);
  EXPECT_EQ(model->graph.node(order[0]).name, "first");
}

TEST(OnnxReader, ListsAllUnknownOperatorsAndStillOpens) {
  ModelBuilder builder;
  auto* import = builder.model.add_opset_import();
  import->set_domain("com.example");
  import->set_version(3);
  builder.input("x", {2}).output("y");
  builder.node("NoSuchThing", {"x"}, {"t"});
  builder.node("NoSuchThing", {"t"}, {"u"});
  builder.node("Odd", {"u"}, {"y"}).set_domain("com.example");
  auto model = builder.read();
  ASSERT_TRUE(model.ok()) << model.error().line();
  EXPECT_THAT(model->unsupportedOperators, ElementsAre("NoSuchThing-17 (2 nodes)", "com.example::Odd-3 (1 node)"));
  EXPECT_EQ(model->opsets.at("com.example"), 3);
}

TEST(OnnxReader, GivesSubgraphsTheirOuterValuesAsInputs) {
  ModelBuilder builder;
  builder.input("cond", {}).input("x", {2}).output("y");
  builder.weight("w", {2}, {1, 2});
  builder.node("Relu", {"x"}, {"r"}, "relu");
  auto& branch = builder.node("If", {"cond"}, {"y"}, "if");
  auto addBranch = [&](const std::string& name, const std::string& from) {
    auto* attribute = branch.add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::GRAPH);
    auto* graph = attribute->mutable_g();
    ModelBuilder::node(*graph, "Add", {from, "w"}, {"out"});
    graph->add_output()->set_name("out");
  };
  addBranch("then_branch", "r");
  addBranch("else_branch", "x");
  auto model = builder.read();
  ASSERT_TRUE(model.ok()) << model.error().line();
  const Graph& graph = model->graph;
  const Node& node = graph.node(*graph.findNode("if"));
  ASSERT_EQ(node.inputs.size(), 3u);
  EXPECT_EQ(graph.value(node.inputs[1]).name, "r");
  EXPECT_EQ(graph.value(node.inputs[2]).name, "x");
  const Attribute* captures = node.attributes.find("captures");
  ASSERT_NE(captures, nullptr);
  EXPECT_THAT(std::get<std::vector<std::string>>(*captures), ElementsAre("r", "x"));
  const auto& thenGraph = *std::get<std::shared_ptr<const Graph>>(*node.attributes.find("then_branch"));
  ASSERT_EQ(thenGraph.inputs().size(), 1u);
  EXPECT_EQ(thenGraph.value(thenGraph.inputs()[0]).name, "r");
  EXPECT_EQ(valueOf(thenGraph, "w").constant.data(), valueOf(graph, "w").constant.data());
  EXPECT_TRUE(verify(thenGraph).ok());
}

TEST(OnnxReader, InlinesLocalFunctionsWithTheirAttributes) {
  ModelBuilder builder;
  auto* import = builder.model.add_opset_import();
  import->set_domain("local");
  import->set_version(1);
  auto* function = builder.model.add_functions();
  function->set_name("Twice");
  function->set_domain("local");
  function->add_input("a");
  function->add_output("b");
  function->add_output("same");
  function->add_attribute("slope");
  auto* opset = function->add_opset_import();
  opset->set_domain("");
  opset->set_version(13);
  auto add = [&](const std::string& from, const std::string& to) {
    auto* node = function->add_node();
    node->set_op_type("LeakyRelu");
    node->add_input(from);
    node->add_output(to);
    auto* attribute = node->add_attribute();
    attribute->set_name("alpha");
    attribute->set_ref_attr_name("slope");
    attribute->set_type(onnx::AttributeProto::FLOAT);
  };
  add("a", "middle");
  add("middle", "b");
  function->mutable_output(1)->assign("a");

  builder.input("x", {2}).output("y").output("z");
  auto& call = builder.node("Twice", {"x"}, {"y", "z"}, "call");
  call.set_domain("local");
  auto* slope = call.add_attribute();
  slope->set_name("slope");
  slope->set_type(onnx::AttributeProto::FLOAT);
  slope->set_f(0.25f);
  auto model = builder.read();
  ASSERT_TRUE(model.ok()) << model.error().line();
  const Graph& graph = model->graph;
  ASSERT_EQ(graph.nodes().size(), 3u);
  EXPECT_EQ(graph.nodes()[0].name, "call/LeakyRelu_middle");
  EXPECT_EQ(graph.nodes()[0].scope, "call");
  EXPECT_EQ(graph.nodes()[0].attributes.getFloat("alpha", 0), 0.25f);
  EXPECT_EQ(graph.nodes()[2].type, "Identity");
  EXPECT_TRUE(graph.findValue("call/middle").has_value());
  EXPECT_EQ(valueOf(graph, "y").producer, NodeId(1));
}

TEST(OnnxReader, SaysWhereAFunctionCallsItself) {
  ModelBuilder builder;
  auto* function = builder.model.add_functions();
  function->set_name("Loop");
  function->set_domain("local");
  function->add_input("a");
  function->add_output("b");
  auto* node = function->add_node();
  node->set_op_type("Loop");
  node->set_domain("local");
  node->add_input("a");
  node->add_output("b");
  builder.input("x", {2}).output("y").node("Loop", {"x"}, {"y"}).set_domain("local");
  auto model = builder.read();
  ASSERT_FALSE(model.ok());
  EXPECT_THAT(model.error().message, HasSubstr("in a circle: 'Loop' -> 'Loop'"));
}

TEST(OnnxReader, StopsWhenCancelled) {
  ModelBuilder builder;
  builder.input("x", {2}).output("y").node("Relu", {"x"}, {"y"});
  const std::string bytes = builder.bytes();
  CancelToken cancel;
  cancel.cancel();
  auto model = readOnnx(std::as_bytes(std::span(bytes.data(), bytes.size())), "test", {}, cancel);
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().code, ErrorCode::Cancelled);
}

} // namespace
} // namespace tandem
