// SPDX-License-Identifier: GPL-3.0-or-later
// What tests/conformance/contrib_conformance.py cannot ask of ONNX Runtime: operators that it lacks on the CPU, shapes
// that are not known yet, and invalid nodes.
#include "tests/ops/one_node.hpp"

namespace tandem {
namespace {

using Ints = std::vector<std::int64_t>;

OneNode contrib(std::string type) { return OneNode(std::move(type), 1, "com.microsoft"); }

Shape inferred(const OneNode& node, std::size_t output = 0) {
  const auto values = node.infer();
  EXPECT_TRUE(values.ok()) << values.error().line();
  return values.ok() ? (*values)[output].desc.shape : Shape{};
}

TEST(FusedMatMulActivation, ActivatesTheScaledProduct) {
  const auto node = contrib("FusedMatMulActivation")
                        .input(floats({1, 2}, {1, 2}))
                        .input(floats({2, 2}, {1, -1, 1, -1}))
                        .set("alpha", 2.0f)
                        .set("activation", std::string("Relu"));
  expectFloats(node.run(), {1, 2}, {6, 0});
}

TEST(BiasSoftmax, RepeatsTheBiasOverInnerOrOuterAxes) {
  const float third = 1.0f / 3, two = 2.0f / 3, log2 = std::log(2.0f);
  const auto node = [&](std::int64_t inner) {
    return contrib("BiasSoftmax")
        .input(filled({2, 2, 2}, 0))
        .input(floats({2, 2}, {0, log2, log2, 0}))
        .set("axis", std::int64_t{2})
        .set("is_inner_broadcast", inner);
  };
  expectFloats(node(0).run(), {2, 2, 2}, {third, two, two, third, third, two, two, third});
  expectFloats(node(1).run(), {2, 2, 2}, {third, two, third, two, two, third, two, third});
}

TEST(MulInteger, MultipliesDifferencesToTheZeroPoints) {
  const auto results = contrib("MulInteger")
                           .input(Tensor::of<std::uint8_t>({2}, {0, 255}))
                           .input(Tensor::scalar<std::uint8_t>(128))
                           .input(Tensor::of<std::uint8_t>({1}, {255}))
                           .run();
  ASSERT_TRUE(results.ok()) << results.error().line();
  EXPECT_THAT(results->front().as<std::int32_t>(), testing::ElementsAre(-128 * 255, 127 * 255));
}

TEST(BiasAdd, AddsBiasAndResidual) {
  const auto node = contrib("BiasAdd").input(floats({1, 2, 2}, {1, 2, 3, 4})).input(floats({2}, {10, 20}));
  expectFloats(OneNode(node).input(floats({1, 2, 2}, {100, 200, 300, 400})).run(), {1, 2, 2}, {111, 222, 313, 424});
  expectError(OneNode(node).input(floats({2}, {1, 2})).run(), "do not go with");
}

TEST(BiasSplitGelu, MultipliesTheLeftHalfByGeluOfTheRight) {
  const auto node = contrib("BiasSplitGelu").input(floats({1, 1, 4}, {2, 3, 0, 100})).input(floats({4}, {1, 1, 0, 0}));
  expectFloats(node.run(), {1, 1, 2}, {0, 400});
  expectError(contrib("BiasSplitGelu").input(DataType::Float32, {1, 1, 3}).input(DataType::Float32, {3}).infer(),
              "halves");
}

TEST(NhwcConv, KeepsTheChannelsLast) {
  const auto node = contrib("NhwcConv").input(floats({1, 1, 2, 2}, {1, 10, 2, 20})).input(filled({1, 2, 1, 1}, 1));
  expectFloats(node.run(), {1, 1, 2, 1}, {11, 22});
}

TEST(NhwcMaxPool, KeepsTheChannelsLast) {
  const auto node = contrib("NhwcMaxPool").input(floats({1, 1, 2, 2}, {1, 20, 2, 10})).set("kernel_shape", Ints{1, 2});
  expectFloats(node.run(), {1, 1, 1, 2}, {2, 20});
}

TEST(ContribAttention, InfersWhatItCanFromUnknownLengths) {
  const auto node = contrib("Attention")
                        .input(DataType::Float32, {2, kUnknownDim, 8})
                        .input(DataType::Float32, {8, 24})
                        .outputs(2)
                        .set("num_heads", std::int64_t{2});
  EXPECT_EQ(inferred(node), (Shape{2, kUnknownDim, 8}));
  EXPECT_EQ(inferred(node, 1).rank(), 5u);
}

OneNode attention() {
  return contrib("Attention").input(counting({1, 2, 4})).input(counting({4, 12})).set("num_heads", std::int64_t{2});
}

TEST(ContribAttention, RefusesWhatOnlyGpuKernelsDo) {
  expectError(attention().set("do_rotary", std::int64_t{1}).run(), "do_rotary");
  expectError(attention().left().input(Tensor::of<std::int32_t>({5}, {0, 0, 0, 0, 0})).run(), "one kind of GPU");
}

TEST(ContribAttention, RefusesSizesThatDoNotFit) {
  expectError(attention().set("num_heads", std::int64_t{3}).run(), "num_heads");
  expectError(attention().set("num_heads", std::int64_t{0}).run(), "num_heads");
  expectError(attention().set("qkv_hidden_sizes", Ints{4, 4, 5}).run(), "qkv_hidden_sizes");
  expectError(attention().input(floats({3}, {1, 2, 3})).run(), "12 numbers");
}

OneNode groupQuery(std::int32_t length, std::int32_t total) {
  return contrib("GroupQueryAttention")
      .input(counting({1, 1, 4}))
      .input(counting({1, 1, 2}))
      .input(counting({1, 1, 2}))
      .input(counting({1, 1, 2, 2}))
      .input(counting({1, 1, 2, 2}))
      .input(Tensor::of<std::int32_t>({1}, {length}))
      .constant(Tensor::scalar<std::int32_t>(total))
      .outputs(3)
      .set("num_heads", std::int64_t{2})
      .set("kv_num_heads", std::int64_t{1});
}

TEST(GroupQueryAttention, KnowsThePresentStateFromAConstantTotal) {
  EXPECT_EQ(inferred(groupQuery(2, 3), 1), (Shape{1, 1, 3, 2}));
  EXPECT_TRUE(groupQuery(2, 3).run().ok());
}

TEST(GroupQueryAttention, DistrustsItsLengths) {
  expectError(groupQuery(7, 3).run(), "seqlens_k");
  expectError(groupQuery(-1, 3).run(), "seqlens_k");
  expectError(groupQuery(2, 1 << 30).run(), "total_sequence_length");
}

TEST(RotaryEmbedding, RefusesPositionsOutsideTheCaches) {
  const auto node = contrib("RotaryEmbedding")
                        .input(counting({1, 2, 4}))
                        .input(Tensor::of<std::int64_t>({1, 2}, {0, 3}))
                        .input(counting({3, 2}))
                        .input(counting({3, 2}));
  expectError(node.run(), "position 3 is outside");
}

TEST(EmbedLayerNormalization, RefusesIdsOutsideTheTables) {
  const auto node = contrib("EmbedLayerNormalization")
                        .input(Tensor::of<std::int32_t>({1, 1}, {5}))
                        .left()
                        .input(counting({4, 2}))
                        .input(counting({4, 2}))
                        .left()
                        .input(filled({2}, 1))
                        .input(filled({2}, 0))
                        .outputs(2);
  expectError(node.run(), "id 5 is outside a table of 4");
}

TEST(SkipLayerNormalization, RefusesASkipThatWouldRepeatOverAnInnerAxis) {
  const auto node =
      contrib("SkipLayerNormalization").input(counting({2, 2, 2})).input(counting({2, 1, 2})).input(filled({2}, 1));
  expectError(node.run(), "a skip");
}

TEST(MatMulNBits, ChecksTheSizesOfWhatIsPacked) {
  const auto node = [](std::int64_t block, std::int64_t bits) {
    return contrib("MatMulNBits")
        .input(counting({1, 16}))
        .input(Tensor::zeros({DataType::UInt8, {2, 1, 8}}))
        .input(filled({2, 1}, 1))
        .set("K", std::int64_t{16})
        .set("N", std::int64_t{2})
        .set("block_size", block)
        .set("bits", bits);
  };
  expectFloats(node(16, 4).run(), {1, 2}, {-8 * 120, -8 * 120});
  expectError(node(16, 8).run(), "do not go with K");
  expectError(node(16, 3).run(), "bits is 3");
  expectError(node(24, 4).run(), "power of two");
}

TEST(Inverse, RefusesASingularMatrix) { expectError(contrib("Inverse").input(filled({2, 2}, 1)).run(), "singular"); }

TEST(QLinearConcat, RefusesInputsThatDoNotComeInThrees) {
  const auto node = contrib("QLinearConcat")
                        .input(Tensor::scalar<float>(1))
                        .input(Tensor::scalar<std::uint8_t>(0))
                        .input(Tensor::of<std::uint8_t>({1}, {1}))
                        .input(Tensor::scalar<float>(1))
                        .input(Tensor::scalar<std::uint8_t>(0))
                        .input(Tensor::of<std::uint8_t>({1}, {1}))
                        .set("axis", std::int64_t{0});
  expectError(node.run(), "tensor, scale and zero point");
}

TEST(DynamicQuantizeLSTM, RefusesScalesThatDoNotFit) {
  auto node = contrib("DynamicQuantizeLSTM")
                  .input(counting({1, 1, 2}))
                  .input(Tensor::zeros({DataType::Int8, {1, 2, 4}}))
                  .input(Tensor::zeros({DataType::Int8, {1, 1, 4}}))
                  .set("hidden_size", std::int64_t{1})
                  .outputs(3);
  expectError(OneNode(node).run(), "no scale");
  for (int i = 0; i < 5; ++i) node.left();
  node.input(filled({3}, 1)).input(Tensor::zeros({DataType::Int8, {1}}));
  expectError(node.input(filled({1}, 1)).input(Tensor::zeros({DataType::Int8, {1}})).run(), "do not go with weights");
}

} // namespace
} // namespace tandem
