// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/passes/graph_under_test.hpp"

#include <gmock/gmock.h>

namespace tandem {
namespace {

using test::GraphUnderTest;
using ::testing::ElementsAre;
using Ints = std::vector<std::int64_t>;

/// Half a quantization step of the results here, and what rounding in another order may add.
constexpr double kOneStep = 0.06;

struct Quantized {
  GraphUnderTest net;

  ValueId zero(DataType type, int value, std::int64_t count = 0) {
    Tensor tensor = Tensor::uninitialized({type, count == 0 ? Shape{} : Shape{count}});
    for (std::size_t i = 0; i < tensor.bytes(); ++i)
      static_cast<std::uint8_t*>(tensor.mutableData())[i] = static_cast<std::uint8_t>(value);
    return net.constant(tensor);
  }
  ValueId scale(float value) { return net.constant(Tensor::scalar<float>(value)); }
  ValueId quantize(ValueId x, float by, int zeroAt) {
    return net.op("QuantizeLinear", {x, scale(by), zero(DataType::UInt8, zeroAt)});
  }
  ValueId dequantize(ValueId x, float by, int zeroAt) {
    return net.op("DequantizeLinear", {x, scale(by), zero(DataType::UInt8, zeroAt)});
  }
  /// There and back again.
  ValueId through(ValueId x, float by, int zeroAt) { return dequantize(quantize(x, by, zeroAt), by, zeroAt); }
  ValueId weights(Shape shape, bool perChannel, std::int64_t axis = 0, int zeroAt = 0) {
    Tensor bytes = Tensor::uninitialized({DataType::Int8, shape});
    for (std::size_t i = 0; i < bytes.bytes(); ++i)
      bytes.mutableAs<std::int8_t>()[i] = static_cast<std::int8_t>(static_cast<int>(i * 37 % 255) - 127);
    const std::int64_t count = perChannel ? shape[static_cast<std::size_t>(axis)] : 0;
    Tensor scales = Tensor::uninitialized({DataType::Float32, count == 0 ? Shape{} : Shape{count}});
    for (std::size_t i = 0; i < scales.as<float>().size(); ++i)
      scales.mutableAs<float>()[i] = 0.001f + 0.0001f * static_cast<float>(i);
    return net.op("DequantizeLinear", {net.constant(bytes), net.constant(scales), zero(DataType::Int8, zeroAt, count)},
                  {{"axis", axis}});
  }
  Graph rewritten() {
    PassContext context;
    context.mayUseBytes = [](const Node&) { return true; };
    return net.rewritten({}, context, kOneStep);
  }
  int folded() const { return net.changesOf("fold_quantization"); }
};

std::vector<std::string> typesOf(const Graph& graph) {
  std::vector<std::string> types;
  for (const Node& node : graph.nodes()) types.push_back(node.type);
  return types;
}

TEST(FoldQuantization, AConvolutionWithItsBiasAndReluComputesOnBytes) {
  for (bool perChannel : {false, true}) {
    Quantized q;
    const ValueId x = q.through(q.net.input({1, 4, 6, 6}), 0.03f, 110);
    const ValueId conv =
        q.net.op("Conv", {x, q.weights({5, 4, 3, 3}, perChannel), q.net.weights({5})}, {{"pads", Ints{1, 1, 1, 1}}});
    // A zero point of 0: saturation does what Relu does.
    q.net.output(q.through(q.net.op("Relu", {conv}), 0.05f, 0));
    const Graph graph = q.rewritten();
    EXPECT_THAT(typesOf(graph), ElementsAre("QuantizeLinear", "QLinearConv", "DequantizeLinear"));
    EXPECT_EQ(graph.nodes()[1].inputs.size(), 9u);
  }
}

TEST(FoldQuantization, AnActivationThatSaturationDoesNotCoverStays) {
  Quantized q;
  const ValueId x = q.through(q.net.input({1, 4, 6, 6}), 0.03f, 110);
  const ValueId conv = q.net.op("Conv", {x, q.weights({5, 4, 1, 1}, false)});
  q.net.output(q.through(q.net.op("Relu", {conv}), 0.05f, 20));
  q.rewritten();
  EXPECT_EQ(q.folded(), 0);
}

TEST(FoldQuantization, ProductsSumsJoinsAveragesAndMovesComputeOnBytes) {
  Quantized q;
  const ValueId x = q.through(q.net.input({2, 4, 6, 6}), 0.03f, 110);
  const ValueId pooled = q.through(q.net.op("MaxPool", {x}, {{"kernel_shape", Ints{2, 2}}}), 0.03f, 110);
  const ValueId sum = q.through(q.net.op("Add", {pooled, pooled}), 0.05f, 120);
  const ValueId joined = q.through(q.net.op("Concat", {sum, pooled}, {{"axis", std::int64_t{1}}}), 0.05f, 120);
  const ValueId mean = q.through(q.net.op("GlobalAveragePool", {joined}), 0.02f, 128);
  const ValueId flat = q.through(q.net.op("Flatten", {mean}), 0.02f, 128);
  q.net.output(q.through(q.net.op("MatMul", {flat, q.weights({8, 3}, true, 1, 4)}), 0.02f, 100));
  const Graph graph = q.rewritten();
  EXPECT_THAT(typesOf(graph), ElementsAre("QuantizeLinear", "MaxPool", "QLinearAdd", "QLinearConcat",
                                          "QLinearGlobalAveragePool", "Flatten", "QLinearMatMul", "DequantizeLinear"));
  EXPECT_EQ(q.folded(), 6);
}

TEST(FoldQuantization, LeavesAloneWhatOthersReadAndWhatDoesNotFit) {
  Quantized q;
  const ValueId x = q.through(q.net.input({1, 4, 6, 6}), 0.03f, 110);
  const ValueId seen = q.net.op("Conv", {x, q.weights({5, 4, 1, 1}, false)});
  q.net.output(q.through(seen, 0.05f, 100));
  q.net.output(seen); // as floats
  const ValueId lopsided = q.net.op("Conv", {x, q.weights({5, 4, 1, 1}, false, 0, 3)});
  q.net.output(q.through(lopsided, 0.05f, 100));
  const ValueId moved = q.net.op("Transpose", {x}, {{"perm", Ints{0, 2, 3, 1}}});
  q.net.output(q.through(moved, 0.04f, 110)); // another scale
  q.rewritten();
  EXPECT_EQ(q.folded(), 0);
}

TEST(FoldQuantization, DevicesWithoutFastBytesKeepTheirFloats) {
  Quantized q;
  const ValueId x = q.through(q.net.input({1, 4, 6, 6}), 0.03f, 110);
  q.net.output(q.through(q.net.op("Conv", {x, q.weights({5, 4, 1, 1}, false)}), 0.05f, 100));
  q.net.rewritten({}, {}, kOneStep);
  EXPECT_EQ(q.folded(), 0);
}

} // namespace
} // namespace tandem
