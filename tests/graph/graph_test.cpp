// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/graph/graph.hpp"

#include "engine/graph/hierarchy.hpp"
#include "engine/graph/verify.hpp"
#include "tests/support/graphs.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

/// x -> Relu -> a; Add(a, a) -> y.
struct Doubled {
  Graph graph;
  ValueId x, a, y;
  Doubled() {
    x = graph.addInput("x", {DataType::Float32, {4}});
    a = test::add(graph, "Relu", {x});
    y = test::add(graph, "Add", {a, a});
    graph.addOutput(y);
  }
};

TEST(Graph, LinksOneConsumerPerUse) {
  const Doubled d;
  EXPECT_EQ(d.graph.value(d.a).producer, NodeId(0));
  EXPECT_EQ(d.graph.value(d.a).consumers, (std::vector<NodeId>{NodeId(1), NodeId(1)}));
  EXPECT_FALSE(d.graph.value(d.x).producer.valid());
  EXPECT_EQ(d.graph.node(NodeId(1)).origins, std::vector<NodeId>{NodeId(1)});
  EXPECT_TRUE(verify(d.graph).ok());
}

TEST(Graph, ReplacesEveryUseAndTheOutputs) {
  Doubled d;
  d.graph.addOutput(d.a);
  d.graph.replaceUses(d.a, d.x);
  EXPECT_EQ(d.graph.node(NodeId(1)).inputs, (std::vector<ValueId>{d.x, d.x}));
  EXPECT_EQ(d.graph.outputs(), (std::vector<ValueId>{d.y, d.x}));
  EXPECT_TRUE(d.graph.value(d.a).consumers.empty());
  EXPECT_TRUE(verify(d.graph).ok());
  d.graph.replaceUses(d.x, d.x);
  EXPECT_TRUE(verify(d.graph).ok());
}

TEST(Graph, SetsOneInputOfTwoEqualOnes) {
  Doubled d;
  d.graph.setInput(NodeId(1), 1, d.x);
  EXPECT_EQ(d.graph.node(NodeId(1)).inputs, (std::vector<ValueId>{d.a, d.x}));
  EXPECT_EQ(d.graph.value(d.a).consumers, std::vector<NodeId>{NodeId(1)});
  EXPECT_TRUE(verify(d.graph).ok());
  d.graph.setInput(NodeId(1), 0, ValueId());
  EXPECT_TRUE(d.graph.value(d.a).consumers.empty());
}

TEST(Graph, RemovesNodesAndCompacts) {
  Doubled d;
  d.graph.replaceUses(d.a, d.x);
  d.graph.removeNode(NodeId(0));
  EXPECT_TRUE(d.graph.isDead(NodeId(0)));
  EXPECT_FALSE(d.graph.findNode("Relu_0"));
  EXPECT_TRUE(verify(d.graph).ok());
  d.graph.compact();
  ASSERT_EQ(d.graph.nodes().size(), 1u);
  EXPECT_EQ(d.graph.values().size(), 2u); // the tensor that nobody makes or reads is gone
  EXPECT_EQ(d.graph.node(NodeId(0)).type, "Add");
  EXPECT_EQ(d.graph.node(NodeId(0)).origins, std::vector<NodeId>{NodeId(1)}); // still of the opened graph
  EXPECT_EQ(d.graph.value(d.graph.outputs()[0]).producer, NodeId(0));
  EXPECT_TRUE(verify(d.graph).ok());
}

TEST(Graph, CompactSortsNodes) {
  Graph graph;
  const ValueId x = graph.addInput("x", {DataType::Float32, {4}});
  const ValueId a = graph.addValue({});
  const ValueId y = test::add(graph, "Neg", {a});
  Node node;
  node.type = "Relu";
  node.inputs = {x};
  node.outputs = {a};
  graph.addNode(node);
  graph.addOutput(y);
  graph.compact();
  EXPECT_EQ(graph.node(NodeId(0)).type, "Relu");
  EXPECT_EQ(graph.node(NodeId(1)).type, "Neg");
  EXPECT_TRUE(verify(graph).ok());
}

TEST(Graph, MadeUpNamesAvoidTakenOnes) {
  Doubled d;
  d.graph.replaceUses(d.a, d.x);
  d.graph.removeNode(NodeId(0));
  d.graph.compact(); // "value_2" is now number 1 of 2
  test::add(d.graph, "Neg", {d.graph.inputs()[0]});
  test::add(d.graph, "Neg", {d.graph.inputs()[0]});
  Node named;
  named.name = "Abs_0";
  named.type = "Abs";
  d.graph.addNode(named);
  test::add(d.graph, "Abs", {d.graph.inputs()[0]});
  const auto status = verify(d.graph);
  EXPECT_TRUE(status.ok()) << status.error().line();
}

TEST(Graph, ConstantsLoseTheirProducer) {
  Doubled d;
  d.graph.makeConstant(d.a, Tensor::of<float>({4}, {1, 2, 3, 4}));
  d.graph.removeNode(NodeId(0));
  EXPECT_TRUE(d.graph.value(d.a).isConstant() && d.graph.value(d.a).isStatic());
  EXPECT_TRUE(verify(d.graph).ok());
}

TEST(TopologicalOrder, LeavesACycleOut) {
  Doubled d;
  EXPECT_EQ(topologicalOrder(d.graph), (std::vector<NodeId>{NodeId(0), NodeId(1)}));
  d.graph.setInput(NodeId(0), 0, d.y);
  EXPECT_TRUE(topologicalOrder(d.graph).empty());
}

TEST(Hierarchy, TakesScopesFromNamesAndFoldsSingleNodes) {
  Graph graph;
  for (const char* name : {"/l1/b0/Conv", "/l1/b0/Relu", "/l1/b1/Conv", "head", "/l2/x/y/Gemm"}) {
    Node node;
    node.name = name;
    node.type = "Relu";
    graph.addNode(node);
  }
  assignScopesFromNames(graph);
  const std::vector<std::string> expected{"l1/b0", "l1/b0", "l1", "", ""};
  for (std::uint32_t i = 0; i < expected.size(); ++i) EXPECT_EQ(graph.node(NodeId(i)).scope, expected[i]);

  const Hierarchy tree = buildHierarchy(graph);
  ASSERT_EQ(tree.scopes.size(), 3u);
  EXPECT_EQ(tree.scopes[0].nodes, (std::vector<NodeId>{NodeId(3), NodeId(4)}));
  const int inner = tree.scopeOf[0];
  EXPECT_EQ(tree.scopes[static_cast<std::size_t>(inner)].path, "l1/b0");
  EXPECT_EQ(tree.scopes[static_cast<std::size_t>(inner)].parent, tree.scopeOf[2]);
  EXPECT_EQ(tree.scopes[static_cast<std::size_t>(tree.scopeOf[2])].children, std::vector<int>{inner});
}

TEST(Attributes, KeepOrderAndFallBackOnOtherTypes) {
  Attributes attributes;
  attributes.set("b", std::int64_t{2});
  attributes.set("a", 0.2f);
  attributes.set("b", std::int64_t{3});
  EXPECT_EQ(attributes.size(), 2u);
  EXPECT_EQ(attributes.begin()->first, "b");
  EXPECT_EQ(attributes.getInt("b", 0), 3);
  EXPECT_EQ(attributes.getInt("a", 7), 7);
  EXPECT_EQ(attributes.getFloat("a", 0), 0.2f);
  EXPECT_EQ(attributes.getString("none", "x"), "x");
  EXPECT_EQ(attributes.getInts("b", {1}), std::vector<std::int64_t>{1});
  attributes.erase("b");
  EXPECT_FALSE(attributes.has("b"));
}

TEST(Attributes, AreDescribedForPeople) {
  EXPECT_EQ(describe(std::vector<std::int64_t>{3, 3}), "[3, 3]");
  EXPECT_EQ(describe(0.2f), "0.2");
  EXPECT_EQ(describe(1e-5f), "1e-05");
  EXPECT_EQ(describe(std::string("relu")), "relu");
  EXPECT_EQ(describe(Tensor::zeros({DataType::Float32, {64, 3, 7, 7}})), "float32 64x3x7x7");
  EXPECT_EQ(describe(std::make_shared<const Graph>(test::diamond())), "graph with 4 nodes");
  EXPECT_EQ(describe(std::vector<std::int64_t>(20, 1)).substr(47), ", ... 20 in all]");
}

} // namespace
} // namespace tandem
