// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/graph/verify.hpp"

#include "tests/support/graphs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem {
namespace {

void expectRefused(const Graph& graph, const char* why) {
  const auto status = verify(graph);
  ASSERT_FALSE(status.ok()) << why;
  EXPECT_EQ(status.error().code, ErrorCode::ModelRejected);
  std::vector<std::string> said = status.error().problems;
  said.push_back(status.error().message);
  EXPECT_THAT(said, testing::Contains(testing::HasSubstr(why)));
}

TEST(Verify, AcceptsTheDiamond) { EXPECT_TRUE(verify(test::diamond()).ok()); }

TEST(Verify, RefusesLinksThatDisagree) {
  Graph graph = test::diamond();
  graph.value(graph.inputs()[0]).consumers.clear();
  expectRefused(graph, "does not know its consumer");
  graph = test::diamond();
  graph.value(graph.inputs()[0]).consumers.push_back(NodeId(2));
  expectRefused(graph, "does not use it");
}

TEST(Verify, RefusesTensorsThatNothingProduces) {
  Graph graph = test::diamond();
  graph.setInput(NodeId(1), 0, graph.addValue({}));
  expectRefused(graph, "nothing produces the tensor");
  graph = test::diamond();
  graph.addOutput(graph.addValue({}));
  expectRefused(graph, "model output");
}

TEST(Verify, NamesTheNodesOfACycle) {
  Graph graph;
  const ValueId x = graph.addInput("x", {DataType::Float32, {1}});
  std::vector<ValueId> values{x};
  for (const char* name : {"t0", "t1", "t2"}) {
    Value value;
    value.name = name;
    values.push_back(graph.addValue(value));
  }
  // x -> before -> (a -> b -> a), and after hangs on the cycle without being part of it.
  const auto add = [&](const char* name, std::vector<ValueId> inputs, ValueId output) {
    Node node;
    node.name = name;
    node.type = "Sum";
    node.inputs = std::move(inputs);
    node.outputs = {output};
    graph.addNode(node);
  };
  Value last;
  last.name = "y";
  const ValueId y = graph.addValue(last);
  add("after", {values[3]}, y);
  add("before", {x}, values[1]);
  add("a", {values[1], values[3]}, values[2]);
  add("b", {values[2]}, values[3]);
  graph.addOutput(y);
  expectRefused(graph, "the graph has a cycle: 'b' -> 'a' -> 'b'");
}

TEST(Verify, ReportsEverythingAtOnce) {
  Graph graph = test::diamond();
  graph.setInput(NodeId(1), 0, graph.addValue({}));
  graph.addOutput(graph.addValue({}));
  const auto status = verify(graph);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().problems.size(), 2u);
}

TEST(Verify, RefusesTensorsProducedTwice) {
  const auto writing = [](ValueId (*target)(Graph&)) {
    Graph graph = test::diamond();
    Node node;
    node.type = "Neg";
    node.inputs = {graph.inputs()[0]};
    node.outputs = {target(graph)};
    graph.addNode(node);
    return graph;
  };
  expectRefused(writing([](Graph& graph) { return graph.outputs()[0]; }), "produced twice");
  expectRefused(writing([](Graph& graph) { return graph.inputs()[0]; }), "produced twice");
  expectRefused(writing([](Graph& graph) { return graph.addConstant("w", Tensor::scalar(1.0f)); }), "produced twice");
  Graph graph = test::diamond();
  Node node;
  node.type = "Split";
  node.inputs = {graph.inputs()[0]};
  const ValueId part = graph.addValue({});
  node.outputs = {part, part};
  graph.addNode(node);
  expectRefused(graph, "produced twice");
}

TEST(Verify, RefusesNamesThatAreTaken) {
  Graph graph = test::diamond();
  graph.node(NodeId(1)).name = graph.node(NodeId(0)).name;
  expectRefused(graph, "two nodes");
  graph = test::diamond();
  graph.value(graph.outputs()[0]).name = "x";
  expectRefused(graph, "two tensors");
}

TEST(Verify, RefusesTooManyDimensions) {
  Graph graph = test::diamond();
  graph.addInput("z", {DataType::Float32, Shape(std::vector<std::int64_t>(9, 1))});
  expectRefused(graph, "9 dimensions");
}

TEST(Verify, RefusesCycles) {
  Graph graph = test::diamond();
  graph.setInput(NodeId(0), 0, graph.outputs()[0]);
  expectRefused(graph, "cycle");
}

} // namespace
} // namespace tandem
