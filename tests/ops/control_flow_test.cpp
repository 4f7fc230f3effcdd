// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/control_flow.hpp"

#include "tests/ops/op_runner.hpp"
#include "tests/support/control_graphs.hpp"

namespace tandem {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;

Result<std::vector<Tensor>> runGraph(const Graph& graph, const std::vector<Tensor>& inputs) {
  return interpret(graph, inputs,
                   [&](NodeId id, std::span<const Tensor> given) { return evaluate(graph.node(id), given); });
}

std::vector<Tensor> results(const Graph& graph, const std::vector<Tensor>& inputs) {
  auto outputs = runGraph(graph, inputs);
  EXPECT_TRUE(outputs.ok()) << outputs.error().line();
  return outputs.ok() ? *outputs : std::vector<Tensor>(graph.outputs().size(), floats({}));
}

std::string inferred(Graph graph, std::size_t output = 0, const InferOptions& options = {}) {
  const auto known = inferShapes(graph, options);
  if (!known) return known.error().message;
  const Value& value = graph.value(graph.outputs()[output]);
  if (!value.rankKnown) return std::string(toString(value.desc.type)) + " of unknown rank";
  return value.desc.toString();
}

TEST(If, TakesTheBranchThatItsConditionNames) {
  EXPECT_THAT(valuesOf(results(conditional(), {Tensor::scalar(true), floats({1, 2})})[0]), ElementsAre(2, 4));
  EXPECT_THAT(valuesOf(results(conditional(), {Tensor::scalar(false), floats({1, 2})})[0]), ElementsAre(-1, -2));
}

TEST(If, RefusesAConditionThatIsNotOneBoolean) {
  const auto outputs = runGraph(conditional(), {Tensor::of<bool>({2}, {true, false}), floats({1})});
  ASSERT_FALSE(outputs.ok());
  EXPECT_THAT(outputs.error().line(), HasSubstr("not one boolean"));
  EXPECT_THAT(outputs.error().where, HasSubstr("the_If"));
}

TEST(If, HasTheShapeThatBothBranchesGive) {
  InferOptions options;
  options.inputShapes["x"] = {5};
  EXPECT_EQ(inferred(conditional(), 0, options), "float32 5");
}

/// If with one branch a constant of shape {2, 3} and the other Squeeze(x, axis 0) of x.
Graph squeezeOrConstant() {
  Graph yes, no;
  yes.opset = no.opset = 18;
  const ValueId a = yes.addInput("x", {});
  yes.value(a).rankKnown = false;
  yes.addOutput(add(yes, "Squeeze", {a, yes.addConstant("axes", ints({0}))}));
  no.addOutput(add(no, "Identity", {no.addConstant("c", counting({2, 3}))}));
  Graph graph;
  graph.opset = 18;
  const ValueId condition = graph.addInput("condition", {DataType::Bool, Shape{}});
  const ValueId x = graph.addInput("x", {DataType::Float32, {kUnknownDim, 3}});
  Attributes attributes;
  attributes.set("then_branch", share(std::move(yes)));
  attributes.set("else_branch", share(std::move(no)));
  graph.addOutput(addControl(graph, "If", {condition}, {x}, std::move(attributes), 1)[0]);
  return graph;
}

TEST(If, IgnoresABranchThatCannotWorkOnTheShapesAtHand) {
  InferOptions options;
  options.inputShapes["x"] = {4, 3};
  EXPECT_EQ(inferred(squeezeOrConstant(), 0, options), "float32 2x3");
}

TEST(If, HasAnUnknownRankWhereTheBranchesDiffer) {
  InferOptions options;
  options.inputShapes["x"] = {1, 3};
  EXPECT_EQ(inferred(squeezeOrConstant(), 0, options), "float32 of unknown rank");
}

TEST(If, FollowsAConditionThatIsKnownBeforeTheRun) {
  InferOptions options;
  options.inputShapes["x"] = {1, 3};
  options.inputValues["condition"] = Tensor::scalar(true);
  EXPECT_EQ(inferred(squeezeOrConstant(), 0, options), "float32 3");
}

TEST(Loop, CarriesStateAndListsWhatEachIterationGives) {
  const auto outputs = results(powers(3), {floats({1, 2}), floats({2, 3})});
  EXPECT_THAT(valuesOf(outputs[0]), ElementsAre(8, 54));
  EXPECT_EQ(outputs[1].shape(), (Shape{3, 2}));
  EXPECT_THAT(valuesOf(outputs[1]), ElementsAre(2, 6, 4, 18, 8, 54));
}

TEST(Loop, WithoutIterationsGivesItsStateAndAnEmptyList) {
  const auto outputs = results(powers(0), {floats({1, 2}), floats({2, 3})});
  EXPECT_THAT(valuesOf(outputs[0]), ElementsAre(1, 2));
  EXPECT_EQ(outputs[1].elements(), 0);
}

TEST(Loop, KnowsItsShapesBeforeTheRunWhereItsTripCountIsConstant) {
  EXPECT_EQ(inferred(powers(7), 0), "float32 2");
  EXPECT_EQ(inferred(powers(7), 1), "float32 7x2");
}

TEST(Loop, WithoutEndStopsWhenItIsTold) {
  const Graph graph = powers(std::nullopt);
  int asked = 0;
  const StopRequest stop = [&] { return ++asked > 1000; };
  const auto outputs = evaluate(graph.node(NodeId(0)),
                                std::vector<Tensor>{{}, Tensor::scalar(true), floats({1, 2}), floats({1, 1})}, stop);
  ASSERT_FALSE(outputs.ok());
  EXPECT_EQ(outputs.error().code, ErrorCode::Cancelled);
  EXPECT_LT(asked, 5000);
}

TEST(Loop, WidensAStateThatGrowsInEveryIteration) {
  Graph body;
  body.opset = 18;
  body.addInput("i", {DataType::Int64, Shape{}});
  const ValueId condition = body.addInput("go_on", {DataType::Bool, Shape{}});
  const ValueId state = body.addInput("state", {DataType::Float32, {1, 3}});
  Attributes axis;
  axis.set("axis", std::int64_t{0});
  body.addOutput(add(body, "Identity", {condition}));
  body.addOutput(add(body, "Concat", {state, state}, axis));
  Graph graph;
  graph.opset = 18;
  const ValueId x = graph.addInput("x", {DataType::Float32, {1, 3}});
  const ValueId limit = graph.addConstant("limit", Tensor::scalar<std::int64_t>(3));
  Attributes attributes;
  attributes.set("body", share(std::move(body)));
  graph.addOutput(addControl(graph, "Loop", {limit, ValueId(), x}, {}, std::move(attributes), 1)[0]);
  EXPECT_EQ(inferred(graph), "float32 ?x3");
  EXPECT_EQ(results(graph, {counting({1, 3})})[0].shape(), (Shape{8, 3}));
}

/// Running sums over sequences: state s, sequence x -> last s, all s.
Graph runningSum(int version, Attributes attributes) {
  Graph body;
  body.opset = 18;
  const ValueId s = body.addInput("s_in", {DataType::Float32, {2}});
  const ValueId x = body.addInput("x_in", {DataType::Float32, {2}});
  const ValueId sum = add(body, "Add", {s, x});
  body.addOutput(sum);
  body.addOutput(add(body, "Identity", {sum}));
  attributes.set("num_scan_inputs", std::int64_t{1});
  attributes.set("body", share(std::move(body)));
  Graph graph;
  graph.opset = version;
  const bool batched = version < 9;
  const ValueId state = graph.addInput("s", {DataType::Float32, batched ? Shape{1, 2} : Shape{2}});
  const ValueId sequence = graph.addInput("x", {DataType::Float32, batched ? Shape{1, 3, 2} : Shape{3, 2}});
  std::vector<ValueId> inputs{state, sequence};
  if (batched) inputs.insert(inputs.begin(), ValueId());
  const auto outputs = addControl(graph, "Scan", inputs, {}, std::move(attributes), 2);
  graph.node(NodeId(0)).version = versionFor(*findOp("", "Scan"), version);
  for (ValueId output : outputs) graph.addOutput(output);
  return graph;
}

TEST(Scan, SumsASequence) {
  const Graph graph = runningSum(11, {});
  const auto outputs = results(graph, {floats({10, 20}), counting({3, 2})});
  EXPECT_THAT(valuesOf(outputs[0]), ElementsAre(16, 29));
  EXPECT_THAT(valuesOf(outputs[1]), ElementsAre(10, 21, 12, 24, 16, 29));
  EXPECT_EQ(inferred(graph, 1), "float32 3x2");
}

TEST(Scan, ReadsBackwardsAndPutsTheResultsOnAnotherAxis) {
  Attributes attributes;
  attributes.set("scan_input_directions", std::vector<std::int64_t>{1});
  attributes.set("scan_output_axes", std::vector<std::int64_t>{-1});
  attributes.set("scan_output_directions", std::vector<std::int64_t>{1});
  const Graph graph = runningSum(11, attributes);
  const auto outputs = results(graph, {floats({0, 0}), counting({3, 2})});
  EXPECT_EQ(outputs[1].shape(), (Shape{2, 3}));
  EXPECT_THAT(valuesOf(outputs[1]), ElementsAre(6, 6, 4, 9, 8, 5));
  EXPECT_EQ(inferred(graph, 1), "float32 2x3");
}

TEST(Scan, OfVersionEightHasABatchAround) {
  const Graph graph = runningSum(8, {});
  const auto outputs = results(graph, {floats(Shape{1, 2}, {10, 20}), counting({1, 3, 2})});
  EXPECT_EQ(outputs[1].shape(), (Shape{1, 3, 2}));
  EXPECT_THAT(valuesOf(outputs[0]), ElementsAre(16, 29));
  EXPECT_EQ(inferred(graph, 1), "float32 1x3x2");
}

TEST(Scan, RefusesAnAxisOutsideItsSequence) {
  Attributes attributes;
  attributes.set("scan_input_axes", std::vector<std::int64_t>{5});
  const auto outputs = runGraph(runningSum(11, attributes), {floats({0, 0}), counting({3, 2})});
  ASSERT_FALSE(outputs.ok());
  EXPECT_THAT(outputs.error().line(), HasSubstr("scan_input_axes holds 5"));
}

} // namespace
} // namespace tandem
