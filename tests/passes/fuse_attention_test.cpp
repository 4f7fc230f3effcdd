// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/passes/graph_under_test.hpp"

using namespace tandem;
using namespace tandem::test;

namespace {

ValueId number(GraphUnderTest& net, float value) { return net.constant(Tensor::scalar(value)); }

/// [batch][tokens][heads * size] as heads, transposed by `perm`.
ValueId heads(GraphUnderTest& net, ValueId x, std::int64_t tokens, Ints perm) {
  return net.op("Transpose", {net.op("Reshape", {x, net.ints({2, tokens, 3, 4})})}, {{"perm", std::move(perm)}});
}

ValueId joined(GraphUnderTest& net, ValueId y) {
  return net.op("Reshape", {net.op("Transpose", {y}, {{"perm", Ints{0, 2, 1, 3}}}), net.ints({2, -1, 12})});
}

enum class Masking { None, Added, AddedFirst, Kept, Filled };

struct Form {
  Masking masking = Masking::None;
  int scaling = 0; ///< 0: divided after the product, 1: multiplied after it, 2: queries and keys before it, 3: none
};

ValueId masked(GraphUnderTest& net, ValueId scores, Masking masking) {
  const auto condition = [&] {
    std::vector<bool> kept;
    for (int i = 0; i < 5; ++i)
      for (int j = 0; j < 7; ++j) kept.push_back(j <= i + 2);
    Tensor tensor = Tensor::zeros({DataType::Bool, {5, 7}});
    std::copy(kept.begin(), kept.end(), tensor.mutableAs<bool>().begin());
    return net.constant(tensor);
  };
  switch (masking) {
  case Masking::None: return scores;
  case Masking::Added: return net.op("Add", {scores, net.input({2, 1, 1, 7}, "mask")});
  case Masking::AddedFirst: return net.op("Add", {net.input({5, 7}, "mask"), scores});
  case Masking::Kept: return net.op("Where", {condition(), scores, number(net, -1000)});
  case Masking::Filled: return net.op("Where", {condition(), number(net, -3), scores});
  }
  return scores;
}

ValueId attention(GraphUnderTest& net, const Form& form) {
  ValueId q = heads(net, net.input({2, 5, 12}, "q"), 5, {0, 2, 1, 3});
  ValueId k = heads(net, net.input({2, 7, 12}, "k"), 7, {0, 2, 3, 1});
  const ValueId v = heads(net, net.input({2, 7, 12}, "v"), 7, {0, 2, 1, 3});
  if (form.scaling == 2) {
    q = net.op("Mul", {q, number(net, 0.7f)});
    k = net.op("Div", {k, number(net, 1.4f)});
  }
  ValueId scores = net.op("MatMul", {q, k});
  if (form.scaling == 0) scores = net.op("Div", {scores, number(net, 2)});
  if (form.scaling == 1) scores = net.op("Mul", {number(net, 0.5f), scores});
  scores = net.op("Softmax", {masked(net, scores, form.masking)}, {{"axis", std::int64_t{-1}}});
  return joined(net, net.op("MatMul", {scores, v}));
}

} // namespace

TEST(FuseAttention, EveryMaskAndScalingBecomesOneNode) {
  for (Masking masking : {Masking::None, Masking::Added, Masking::AddedFirst, Masking::Kept, Masking::Filled}) {
    for (int scaling = 0; scaling < 4; ++scaling) {
      SCOPED_TRACE(std::to_string(static_cast<int>(masking)) + " " + std::to_string(scaling));
      GraphUnderTest net;
      net.output(attention(net, {masking, scaling}));
      const Graph after = net.rewritten();
      EXPECT_EQ(typesOf(after), "Reshape Reshape Reshape FusedAttention Reshape");
      const std::size_t scalings = scaling == 3 ? 0 : scaling == 2 ? 2 : 1;
      const Node& fused = after.nodes()[3];
      EXPECT_EQ(fused.origins.size(), 7 + scalings + (masking == Masking::None ? 0 : 1));
    }
  }
}

TEST(FuseAttention, WithHeadsInTheBatchAndWithoutTranspositions) {
  GraphUnderTest three;
  const ValueId q = three.input({5, 6, 4}, "q"), k = three.input({7, 6, 4}, "k"), v = three.input({7, 6, 4}, "v");
  const auto turned = [&](ValueId x, Ints perm) { return three.op("Transpose", {x}, {{"perm", std::move(perm)}}); };
  ValueId y = three.op("MatMul", {turned(q, {1, 0, 2}), turned(k, {1, 2, 0})});
  y = three.op("MatMul", {three.op("Softmax", {y}, {{"axis", std::int64_t{2}}}), turned(v, {1, 0, 2})});
  three.output(turned(y, {1, 0, 2}));
  EXPECT_EQ(typesOf(three.rewritten()), "FusedAttention");

  GraphUnderTest plain;
  const ValueId scores = plain.op("MatMul", {plain.input({5, 4}, "q"), plain.input({4, 7}, "k")});
  plain.output(plain.op("MatMul", {plain.op("Softmax", {scores}), plain.input({7, 3}, "v")}));
  EXPECT_EQ(typesOf(plain.rewritten()), "FusedAttention");
}

TEST(FuseAttention, WhatIsNotAttentionStays) {
  GraphUnderTest read; // the probabilities are an output, too
  const ValueId q = read.input({5, 4}, "q"), k = read.input({4, 7}, "k"), v = read.input({7, 3}, "v");
  const ValueId weights = read.op("Softmax", {read.op("MatMul", {q, k})});
  read.output(weights);
  read.output(read.op("MatMul", {weights, v}));
  EXPECT_EQ(typesOf(read.rewritten()), "MatMul Softmax MatMul");

  GraphUnderTest columns; // another axis
  const ValueId scores = columns.op("MatMul", {columns.input({5, 4}, "q"), columns.input({4, 7}, "k")});
  columns.output(
      columns.op("MatMul", {columns.op("Softmax", {scores}, {{"axis", std::int64_t{0}}}), columns.input({7, 3}, "v")}));
  EXPECT_EQ(typesOf(columns.rewritten()), "MatMul Softmax MatMul");

  GraphUnderTest right; // the values come first
  const ValueId p = right.op("Softmax", {right.op("MatMul", {right.input({5, 4}, "q"), right.input({4, 7}, "k")})});
  right.output(right.op("MatMul", {right.input({2, 5}, "v"), p}));
  EXPECT_EQ(typesOf(right.rewritten()), "MatMul Softmax MatMul");
}

TEST(FuseAttention, AMaskBeforeTheScalingAndOneThatGrowsTheScoresStay) {
  GraphUnderTest net;
  ValueId scores = net.op("MatMul", {net.input({5, 4}, "q"), net.input({4, 7}, "k")});
  scores = net.op("Mul", {net.op("Add", {scores, net.input({5, 7}, "mask")}), number(net, 0.5f)});
  net.output(net.op("MatMul", {net.op("Softmax", {scores}), net.input({7, 3}, "v")}));
  EXPECT_EQ(typesOf(net.rewritten()), "MatMul Add Mul Softmax MatMul");

  GraphUnderTest grown;
  scores = grown.op("MatMul", {grown.input({5, 4}, "q"), grown.input({4, 7}, "k")});
  scores = grown.op("Add", {scores, grown.input({2, 5, 7}, "mask")});
  grown.output(grown.op("MatMul", {grown.op("Softmax", {scores}), grown.input({7, 3}, "v")}));
  EXPECT_EQ(typesOf(grown.rewritten()), "MatMul Add Softmax MatMul");
}

TEST(FuseAttention, ADeviceWithoutItKeepsTheNodes) {
  GraphUnderTest net;
  net.output(attention(net, {Masking::Added, 0}));
  PassContext context;
  context.canRun = [](const Graph&, NodeId) { return false; };
  EXPECT_EQ(net.rewritten({}, context).nodes().size(), net.graph.nodes().size());
}
