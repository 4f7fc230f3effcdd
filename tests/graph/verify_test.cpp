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
  EXPECT_THAT(status.error().line(), testing::HasSubstr(why));
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
