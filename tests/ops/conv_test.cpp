// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/activation.hpp"
#include "engine/ops/conv_common.hpp"
#include "tests/ops/one_node.hpp"

#include <cmath>

namespace tandem {
namespace {

using Ints = std::vector<std::int64_t>;

TEST(Conv, SumsAWindowWithBias) {
  expectFloats(
      OneNode("Conv", 11).input(counting({1, 1, 3, 3})).input(filled({1, 1, 2, 2}, 1)).input(floats({1}, {0.5f})).run(),
      {1, 1, 2, 2}, {8.5f, 12.5f, 20.5f, 24.5f});
}

TEST(Conv, ReadsPaddingAsZeroAndSkipsWithStrides) {
  const auto node = OneNode("Conv", 11)
                        .input(counting({1, 1, 3, 3}))
                        .input(filled({1, 1, 3, 3}, 1))
                        .set("pads", Ints{1, 1, 1, 1})
                        .set("strides", Ints{2, 2});
  expectFloats(node.run(), {1, 1, 2, 2}, {8, 12, 20, 24});
}

TEST(Conv, SpreadsItsTapsWithDilations) {
  const auto node = OneNode("Conv", 11)
                        .input(counting({1, 1, 1, 5}))
                        .input(floats({1, 1, 1, 2}, {1, 10}))
                        .set("dilations", Ints{1, 3});
  expectFloats(node.run(), {1, 1, 1, 2}, {30, 41});
}

TEST(Conv, KeepsGroupsApart) {
  const auto node = OneNode("Conv", 11)
                        .input(counting({1, 4, 2}))
                        .input(floats({2, 2, 1}, {1, 10, 100, 1000}))
                        .set("group", std::int64_t{2});
  expectFloats(node.run(), {1, 2, 2}, {20, 31, 6400, 7500});
}

TEST(Conv, WorksOnVolumes) {
  expectFloats(OneNode("Conv", 11).input(counting({1, 1, 2, 2, 2})).input(filled({1, 1, 2, 2, 2}, 2)).run(),
               {1, 1, 1, 1, 1}, {56});
}

TEST(Conv, PadsAtTheEndForSameUpperAndAtTheBeginningForSameLower) {
  const auto node = [](const char* mode) {
    return OneNode("Conv", 11)
        .input(counting({1, 1, 3}, 1))
        .input(floats({1, 1, 2}, {1, 10}))
        .set("auto_pad", std::string(mode));
  };
  expectFloats(node("SAME_UPPER").run(), {1, 1, 3}, {21, 32, 3});
  expectFloats(node("SAME_LOWER").run(), {1, 1, 3}, {10, 21, 32});
  expectFloats(node("VALID").run(), {1, 1, 2}, {21, 32});
}

TEST(Conv, AgreesWithItselfOverSeveralColumnBlocks) {
  // More outputs than one block of columns: the sum over a kernel of ones is the moving sum of the input.
  const std::int64_t width = 200'000;
  const auto results = OneNode("Conv", 11).input(filled({1, 1, width}, 1)).input(filled({1, 1, 3}, 1)).run();
  ASSERT_TRUE(results.ok()) << results.error().line();
  for (float x : (*results)[0].as<float>()) ASSERT_EQ(x, 3);
}

TEST(Conv, ComputesInDoubleForDoubles) {
  const auto results = OneNode("Conv", 11)
                           .input(Tensor::of<double>(Shape{1, 2, 1}, {1e16, 1.0}))
                           .input(Tensor::of<double>(Shape{1, 2, 1}, {1.0, 2.0}))
                           .run();
  ASSERT_TRUE(results.ok()) << results.error().line();
  EXPECT_EQ((*results)[0].as<double>()[0], 1e16 + 2);
}

TEST(Conv, RefusesAKernelLargerThanThePaddedInput) {
  expectError(OneNode("Conv", 11).input(counting({1, 1, 2, 2})).input(filled({1, 1, 3, 3}, 1)).run(), "does not fit");
}

TEST(Conv, RefusesWrongChannelsGroupsStridesAndBias) {
  const auto node = [] { return OneNode("Conv", 11).input(counting({1, 3, 4, 4})); };
  expectError(node().input(filled({2, 2, 1, 1}, 1)).run(), "channels");
  expectError(node().input(filled({2, 1, 1, 1}, 1)).set("group", std::int64_t{3}).run(), "groups");
  expectError(node().input(filled({2, 3, 1, 1}, 1)).set("group", std::int64_t{0}).run(), "group");
  expectError(node().input(filled({2, 3, 1, 1}, 1)).set("strides", Ints{0, 1}).run(), "strides");
  expectError(node().input(filled({2, 3, 1, 1}, 1)).set("strides", Ints{1}).run(), "strides");
  expectError(node().input(filled({2, 3, 1, 1}, 1)).set("pads", Ints{-1, 0, 0, 0}).run(), "pads");
  expectError(node().input(filled({2, 3, 1, 1}, 1)).set("kernel_shape", Ints{2, 1}).run(), "kernel_shape");
  expectError(node().input(filled({2, 3, 1, 1}, 1)).input(filled({3}, 1)).run(), "bias");
  expectError(node().input(filled({2, 3, 1}, 1)).run(), "do not go with");
}

TEST(Conv, RefusesPadsThatMakeTheResultTooLargeToAddress) {
  const std::int64_t huge = std::int64_t{1} << 30;
  const auto node = OneNode("Conv", 11).input(counting({1, 1, 1, 1, 1})).input(filled({1, 1, 1, 1, 1}, 1));
  expectError(OneNode(node).set("pads", Ints{huge, huge, huge, huge, huge, huge}).run(), "too large");
  expectError(OneNode(node).set("pads", Ints{INT64_MAX, 0, 0, 0, 0, 0}).run(), "pads");
}

TEST(Conv, InfersWhatItCanFromPartlyKnownShapes) {
  auto inferred = OneNode("Conv", 11)
                      .input(DataType::Float32, {kUnknownDim, 3, kUnknownDim, 224})
                      .input(DataType::Float32, {64, 3, 7, 7})
                      .set("strides", Ints{2, 2})
                      .set("pads", Ints{3, 3, 3, 3})
                      .infer();
  ASSERT_TRUE(inferred.ok()) << inferred.error().line();
  EXPECT_EQ((*inferred)[0].desc.shape, (Shape{kUnknownDim, 64, kUnknownDim, 112}));
  inferred = OneNode("Conv", 11).unknownRank(DataType::Float32).input(DataType::Float32, {64, 3, 7, 7}).infer();
  ASSERT_TRUE(inferred.ok()) << inferred.error().line();
  EXPECT_FALSE((*inferred)[0].rankKnown);
  EXPECT_EQ((*inferred)[0].desc.type, DataType::Float32);
}

TEST(Conv, CountsAMultiplyAddAsTwoOperations) {
  EXPECT_EQ(OneNode("Conv", 11).input(counting({1, 3, 8, 8})).input(filled({4, 3, 3, 3}, 1)).flops(),
            4.0 * 36 * 27 * 2);
}

TEST(ConvTranspose, AddsEachInputTimesTheKernel) {
  expectFloats(
      OneNode("ConvTranspose", 11).input(floats({1, 1, 2}, {1, 2})).input(floats({1, 1, 3}, {1, 10, 100})).run(),
      {1, 1, 4}, {1, 12, 120, 200});
}

TEST(ConvTranspose, SpreadsTheInputWithStridesAndCutsPads) {
  const auto node = OneNode("ConvTranspose", 11)
                        .input(floats({1, 1, 2}, {1, 2}))
                        .input(floats({1, 1, 3}, {1, 10, 100}))
                        .set("strides", Ints{2})
                        .set("pads", Ints{1, 1});
  expectFloats(node.run(), {1, 1, 3}, {10, 102, 20});
}

TEST(ConvTranspose, LeavesTheRestEmptyWhereOutputShapeIsLargerThanNatural) {
  const auto node = OneNode("ConvTranspose", 11)
                        .input(floats({1, 1, 2}, {1, 2}))
                        .input(floats({1, 1, 2}, {1, 10}))
                        .input(floats({1}, {0.5f}))
                        .set("output_shape", Ints{5});
  expectFloats(node.run(), {1, 1, 5}, {1.5f, 12.5f, 20.5f, 0.5f, 0.5f});
}

TEST(ConvTranspose, AddsOutputPaddingAndKeepsGroupsApart) {
  const auto node = OneNode("ConvTranspose", 11)
                        .input(floats({1, 2, 1}, {2, 3}))
                        .input(floats({2, 1, 2}, {1, 10, 100, 1000}))
                        .set("group", std::int64_t{2})
                        .set("strides", Ints{2})
                        .set("output_padding", Ints{1});
  expectFloats(node.run(), {1, 2, 3}, {2, 20, 0, 300, 3000, 0});
}

TEST(ConvTranspose, RefusesPadsThatLeaveNothing) {
  const auto node =
      OneNode("ConvTranspose", 11).input(filled({1, 1, 1}, 1)).input(filled({1, 1, 2}, 1)).set("pads", Ints{1, 1});
  expectError(node.run(), "extent 0");
}

TEST(FusedConv, AddsTheResidualBeforeTheActivation) {
  const auto node = OneNode("FusedConv", 1, "tandem")
                        .input(floats({1, 1, 3}, {1, 2, 3}))
                        .input(floats({1, 1, 1}, {2}))
                        .input(floats({1}, {1}))
                        .input(floats({1, 1, 3}, {-10, 0, 1}))
                        .set("activation", std::string("Relu"));
  expectFloats(node.run(), {1, 1, 3}, {0, 5, 8});
  EXPECT_EQ(node.flops(), 3 * 2 + 3 + 3 + 3);
}

TEST(FusedConv, RefusesAnUnknownActivationAndAResidualOfAnotherShape) {
  const auto node = [] {
    return OneNode("FusedConv", 1, "tandem").input(filled({1, 1, 3}, 1)).input(filled({1, 1, 1}, 1));
  };
  expectError(node().set("activation", std::string("Sine")).run(), "Sine");
  expectError(node().left().input(filled({1, 1, 2}, 1)).run(), "residual");
}

TEST(Activation, FollowsTheOperatorsOfTheSameName) {
  using ops::Activation;
  using ops::ActivationKind;
  using ops::applyActivation;
  EXPECT_EQ(applyActivation(Activation{}, -3.0f), -3.0f);
  EXPECT_EQ(applyActivation(Activation{ActivationKind::Clip, 0, 6}, 7.0f), 6.0f);
  EXPECT_EQ(applyActivation(Activation{ActivationKind::LeakyRelu, 0.5f, 0}, -2.0f), -1.0f);
  EXPECT_NEAR(applyActivation(Activation{ActivationKind::Sigmoid, 0, 0}, 1.0), 0.7310585786, 1e-9);
  EXPECT_NEAR(applyActivation(Activation{ActivationKind::HardSigmoid, 0.25f, 0.5f}, 1.0), 0.75, 1e-9);
  EXPECT_NEAR(applyActivation(Activation{ActivationKind::HardSwish, 0, 0}, 1.5), 1.125, 1e-9);
  EXPECT_NEAR(applyActivation(Activation{ActivationKind::Elu, 2, 0}, -1.0), 2 * (std::exp(-1.0) - 1), 1e-9);
  EXPECT_NEAR(applyActivation(Activation{ActivationKind::Gelu, 0, 0}, 1.0), 0.8413447461, 1e-9);
  for (const auto kind :
       {ActivationKind::Relu, ActivationKind::Clip, ActivationKind::HardSigmoid, ActivationKind::HardSwish})
    EXPECT_TRUE(std::isnan(applyActivation(Activation{kind, 0, 1}, std::nanf(""))));
}

} // namespace
} // namespace tandem
