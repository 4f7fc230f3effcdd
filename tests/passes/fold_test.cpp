// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/passes/graph_under_test.hpp"

using namespace tandem;
using namespace tandem::test;

TEST(FoldConstants, ComputesWhatDoesNotDependOnInputs) {
  GraphUnderTest net;
  const ValueId x = net.input({3, 4});
  const ValueId c = net.op("Transpose", {net.op("Neg", {net.weights({4, 3})})});
  net.output(net.op("Add", {x, c}));
  EXPECT_EQ(typesOf(net.rewritten()), "Add");
  EXPECT_EQ(net.changesOf("fold_constants"), 2);
}

TEST(FoldConstants, UsesWhatShapeInferenceKnows) {
  GraphUnderTest net;
  const ValueId x = net.input({2, 3, 4});
  const ValueId shape = net.op("Shape", {net.op("Relu", {x})});
  const ValueId batch = net.op("Gather", {shape, net.ints({0})});
  const ValueId target = net.op("Concat", {batch, net.ints({-1})}, {{"axis", std::int64_t{0}}});
  net.output(net.op("Reshape", {x, target}));
  const Graph after = net.rewritten();
  EXPECT_EQ(onlyNode(after).type, "Reshape");
  EXPECT_TRUE(after.value(onlyNode(after).inputs[1]).isConstant());
}

TEST(FoldConstants, DoesNotBlowUpMemory) {
  GraphUnderTest net;
  const ValueId x = net.input({1024, 1024});
  net.output(net.op("Add", {x, net.op("Expand", {net.weights({1, 1}), net.ints({1024, 1024})})}));
  EXPECT_EQ(typesOf(net.rewritten()), "Expand Add");
}

TEST(FoldConstants, AChainThatGrowsStepByStepEndsAtTheLimit) {
  GraphUnderTest net;
  const ValueId x = net.input({1});
  ValueId c = net.weights({1 << 16});
  for (int i = 0; i < 8; ++i) c = net.op("Tile", {c, net.ints({4})}); // 4 GiB at the end
  net.output(net.op("Add", {x, net.op("ReduceMax", {c})}));
  auto known = inferShapes(net.graph);
  ASSERT_TRUE(known.ok());
  PassContext context;
  context.known = &*known;
  ASSERT_TRUE(runPasses(net.graph, context).ok());
  std::int64_t bytes = 0;
  for (const Value& value : net.graph.values())
    if (value.isConstant()) bytes += value.desc.bytes();
  EXPECT_LT(bytes, std::int64_t{128} << 20);
  EXPECT_GT(net.graph.nodes().size(), 4u);
}

TEST(FoldConstants, LeavesCostlyProductsToFastKernels) {
  GraphUnderTest net;
  const ValueId x = net.input({1, 4});
  const ValueId product = net.op("MatMul", {net.weights({1024, 256}), net.weights({256, 256})}); // 134 MFLOP
  net.output(net.op("Add", {x, net.op("ReduceMax", {product})}));
  EXPECT_EQ(typesOf(net.rewritten()), "MatMul ReduceMax Add");
  PassContext context;
  int asked = 0;
  context.compute = [&](const Graph& graph, NodeId id, std::span<const Tensor> inputs) {
    ++asked;
    EXPECT_EQ(graph.node(id).type, "MatMul");
    return evaluate(graph.node(id), inputs);
  };
  EXPECT_EQ(typesOf(net.rewritten({}, context)), "Add");
  EXPECT_EQ(asked, 1);
  context.compute = [](const Graph&, NodeId, std::span<const Tensor>) -> Result<std::vector<Tensor>> {
    return makeError(ErrorCode::Unsupported, "no kernel");
  };
  EXPECT_EQ(typesOf(net.rewritten({}, context)), "MatMul ReduceMax Add");
}

TEST(FoldConstants, AGraphOutputMayBecomeAConstant) {
  GraphUnderTest net;
  net.output(net.op("Relu", {net.input({2})}));
  net.output(net.op("Neg", {net.weights({3})}));
  EXPECT_EQ(typesOf(net.rewritten()), "Relu");
}

TEST(FoldConstants, ABoundInputThatSteersAShapeBecomesAConstant) {
  GraphUnderTest net;
  const ValueId x = net.input({2, 6});
  const ValueId target = net.graph.addInput("target", {DataType::Int64, Shape{2}});
  net.output(net.op("Reshape", {x, target}));
  InferOptions options;
  options.inputValues["target"] = Tensor::of<std::int64_t>(Shape{2}, {3, 4});
  auto known = inferShapes(net.graph, options);
  ASSERT_TRUE(known.ok());
  PassContext context;
  context.known = &*known;
  ASSERT_TRUE(runPasses(net.graph, context).ok());
  EXPECT_TRUE(net.graph.value(onlyNode(net.graph).inputs[1]).isConstant());
  EXPECT_EQ(net.graph.inputs().size(), 2u);
}

namespace {

std::vector<ValueId> withNormalization(GraphUnderTest& net, ValueId x, std::int64_t channels) {
  return {x, net.weights({channels}), net.weights({channels}), net.weights({channels}),
          net.weights({channels}, 0.2f, 2)};
}

} // namespace

TEST(FoldBatchNorm, IntoAConvolutionWithAndWithoutBias) {
  for (bool bias : {false, true}) {
    GraphUnderTest net;
    std::vector<ValueId> inputs{net.input({2, 4, 5, 5}), net.weights({6, 2, 3, 3})};
    if (bias) inputs.push_back(net.weights({6}));
    const ValueId y = net.op("Conv", inputs, {{"group", std::int64_t{2}}});
    net.output(net.op("BatchNormalization", withNormalization(net, y, 6), {{"epsilon", 0.01f}}));
    const Graph after = net.rewritten();
    EXPECT_EQ(onlyNode(after).type, "Conv");
    EXPECT_EQ(onlyNode(after).origins.size(), 2u);
  }
}

TEST(FoldBatchNorm, IntoAGroupedTransposedConvolution) {
  GraphUnderTest net;
  const ValueId y = net.op("ConvTranspose", {net.input({1, 4, 5, 5}), net.weights({4, 3, 2, 2}), net.weights({6})},
                           {{"group", std::int64_t{2}}, {"strides", Ints{2, 2}}});
  net.output(net.op("BatchNormalization", withNormalization(net, y, 6)));
  EXPECT_EQ(onlyNode(net.rewritten()).type, "ConvTranspose");
}

TEST(FoldBatchNorm, IntoAMatrixProductWhicheverWayItsWeightsLie) {
  for (std::int64_t transposed : {0, 1}) {
    GraphUnderTest net;
    const ValueId w = transposed ? net.weights({5, 7}) : net.weights({7, 5});
    const ValueId y = net.op("Gemm", {net.input({3, 7}), w, net.weights({1, 5})},
                             {{"transB", transposed}, {"alpha", 0.5f}, {"beta", 2.0f}});
    net.output(net.op("BatchNormalization", withNormalization(net, y, 5)));
    EXPECT_EQ(onlyNode(net.rewritten()).type, "Gemm");
  }
}

TEST(FoldBatchNorm, ScalesAndShiftsPerChannelFoldToo) {
  GraphUnderTest net;
  ValueId y = net.op("Conv", {net.input({1, 3, 4, 4}), net.weights({5, 3, 1, 1})});
  y = net.op("Mul", {net.weights({5, 1, 1}), y});
  y = net.op("Add", {y, net.weights({1, 5, 1, 1})});
  y = net.op("Div", {y, net.constant(Tensor::scalar(3.0f))});
  y = net.op("Sub", {net.weights({1}), y});
  y = net.op("Sub", {y, net.weights({5, 1, 1})});
  net.output(y);
  EXPECT_EQ(onlyNode(net.rewritten()).type, "Conv");
}

TEST(FoldBatchNorm, OneThatStandsAloneTakesInWhatFollows) {
  GraphUnderTest net;
  const ValueId x = net.input({2, 6, 5, 4});
  const ValueId y = net.op("BatchNormalization", withNormalization(net, x, 6));
  const ValueId scaled = net.op("Add", {net.op("Mul", {y, net.weights({6, 1, 1})}), net.weights({6, 1, 1})});
  net.output(net.op("Relu", {scaled}));
  EXPECT_EQ(typesOf(net.rewritten()), "FusedConv");
  EXPECT_EQ(net.changesOf("fold_batch_norm"), 3);
}

TEST(FoldBatchNorm, OneThatStandsAloneWithoutAnythingToTakeInStays) {
  GraphUnderTest net;
  const ValueId x = net.input({2, 6, 5});
  net.output(net.op("MaxPool", {net.op("BatchNormalization", withNormalization(net, x, 6))},
                    {{"kernel_shape", std::vector<std::int64_t>{2}}}));
  EXPECT_EQ(typesOf(net.rewritten()), "BatchNormalization MaxPool");
}

TEST(FoldBatchNorm, ConstantsAlongOtherAxesStay) {
  GraphUnderTest net;
  const ValueId y = net.op("Conv", {net.input({1, 3, 4, 4}), net.weights({4, 3, 1, 1})});
  net.output(net.op("Mul", {y, net.weights({4})})); // along the width
  EXPECT_EQ(typesOf(net.rewritten()), "Conv Mul");
}

TEST(FoldBatchNorm, AnIntermediateThatOthersReadStays) {
  GraphUnderTest net;
  const ValueId y = net.op("Conv", {net.input({1, 3, 4, 4}), net.weights({4, 3, 1, 1})});
  net.output(net.op("BatchNormalization", withNormalization(net, y, 4)));
  net.output(y);
  EXPECT_EQ(typesOf(net.rewritten()), "Conv BatchNormalization");
}

TEST(FoldBatchNorm, AVarianceOfZeroWithoutEpsilonStays) {
  GraphUnderTest net;
  const ValueId y = net.op("Conv", {net.input({1, 3, 4, 4}), net.weights({4, 3, 1, 1})});
  net.output(net.op("BatchNormalization",
                    {y, net.weights({4}), net.weights({4}), net.weights({4}),
                     net.constant(Tensor::zeros({DataType::Float32, Shape{4}}))},
                    {{"epsilon", 1e-3f}}));
  EXPECT_EQ(onlyNode(net.rewritten()).type, "Conv"); // epsilon saves it

  GraphUnderTest infinite;
  const ValueId z = infinite.op("Conv", {infinite.input({1, 3, 4, 4}), infinite.weights({4, 3, 1, 1})});
  const ValueId zero = infinite.constant(Tensor::zeros({DataType::Float32, Shape{4}}));
  infinite.output(infinite.op("BatchNormalization", {z, infinite.weights({4}), zero, zero, zero}, {{"epsilon", 0.0f}}));
  ASSERT_TRUE(inferShapes(infinite.graph).ok());
  ASSERT_TRUE(runPasses(infinite.graph, {}).ok());
  EXPECT_EQ(typesOf(infinite.graph), "Conv BatchNormalization");
}

TEST(FoldPad, IntoAConvolutionThatPadsAlready) {
  GraphUnderTest net;
  ValueId y = net.op("Pad", {net.input({1, 2, 5, 5}), net.ints({0, 0, 0, 1, 0, 0, 2, 1})});
  net.output(net.op("Conv", {y, net.weights({3, 2, 3, 3})}, {{"pads", Ints{1, 0, 0, 0}}}));
  const Graph after = net.rewritten();
  EXPECT_EQ(onlyNode(after).attributes.getInts("pads"), (Ints{1, 1, 2, 1}));
}

TEST(FoldPad, WithAxesAndValidPadding) {
  GraphUnderTest net;
  ValueId y =
      net.op("Pad", {net.input({1, 2, 5, 5}), net.ints({1, 2}), net.constant(Tensor::scalar(0.0f)), net.ints({-1})});
  net.output(net.op("Conv", {y, net.weights({3, 2, 3, 3})}, {{"auto_pad", std::string("VALID")}}));
  EXPECT_EQ(onlyNode(net.rewritten()).attributes.getInts("pads"), (Ints{0, 1, 0, 2}));
}

TEST(FoldPad, IntoAveragesThatCountThePadding) {
  GraphUnderTest net;
  ValueId y = net.op("Pad", {net.input({1, 2, 5, 5}), net.ints({0, 0, 1, 1, 0, 0, 1, 1})});
  net.output(net.op("AveragePool", {y}, {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}}));
  EXPECT_EQ(onlyNode(net.rewritten()).attributes.getInt("count_include_pad", 0), 1);
}

TEST(FoldPad, IntoMaximaOfWhatIsNeverNegative) {
  for (bool relu : {true, false}) {
    GraphUnderTest net;
    ValueId y = net.input({1, 2, 5, 5});
    y = net.op(relu ? "Relu" : "Tanh", {y});
    y = net.op("Pad", {y, net.ints({0, 0, 1, 1, 0, 0, 1, 1})});
    net.output(net.op("MaxPool", {y}, {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}}));
    EXPECT_EQ(typesOf(net.rewritten()), relu ? "Relu MaxPool" : "Tanh Pad MaxPool");
  }
}

TEST(FoldPad, OtherPaddingsStay) {
  auto types = [](std::vector<std::int64_t> pads, float value, const char* mode, const char* autoPad) {
    GraphUnderTest net;
    ValueId y = net.op("Pad", {net.input({1, 2, 5, 5}), net.ints(std::move(pads)), net.constant(Tensor::scalar(value))},
                       {{"mode", std::string(mode)}});
    net.output(net.op("Conv",
                      {y, net.weights({3, y.valid() ? net.graph.value(net.graph.inputs()[0]).desc.shape[1] : 2, 2, 2})},
                      {{"auto_pad", std::string(autoPad)}}));
    return typesOf(net.rewritten());
  };
  EXPECT_EQ(types({0, 0, 1, 1, 0, 0, 1, 1}, 1, "constant", "NOTSET"), "Pad Conv");
  EXPECT_EQ(types({0, 0, 1, 1, 0, 0, 1, 1}, 0, "reflect", "NOTSET"), "Pad Conv");
  EXPECT_EQ(types({0, 0, 1, 1, 0, 0, 1, 1}, 0, "constant", "SAME_UPPER"), "Pad Conv");
  EXPECT_EQ(types({0, 0, -1, 1, 0, 0, 1, 1}, 0, "constant", "NOTSET"), "Pad Conv");
  EXPECT_EQ(types({1, 0, 1, 1, 0, 0, 1, 1}, 0, "constant", "NOTSET"), "Pad Conv");
  EXPECT_EQ(types({0, 0, 1, 1, 0, 0, 1, 1}, 0, "constant", "NOTSET"), "Conv");
}
