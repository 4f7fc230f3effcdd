// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/passes/graph_under_test.hpp"

using namespace tandem;
using namespace tandem::test;

namespace {

using NamedAttributes = std::vector<std::pair<std::string, Attribute>>;

struct ActivationCase {
  std::string type;
  NamedAttributes attributes;
};

const std::vector<ActivationCase>& activations() {
  static const std::vector<ActivationCase> cases{
      {"Relu", {}},
      {"LeakyRelu", {{"alpha", 0.3f}}},
      {"LeakyRelu", {}},
      {"Sigmoid", {}},
      {"HardSigmoid", {{"alpha", 0.25f}, {"beta", 0.4f}}},
      {"HardSigmoid", {}},
      {"HardSwish", {}},
      {"Tanh", {}},
      {"Elu", {{"alpha", 0.7f}}},
  };
  return cases;
}

ValueId conv(GraphUnderTest& net, ValueId x, std::int64_t channels = 3) {
  return net.op("Conv", {x, net.weights({channels, 3, 3, 3}), net.weights({channels})}, {{"pads", Ints{1, 1, 1, 1}}});
}

} // namespace

TEST(FuseConvActivation, EveryActivationBecomesPartOfTheConvolution) {
  for (const ActivationCase& each : activations()) {
    GraphUnderTest net;
    net.output(net.op(each.type, {conv(net, net.input({1, 3, 5, 5}))}, each.attributes));
    const Graph after = net.rewritten();
    EXPECT_EQ(onlyNode(after).type, "FusedConv");
    EXPECT_EQ(onlyNode(after).domain, "tandem");
    EXPECT_EQ(onlyNode(after).attributes.getString("activation", ""), each.type);
    EXPECT_EQ(onlyNode(after).origins.size(), 2u);
  }
}

TEST(FuseConvActivation, ClipWithBoundsAsInputsAndAsAttributes) {
  GraphUnderTest net;
  ValueId y = net.op("Clip", {conv(net, net.input({1, 3, 5, 5})), net.constant(Tensor::scalar(-0.5f)),
                              net.constant(Tensor::scalar(0.75f))});
  y = net.op("Clip", {conv(net, y)}, {{"max", 6.0f}, {"min", 0.0f}}, 6);
  y = net.op("Clip", {conv(net, y), ValueId(), net.constant(Tensor::scalar(0.5f))});
  net.output(y);
  EXPECT_EQ(typesOf(net.rewritten()), "FusedConv FusedConv FusedConv");
}

TEST(FuseConvActivation, AClipWithComputedBoundsStays) {
  GraphUnderTest net;
  const ValueId bound = net.input({}, "bound");
  net.output(net.op("Clip", {conv(net, net.input({1, 3, 5, 5})), bound}));
  EXPECT_EQ(typesOf(net.rewritten()), "Conv Clip");
}

TEST(FuseConvActivation, HardSwishWrittenAsAProduct) {
  for (bool gateFirst : {true, false}) {
    GraphUnderTest net;
    const ValueId y = conv(net, net.input({1, 3, 5, 5}));
    const ValueId gate = net.op("HardSigmoid", {y}, {{"alpha", 1.0f / 6}, {"beta", 0.5f}});
    net.output(gateFirst ? net.op("Mul", {gate, y}) : net.op("Mul", {y, gate}));
    const Graph after = net.rewritten();
    EXPECT_EQ(onlyNode(after).attributes.getString("activation", ""), "HardSwish");
    EXPECT_EQ(onlyNode(after).origins.size(), 3u);
  }
}

TEST(FuseSwish, AProductWithItsOwnSigmoidIsOneNode) {
  for (bool gateFirst : {true, false}) {
    GraphUnderTest net;
    const ValueId x = net.op("Add", {net.input({2, 3}), net.weights({3})});
    const ValueId gate = net.op("Sigmoid", {x});
    net.output(gateFirst ? net.op("Mul", {gate, x}) : net.op("Mul", {x, gate}));
    const Graph after = net.rewritten();
    EXPECT_EQ(typesOf(after), "Add Swish");
    EXPECT_EQ(after.node(topologicalOrder(after).back()).origins.size(), 2u);
  }
}

TEST(FuseSwish, AScaledArgumentIsItsAlphaAndAConvolutionTakesItIn) {
  for (float factor : {1.0f, 1.702f}) {
    GraphUnderTest net;
    const ValueId y = conv(net, net.input({1, 3, 5, 5}));
    const ValueId scaled = factor == 1.0f ? y : net.op("Mul", {net.constant(Tensor::scalar(factor)), y});
    net.output(net.op("Mul", {y, net.op("Sigmoid", {scaled})}));
    const Graph after = net.rewritten();
    EXPECT_EQ(onlyNode(after).attributes.getString("activation", ""), "Swish");
    EXPECT_EQ(onlyNode(after).attributes.getFloat("activation_alpha", 0), factor);
    EXPECT_EQ(onlyNode(after).origins.size(), factor == 1.0f ? 3u : 4u);
  }
}

TEST(FuseSwish, AGateThatOthersReadOrThatGatesSomethingElseStays) {
  GraphUnderTest shared;
  const ValueId x = shared.input({2, 3});
  const ValueId gate = shared.op("Sigmoid", {x});
  shared.output(shared.op("Mul", {x, gate}));
  shared.output(gate);
  EXPECT_EQ(typesOf(shared.rewritten()), "Sigmoid Mul");
  GraphUnderTest other;
  const ValueId a = other.input({2, 3}, "a"), b = other.input({2, 3}, "b");
  other.output(other.op("Mul", {a, other.op("Sigmoid", {b})}));
  const ValueId wide = other.op("Mul", {b, other.weights({4, 2, 1})});
  other.output(other.op("Mul", {b, other.op("Sigmoid", {wide})}));
  EXPECT_EQ(topologicalOrder(other.rewritten()).size(), 5u);
}

namespace {

ValueId shuffle(GraphUnderTest& net, ValueId x, Ints split, Ints perm, Ints join) {
  const ValueId parts = net.op("Reshape", {x, net.ints(std::move(split))});
  return net.op("Reshape", {net.op("Transpose", {parts}, {{"perm", std::move(perm)}}), net.ints(std::move(join))});
}

} // namespace

TEST(FuseShuffle, AChannelShuffleBecomesAGatherOfChannels) {
  GraphUnderTest net;
  const ValueId x = net.input({2, 12, 5, 4});
  net.output(shuffle(net, x, {2, 3, 4, 5, 4}, {0, 2, 1, 3, 4}, {2, 12, 5, 4}));
  const Graph after = net.rewritten({}, {}, 0);
  EXPECT_EQ(typesOf(after), "Gather");
  EXPECT_EQ(onlyNode(after).origins.size(), 3u);
}

TEST(FuseShuffle, OtherRearrangementsStay) {
  GraphUnderTest net;
  const ValueId a = net.input({2, 12, 5, 4}, "a"), b = net.input({2, 12, 5, 4}, "b"), c = net.input({2, 12, 5, 4}, "c");
  net.output(shuffle(net, a, {2, 3, 4, 5, 4}, {0, 2, 1, 4, 3}, {2, 12, 5, 4}));
  net.output(shuffle(net, b, {2, 12, 5, 2, 2}, {0, 2, 1, 3, 4}, {2, 12, 5, 4}));
  net.output(shuffle(net, c, {2, 3, 4, 5, 4}, {0, 2, 1, 3, 4}, {2, 6, 10, 4}));
  EXPECT_EQ(topologicalOrder(net.rewritten({}, {}, 0)).size(), 9u);
}

TEST(FuseConvActivation, HardSwishWrittenWithClip) {
  for (int form = 0; form < 4; ++form) {
    GraphUnderTest net;
    const auto number = [&](float value) { return net.constant(Tensor::scalar(value)); };
    const ValueId y = conv(net, net.input({1, 3, 5, 5}));
    ValueId gate = net.op("Clip", {net.op("Add", {y, number(3)}), number(0), number(6)});
    if (form == 0) gate = net.op("Div", {gate, number(6)});
    if (form == 1) gate = net.op("Mul", {number(1.0f / 6), gate});
    ValueId result = net.op("Mul", {y, gate});
    if (form == 2) result = net.op("Div", {result, number(6)});
    if (form == 3) result = net.op("Mul", {result, number(1.0f / 6)});
    net.output(result);
    const Graph after = net.rewritten();
    EXPECT_EQ(onlyNode(after).attributes.getString("activation", ""), "HardSwish") << form;
    EXPECT_EQ(onlyNode(after).origins.size(), 5u);
  }
}

TEST(FuseConvActivation, AlmostHardSwishStays) {
  const auto types = [](float shift, float high, float divisor, bool divide) {
    GraphUnderTest net;
    const auto number = [&](float value) { return net.constant(Tensor::scalar(value)); };
    const ValueId y = conv(net, net.input({1, 3, 5, 5}));
    const ValueId gate = net.op("Clip", {net.op("Add", {y, number(shift)}), number(0), number(high)});
    const ValueId product = net.op("Mul", {y, gate});
    net.output(divide ? net.op("Div", {product, number(divisor)}) : product);
    return typesOf(net.rewritten());
  };
  EXPECT_EQ(types(3, 6, 6, true), "FusedConv");
  EXPECT_EQ(types(2, 6, 6, true), "Conv Add Clip Mul Div");
  EXPECT_EQ(types(3, 5, 6, true), "Conv Add Clip Mul Div");
  EXPECT_EQ(types(3, 6, 5, true), "Conv Add Clip Mul Div");
  EXPECT_EQ(types(3, 6, 6, false), "Conv Add Clip Mul");
}

TEST(FuseConvActivation, OtherGatesStay) {
  GraphUnderTest net;
  const ValueId y = conv(net, net.input({1, 3, 5, 5}));
  net.output(net.op("Mul", {y, net.op("HardSigmoid", {y})}));
  EXPECT_EQ(typesOf(net.rewritten()), "Conv HardSigmoid Mul");
}

TEST(FuseConvActivation, AnIntermediateThatIsReadElsewhereStays) {
  GraphUnderTest net;
  const ValueId y = conv(net, net.input({1, 3, 5, 5}));
  net.output(net.op("Relu", {y}));
  net.output(net.op("Tanh", {y}));
  EXPECT_EQ(typesOf(net.rewritten()), "Conv Relu Tanh");
}

TEST(FuseConvActivation, OnlyOneActivationFitsIntoAConvolution) {
  GraphUnderTest net;
  net.output(net.op("Tanh", {net.op("Relu", {conv(net, net.input({1, 3, 5, 5}))})}));
  EXPECT_EQ(typesOf(net.rewritten()), "FusedConv Tanh");
}

TEST(FuseConvResidual, ASumAndItsActivationFollow) {
  GraphUnderTest net;
  const ValueId x = net.input({1, 3, 5, 5});
  net.output(net.op("Relu", {net.op("Add", {x, conv(net, x)})}));
  const Graph after = net.rewritten();
  EXPECT_EQ(onlyNode(after).type, "FusedConv");
  EXPECT_EQ(onlyNode(after).inputs.size(), 4u);
  EXPECT_EQ(onlyNode(after).origins.size(), 3u);
}

TEST(FuseConvResidual, OneOfTwoConvolutionsTakesTheSum) {
  GraphUnderTest net;
  const ValueId x = net.input({1, 3, 5, 5});
  net.output(net.op("Relu", {net.op("Sum", {conv(net, x), conv(net, x)})}));
  EXPECT_EQ(typesOf(net.rewritten()), "Conv FusedConv");
}

TEST(FuseConvResidual, SumsThatBroadcastStay) {
  GraphUnderTest net;
  const ValueId x = net.input({1, 3, 5, 5});
  const ValueId row = net.input({1, 1, 5}, "row");
  net.output(net.op("Add", {conv(net, x), row}));
  EXPECT_EQ(typesOf(net.rewritten()), "Conv Add");
}

TEST(FuseConvResidual, TwiceTheSameConvolutionStays) {
  GraphUnderTest net;
  const ValueId y = conv(net, net.input({1, 3, 5, 5}));
  net.output(net.op("Add", {y, y}));
  EXPECT_EQ(typesOf(net.rewritten()), "Conv Add");
}

TEST(FuseConvResidual, ChainsOfResidualBlocksKeepTheirOrder) {
  GraphUnderTest net;
  ValueId x = net.input({1, 3, 6, 6});
  for (int i = 0; i < 4; ++i) {
    const ValueId inner = net.op("Relu", {conv(net, x)});
    x = net.op("Relu", {net.op("Add", {conv(net, inner), x})});
  }
  net.output(x);
  EXPECT_EQ(net.rewritten({}, {}, 1e-4).nodes().size(), 8u);
}

TEST(FuseGemm, AProductWithItsBiasBecomesAGemm) {
  for (bool biasFirst : {true, false}) {
    GraphUnderTest net;
    const ValueId y = net.op("MatMul", {net.input({3, 7}), net.weights({7, 5})});
    const ValueId bias = net.weights({5});
    net.output(biasFirst ? net.op("Add", {bias, y}) : net.op("Add", {y, bias}));
    EXPECT_EQ(onlyNode(net.rewritten()).type, "Gemm");
  }
}

TEST(FuseGemm, LeadingAxesAreMoreRows) {
  for (bool biasFirst : {true, false}) {
    for (const Shape& shape : {Shape{5}, Shape{1, 5}, Shape{1, 1, 5}}) {
      GraphUnderTest net;
      const ValueId y = net.op("MatMul", {net.input({2, 3, 7}), net.weights({7, 5})});
      const ValueId bias = net.weights(shape);
      net.output(net.op("Relu", {biasFirst ? net.op("Add", {bias, y}) : net.op("Add", {y, bias})}));
      const Graph after = net.rewritten();
      EXPECT_EQ(onlyNode(after).type, "FusedGemm");
      EXPECT_EQ(onlyNode(after).attributes.getString("activation", ""), "Relu");
      EXPECT_EQ(onlyNode(after).origins.size(), 3u);
    }
  }
}

TEST(FuseGemm, StackedBiasesAndGrowingBiasesStay) {
  GraphUnderTest net;
  const ValueId stacked = net.op("MatMul", {net.input({2, 3, 7}, "a"), net.weights({7, 5})});
  net.output(net.op("Add", {stacked, net.weights({3, 5})}));
  const ValueId many = net.op("MatMul", {net.input({2, 3, 7}, "c"), net.weights({2, 7, 5})});
  net.output(net.op("Add", {many, net.weights({5})}));
  const ValueId row = net.op("MatMul", {net.input({1, 7}, "b"), net.weights({7, 5})});
  net.output(net.op("Add", {row, net.weights({4, 5})}));
  EXPECT_EQ(typesOf(net.rewritten()), "MatMul Add MatMul Add MatMul Add");
}

TEST(FuseGemmActivation, EveryActivationBecomesPartOfTheProduct) {
  for (const ActivationCase& each : activations()) {
    GraphUnderTest net;
    const ValueId y = net.op("Gemm", {net.input({3, 7}), net.weights({5, 7}), net.weights({5})},
                             {{"transB", std::int64_t{1}}, {"alpha", 0.7f}});
    net.output(net.op(each.type, {y}, each.attributes));
    const Graph after = net.rewritten();
    EXPECT_EQ(onlyNode(after).type, "FusedGemm");
    EXPECT_EQ(onlyNode(after).attributes.getString("activation", ""), each.type);
  }
}
