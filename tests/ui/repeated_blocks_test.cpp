// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/repeated_blocks.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace tandem::ui {
namespace {

/// Nodes one after the other, each reading from those that are named.
struct Model {
  BlockGraph graph;
  QStringList scopes;

  int add(int op, const QString& scope, const std::vector<int>& inputs) {
    const int node = static_cast<int>(graph.op.size());
    graph.op.push_back(op);
    scopes.append(scope);
    for (std::size_t slot = 0; slot < inputs.size(); ++slot)
      if (inputs[slot] >= 0) graph.edges.push_back({inputs[slot], node, static_cast<int>(slot)});
    return node;
  }
  RepeatedBlocks find() {
    graph.scopes = scopeTree(scopes);
    return RepeatedBlocks(graph);
  }
};

enum Op { kConv, kRelu, kAdd, kPool, kMatMul, kSoftmax, kStem };

/// A residual block: conv, relu, conv, add with the input.
int residual(Model& model, const QString& scope, int input, bool swapped = false) {
  const int a = model.add(kConv, scope, {input});
  const int b = model.add(kRelu, scope, {a});
  const int c = model.add(kConv, scope, {b});
  return swapped ? model.add(kAdd, scope, {input, c}) : model.add(kAdd, scope, {c, input});
}

TEST(RepeatedBlocks, FindsScopesWithTheSameOperatorsAndWiring) {
  Model model;
  int x = model.add(kStem, QString(), {});
  for (int i = 0; i < 3; ++i) x = residual(model, QStringLiteral("layer%1").arg(i), x);
  const RepeatedBlocks blocks = model.find();
  EXPECT_EQ(blocks.blockCount(), 1);
  const BlockPlace place = blocks.ofScope(1);
  EXPECT_EQ(place.copies, 3);
  EXPECT_EQ(place.copy, 1);
  EXPECT_EQ(place.size, 4);
  EXPECT_EQ(blocks.ofNode(0).block, -1) << "the stem occurs once";
  EXPECT_EQ(blocks.ofNode(6).copy, 1);
  EXPECT_EQ(blocks.copiesOf({5}), (QList<int>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  EXPECT_EQ(blocks.counterpartsOf({2, 4}), (QList<int>{2, 4, 6, 8, 10, 12}));
  EXPECT_TRUE(blocks.copiesOf({0}).isEmpty());
  EXPECT_FALSE(blocks.repeats({0}));
  EXPECT_TRUE(blocks.repeats({0, 7}));
}

TEST(RepeatedBlocks, AnotherWiringOrOperatorIsAnotherBlock) {
  Model model;
  int x = model.add(kStem, QString(), {});
  x = residual(model, QStringLiteral("a"), x);
  x = residual(model, QStringLiteral("b"), x);
  const int c = model.add(kConv, QStringLiteral("c"), {x}); // conv, relu, conv, add of the relu
  const int relu = model.add(kRelu, QStringLiteral("c"), {c});
  const int conv = model.add(kConv, QStringLiteral("c"), {relu});
  x = model.add(kAdd, QStringLiteral("c"), {conv, relu});
  const int d = model.add(kConv, QStringLiteral("d"), {x});
  const int pool = model.add(kPool, QStringLiteral("d"), {d});
  model.add(kAdd, QStringLiteral("d"), {model.add(kConv, QStringLiteral("d"), {pool}), x});
  const RepeatedBlocks blocks = model.find();
  EXPECT_EQ(blocks.ofScope(0).copies, 2);
  EXPECT_EQ(blocks.ofScope(2).block, -1);
  EXPECT_EQ(blocks.ofScope(3).block, -1);
}

TEST(RepeatedBlocks, InputsInAnotherOrderAreAnotherWiringOnlyInsideTheBlock) {
  Model model;
  const int x = model.add(kStem, QString(), {});
  for (const char* name : {"a", "b"}) {
    const int first = model.add(kConv, QString::fromLatin1(name), {x});
    const int second = model.add(kRelu, QString::fromLatin1(name), {x});
    const bool swap = name[0] == 'b';
    model.add(kAdd, QString::fromLatin1(name),
              swap ? std::vector<int>{second, first} : std::vector<int>{first, second});
  }
  EXPECT_EQ(model.find().blockCount(), 0);
}

TEST(RepeatedBlocks, FindsBlocksWithinBlocks) {
  Model model;
  int x = model.add(kStem, QString(), {});
  for (int layer = 0; layer < 4; ++layer) {
    const QString scope = QStringLiteral("encoder/layer%1").arg(layer);
    const int q = model.add(kMatMul, scope + QStringLiteral("/attention"), {x});
    const int soft = model.add(kSoftmax, scope + QStringLiteral("/attention"), {q});
    const int up = model.add(kMatMul, scope + QStringLiteral("/mlp"), {soft});
    const int relu = model.add(kRelu, scope + QStringLiteral("/mlp"), {up});
    x = model.add(kAdd, scope, {relu, x});
  }
  const RepeatedBlocks blocks = model.find();
  EXPECT_EQ(blocks.blockCount(), 3) << "layers, attentions, perceptrons";
  EXPECT_EQ(blocks.ofScope(0).block, -1) << "there is one encoder";
  EXPECT_EQ(blocks.copiesOf({1}).size(), 8) << "the innermost block around one node";
  EXPECT_EQ(blocks.copiesOf({1, 3}).size(), 20) << "the block around both";
  EXPECT_EQ(blocks.counterpartsOf({5}), (QList<int>{5, 10, 15, 20}));
  EXPECT_EQ(blocks.copiesOf({1, 6}).size(), 8) << "of several copies: the blocks of each";
}

TEST(RepeatedBlocks, FindsWindowsWhereAModelHasNoScopes) {
  Model model;
  int x = model.add(kStem, QString(), {});
  for (int i = 0; i < 16; ++i) x = residual(model, QString(), x);
  x = model.add(kPool, QString(), {x});
  model.add(kSoftmax, QString(), {x});
  const RepeatedBlocks blocks = model.find();
  const BlockPlace place = blocks.ofNode(20);
  ASSERT_GE(place.block, 0);
  EXPECT_EQ(place.copies, 16);
  EXPECT_EQ(place.size, 4);
  EXPECT_EQ(blocks.copiesOf({20}).size(), 64);
  const QList<int> same = blocks.counterpartsOf({20});
  EXPECT_EQ(same.size(), 16);
  for (const int node : same) EXPECT_EQ(model.graph.op[static_cast<std::size_t>(node)], model.graph.op[20]);
  EXPECT_EQ(blocks.ofNode(65).block, -1);
}

TEST(RepeatedBlocks, ChainsOfOneOperatorAndSmallModelsRepeatNothing) {
  Model relus;
  int x = relus.add(kRelu, QString(), {});
  for (int i = 0; i < 50; ++i) x = relus.add(kRelu, QString(), {x});
  EXPECT_EQ(relus.find().blockCount(), 0);
  Model one;
  one.add(kConv, QString(), {});
  EXPECT_EQ(one.find().blockCount(), 0);
  EXPECT_EQ(RepeatedBlocks().ofNode(3).block, -1);
  EXPECT_TRUE(RepeatedBlocks().copiesOf({1, 2}).isEmpty());
}

TEST(RepeatedBlocks, ManyWideScopesAreFoundAndTheSameEveryTime) {
  Model model;
  int x = model.add(kStem, QString(), {});
  for (int i = 0; i < 2500; ++i) x = residual(model, QStringLiteral("b%1").arg(i), x);
  const RepeatedBlocks first = model.find(), second = model.find();
  EXPECT_EQ(first.ofNode(4001).copies, 2500);
  EXPECT_EQ(first.copiesOf({4001}).size(), 10'000);
  for (int node = 0; node < 10'001; node += 97) {
    EXPECT_EQ(first.ofNode(node).block, second.ofNode(node).block);
    EXPECT_EQ(first.ofNode(node).copy, second.ofNode(node).copy);
  }
}

TEST(RepeatedBlocks, TwoHundredThousandNodesInOneListOfWindows) {
  Model model;
  int x = model.add(kStem, QString(), {});
  for (int i = 0; i < 50'000; ++i) x = residual(model, QString(), x);
  const RepeatedBlocks blocks = model.find();
  EXPECT_EQ(blocks.ofNode(100'001).copies, 50'000);
  EXPECT_EQ(blocks.copiesOf({100'001}).size(), 200'000);
}

// Numbers of scopes, not paths: a path of that depth would itself be megabytes.
TEST(RepeatedBlocks, TwoDeepChainsOfNestedScopesAreEqualOnEveryLevel) {
  constexpr int kDepth = 50'000;
  BlockGraph graph;
  for (int chain = 0; chain < 2; ++chain) {
    int parent = -1, previous = -1;
    for (int level = 0; level < kDepth; ++level) {
      const int scope = static_cast<int>(graph.scopes.parents.size());
      graph.scopes.parents.push_back(parent);
      graph.scopes.names.append(QStringLiteral("s"));
      for (const Op op : {kConv, kRelu}) {
        const int node = static_cast<int>(graph.op.size());
        graph.op.push_back(op);
        graph.scopes.ofNode.push_back(scope);
        if (previous >= 0) graph.edges.push_back({previous, node, 0});
        if (level > 0) graph.edges.push_back({chain * 2 * kDepth, node, 1}); // to the outermost scope
        previous = node;
      }
      parent = scope;
    }
  }
  const RepeatedBlocks blocks(graph);
  EXPECT_EQ(blocks.blockCount(), kDepth);
  EXPECT_EQ(blocks.ofScope(0).size, 2 * kDepth);
  EXPECT_EQ(blocks.ofScope(0).copies, 2);
  EXPECT_EQ(blocks.ofScope(kDepth - 1).size, 2);
  EXPECT_EQ(blocks.ofScope(2 * kDepth - 1).copy, 1);
}

TEST(ScopeTree, NumbersScopesInTheOrderOfFirstMention) {
  const ScopeTree tree = scopeTree({QStringLiteral("a/b"), QString(), QStringLiteral("a"), QStringLiteral("c/b")});
  EXPECT_EQ(tree.names,
            (QStringList{QStringLiteral("a"), QStringLiteral("b"), QStringLiteral("c"), QStringLiteral("b")}));
  EXPECT_EQ(tree.parents, (std::vector<int>{-1, 0, -1, 2}));
  EXPECT_EQ(tree.ofNode, (std::vector<int>{1, -1, 0, 3}));
}

} // namespace
} // namespace tandem::ui
