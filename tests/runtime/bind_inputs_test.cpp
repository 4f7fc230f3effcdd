// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/bind_inputs.hpp"
#include "tests/support/graphs.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(BindInputs, GivesAnOpenLeadingDimensionTheBatch) {
  auto bound = bindInputs(test::diamond(), 3);
  ASSERT_TRUE(bound.ok()) << bound.error().line();
  EXPECT_EQ(bound->graph.value(bound->graph.outputs()[0]).desc, (TensorDesc{DataType::Float32, {3, 4}}));
}

TEST(BindInputs, LeavesTheOpenedGraphAsItWas) {
  const Graph opened = test::diamond();
  ASSERT_TRUE(bindInputs(opened, 3).ok());
  EXPECT_EQ(opened.value(opened.inputs()[0]).desc.shape[0], kUnknownDim);
}

TEST(BindInputs, NamesTheInputWhoseSizeTheModelLeavesOpen) {
  Graph graph;
  const ValueId x = graph.addInput("picture", {DataType::Float32, {1, 3, kUnknownDim, kUnknownDim}});
  graph.addOutput(test::add(graph, "Relu", {x}));
  auto bound = bindInputs(graph, 1);
  ASSERT_FALSE(bound.ok());
  EXPECT_EQ(bound.error().code, ErrorCode::InputRejected);
  EXPECT_EQ(bound.error().where, "picture");
}

TEST(BindInputs, RaisesADeclaredBatchOfOneButNotALengthOfOne) {
  Graph graph;
  const ValueId x = graph.addInput("x", {DataType::Float32, {1, 4}});
  const ValueId scale = graph.addInput("scale", {DataType::Float32, {1}});
  graph.addOutput(test::add(graph, "Mul", {x, scale}));
  auto bound = bindInputs(graph, 8);
  ASSERT_TRUE(bound.ok()) << bound.error().line();
  EXPECT_EQ(bound->graph.value(bound->graph.inputs()[0]).desc.shape, (Shape{8, 4}));
  EXPECT_EQ(bound->graph.value(bound->graph.inputs()[1]).desc.shape, (Shape{1}));
}

TEST(BindTensors, RejectsAnotherTypeNamingBoth) {
  const std::vector<Tensor> inputs{Tensor::zeros({DataType::Int32, {1, 4}})};
  auto bound = bindTensors(test::diamond(), inputs);
  ASSERT_FALSE(bound.ok());
  EXPECT_NE(bound.error().message.find("int32"), std::string::npos);
  EXPECT_NE(bound.error().message.find("float32"), std::string::npos);
}

TEST(BindTensors, RejectsAnotherShapeAndAnotherNumberOfInputs) {
  EXPECT_FALSE(bindTensors(test::diamond(), std::vector<Tensor>{Tensor::zeros({DataType::Float32, {1, 5}})}).ok());
  EXPECT_FALSE(bindTensors(test::diamond(), std::vector<Tensor>{}).ok());
}

TEST(WithKnownShapeInputs, MakesThemConstantsAndKeepsIds) {
  Graph graph;
  const ValueId x = graph.addInput("x", {DataType::Float32, {2, 6}});
  const ValueId shape = graph.addInput("shape", {DataType::Int64, {2}});
  graph.addOutput(test::add(graph, "Reshape", {x, shape}));
  const std::vector<Tensor> inputs{Tensor::zeros({DataType::Float32, {2, 6}}),
                                   Tensor::of<std::int64_t>({2}, std::vector<std::int64_t>{3, 4})};
  auto bound = bindTensors(graph, inputs);
  ASSERT_TRUE(bound.ok()) << bound.error().line();
  const Graph known = withKnownShapeInputs(*bound);
  ASSERT_EQ(known.nodes().size(), bound->graph.nodes().size());
  EXPECT_EQ(known.outputs(), bound->graph.outputs());
  EXPECT_EQ(known.nodes()[0].inputs[0], x);
  const Value& given = known.value(known.nodes()[0].inputs[1]);
  ASSERT_TRUE(given.isConstant());
  EXPECT_EQ(given.constant.toInts(), (std::vector<std::int64_t>{3, 4}));
  EXPECT_FALSE(bound->graph.value(shape).isConstant());
}

TEST(BindTensors, BindsElementsOfInputsThatSteerShapes) {
  Graph graph;
  const ValueId x = graph.addInput("x", {DataType::Float32, {2, 6}});
  const ValueId shape = graph.addInput("shape", {DataType::Int64, {2}});
  graph.addOutput(test::add(graph, "Reshape", {x, shape}));
  const std::vector<Tensor> inputs{Tensor::zeros({DataType::Float32, {2, 6}}), Tensor::of<std::int64_t>({2}, {3, 4})};
  auto bound = bindTensors(graph, inputs);
  ASSERT_TRUE(bound.ok()) << bound.error().line();
  EXPECT_EQ(bound->graph.value(bound->graph.outputs()[0]).desc.shape, (Shape{3, 4}));
}

} // namespace
} // namespace tandem
