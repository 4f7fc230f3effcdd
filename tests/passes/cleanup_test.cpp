// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/passes/graph_under_test.hpp"

using namespace tandem;
using namespace tandem::test;

TEST(RemoveIdentity, DropsOperationsThatChangeNothing) {
  GraphUnderTest net;
  ValueId y = net.op("Relu", {net.input({2, 3})});
  y = net.op("Identity", {y});
  y = net.op("Dropout", {y});
  y = net.op("Cast", {y}, {{"to", std::int64_t{1}}});
  y = net.op("Reshape", {y, net.ints({2, 3})});
  y = net.op("Transpose", {y}, {{"perm", Ints{0, 1}}});
  y = net.op("Pad", {y, net.ints({0, 0, 0, 0})});
  y = net.op("Slice", {y, net.ints({0}), net.ints({3}), net.ints({1})});
  y = net.op("Concat", {y}, {{"axis", std::int64_t{0}}});
  net.output(net.op("Neg", {y}));
  EXPECT_EQ(typesOf(net.rewritten()), "Relu Neg");
  EXPECT_EQ(net.changesOf("remove_identity"), 8);
}

TEST(RemoveIdentity, KeepsWhatOnlyLooksLikeOne) {
  GraphUnderTest net;
  ValueId y = net.input({3, 3});
  y = net.op("Slice", {y, net.ints({-1}), net.ints({-9}), net.ints({0}), net.ints({-1})}); // reversal
  y = net.op("Pad", {y, net.ints({1, 0, -1, 0})});                                         // shift
  y = net.op("Transpose", {y}, {{"perm", Ints{1, 0}}});
  net.output(net.op("Neg", {y}));
  EXPECT_EQ(typesOf(net.rewritten()), "Slice Pad Transpose Neg");
}

TEST(RemoveIdentity, TheNameOfAGraphOutputSurvives) {
  GraphUnderTest net;
  const ValueId y = net.op("Relu", {net.input({2})});
  net.output(net.op("Identity", {y}));
  net.output(net.op("Neg", {y}));
  EXPECT_EQ(typesOf(net.rewritten()), "Relu Neg");
}

TEST(RemoveIdentity, AnIdentityFromInputToOutputStays) {
  GraphUnderTest net;
  const ValueId x = net.input({2});
  net.output(net.op("Identity", {x}));
  const ValueId y = net.op("Relu", {x});
  net.output(y);
  net.output(net.op("Identity", {y}));
  EXPECT_EQ(typesOf(net.rewritten()), "Identity Relu Identity");
}

TEST(RemoveDead, DropsChainsThatNobodyReads) {
  GraphUnderTest net;
  const ValueId x = net.input({2});
  net.op("Neg", {net.op("Relu", {net.op("Neg", {x})})});
  net.output(net.op("Relu", {x}));
  EXPECT_EQ(typesOf(net.rewritten()), "Relu");
  EXPECT_EQ(net.changesOf("remove_dead"), 3);
}

TEST(RemoveDead, DropsOptionalOutputsThatNobodyReads) {
  GraphUnderTest net;
  const ValueId y = net.op("MaxPool", {net.input({1, 1, 4, 4})}, {{"kernel_shape", Ints{2, 2}}});
  net.graph.node(NodeId(0)).outputs.push_back(net.graph.addValue({}));
  net.graph.value(net.graph.node(NodeId(0)).outputs[1]).producer = NodeId(0);
  net.output(y);
  EXPECT_EQ(onlyNode(net.rewritten()).outputs.size(), 1u);
}

TEST(MergeTransposes, TwoBecomeOne) {
  GraphUnderTest net;
  ValueId y = net.op("Transpose", {net.input({2, 3, 4})}, {{"perm", Ints{1, 2, 0}}});
  y = net.op("Transpose", {y}, {{"perm", Ints{0, 2, 1}}});
  net.output(y);
  const Graph after = net.rewritten();
  EXPECT_EQ(onlyNode(after).attributes.getInts("perm"), (Ints{1, 0, 2}));
  EXPECT_EQ(onlyNode(after).origins.size(), 2u);
}

TEST(MergeTransposes, InversesVanish) {
  GraphUnderTest net;
  ValueId y = net.op("Transpose", {net.input({2, 3, 4})});
  y = net.op("Transpose", {y});
  net.output(net.op("Relu", {y}));
  EXPECT_EQ(typesOf(net.rewritten()), "Relu");
}

TEST(MergeTransposes, TheFirstStaysWhereOthersReadIt) {
  GraphUnderTest net;
  const ValueId y = net.op("Transpose", {net.input({2, 3, 4})}, {{"perm", Ints{1, 2, 0}}});
  net.output(net.op("Neg", {y}));
  net.output(net.op("Transpose", {y}, {{"perm", Ints{1, 2, 0}}}));
  EXPECT_EQ(typesOf(net.rewritten()), "Transpose Neg Transpose");
}

namespace {

ValueId slice(GraphUnderTest& net, ValueId x, Ints starts, Ints ends, Ints axes, Ints steps) {
  return net.op("Slice", {x, net.ints(starts), net.ints(ends), net.ints(axes), net.ints(steps)});
}

} // namespace

TEST(MergeSlices, CutsOfDifferentAxesAreOneNode) {
  GraphUnderTest net;
  const ValueId x = net.input({2, 3, 8, 7});
  const ValueId rows = slice(net, x, {1}, {INT64_MAX}, {2}, {2});
  const ValueId columns = slice(net, rows, {-1}, {INT64_MIN}, {-1}, {-2});
  net.output(net.op("Slice", {columns, net.ints({1}), net.ints({2})}));
  const Graph after = net.rewritten();
  EXPECT_EQ(typesOf(after), "Slice");
  EXPECT_EQ(onlyNode(after).origins.size(), 3u);
}

TEST(MergeSlices, CutsOfOneAxisAndCutsThatOthersReadStay) {
  GraphUnderTest net;
  const ValueId x = net.input({2, 3, 8, 7});
  const ValueId rows = slice(net, x, {1}, {8}, {2}, {1});
  net.output(slice(net, rows, {0}, {4}, {2}, {2}));
  const ValueId shared = slice(net, x, {0}, {2}, {1}, {1});
  net.output(slice(net, shared, {0}, {1}, {0}, {1}));
  net.output(net.op("Relu", {shared}));
  const Graph after = net.rewritten();
  EXPECT_EQ(topologicalOrder(after).size(), 5u);
}

TEST(EliminateCommonSubexpressions, EqualNodesBecomeOneWithTheOriginsOfBoth) {
  GraphUnderTest net;
  const ValueId x = net.input({3, 4});
  const auto half = [&] { return net.op("Mul", {x, net.constant(Tensor::scalar(0.5f))}); };
  const ValueId a = net.op("Exp", {half()}), b = net.op("Exp", {half()});
  net.output(net.op("Sub", {a, net.op("Neg", {b})}));
  const Graph after = net.rewritten();
  EXPECT_EQ(typesOf(after), "Mul Exp Neg Sub");
  EXPECT_EQ(after.nodes()[0].origins.size(), 2u);
  EXPECT_EQ(after.nodes()[1].origins.size(), 2u);
}

TEST(EliminateCommonSubexpressions, OtherNumbersAttributesAndOutputsStay) {
  GraphUnderTest net;
  const ValueId x = net.input({3, 4});
  const ValueId a = net.op("Mul", {x, net.constant(Tensor::scalar(0.5f))});
  const ValueId b = net.op("Mul", {x, net.constant(Tensor::scalar(0.25f))});
  const ValueId c = net.op("Softmax", {x}, {{"axis", std::int64_t{0}}});
  const ValueId d = net.op("Softmax", {x}, {{"axis", std::int64_t{1}}});
  net.output(net.op("Sum", {a, b, c, d}));
  net.output(net.op("Exp", {x}));
  net.output(net.op("Exp", {x}));
  EXPECT_EQ(net.rewritten().nodes().size(), net.graph.nodes().size());
}

TEST(EliminateCommonSubexpressions, OneNodeThatReadsAnotherTwiceStaysRight) {
  GraphUnderTest net;
  const ValueId x = net.input({3, 4});
  const ValueId a = net.op("Tanh", {x}), b = net.op("Tanh", {x});
  net.output(net.op("Add", {net.op("Mul", {a, b}), net.op("Mul", {b, a})}));
  EXPECT_EQ(typesOf(net.rewritten()), "Tanh Mul Add");
}

TEST(EliminateCommonSubexpressions, NothingIsSharedBetweenDevices) {
  GraphUnderTest net;
  const ValueId x = net.input({3, 4});
  net.output(net.op("Add", {net.op("Exp", {x}), net.op("Exp", {x})}));
  PassContext context;
  context.mayFuse = [](const Node&, const Node&) { return false; };
  EXPECT_EQ(typesOf(net.rewritten({}, context)), "Exp Exp Add");
}
