// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/ops/one_node.hpp"

#include <cmath>
#include <complex>
#include <numbers>

namespace tandem {
namespace {

using Ints = std::vector<std::int64_t>;

OneNode dft(Tensor x) { return OneNode("DFT", 20).input(std::move(x)).left().input(Tensor::scalar<std::int64_t>(0)); }

TEST(DFT, TransformsLengthsThatAreNoPowerOfTwoAsTheDefinitionSays) {
  for (const std::int64_t length : {1, 2, 3, 5, 8, 12, 17}) {
    Tensor x = Tensor::uninitialized({DataType::Float64, {length, 2}});
    for (std::int64_t i = 0; i < 2 * length; ++i)
      x.mutableAs<double>()[static_cast<std::size_t>(i)] = std::sin(static_cast<double>(i * i + 1));
    const auto result = dft(x).run();
    ASSERT_TRUE(result.ok()) << result.error().line();
    for (std::int64_t k = 0; k < length; ++k) {
      std::complex<double> sum;
      for (std::int64_t n = 0; n < length; ++n)
        sum += std::complex<double>(x.asDouble(2 * n), x.asDouble(2 * n + 1)) *
               std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(k * n) / static_cast<double>(length));
      EXPECT_NEAR((*result)[0].asDouble(2 * k), sum.real(), 1e-9);
      EXPECT_NEAR((*result)[0].asDouble(2 * k + 1), sum.imag(), 1e-9);
    }
  }
}

TEST(DFT, GivesHalfASpectrumAndTakesItBack) {
  const auto half = dft(floats({5, 1}, {1, 5, 2, 7, 3})).set("onesided", std::int64_t{1}).run();
  ASSERT_TRUE(half.ok()) << half.error().line();
  EXPECT_EQ((*half)[0].shape(), (Shape{3, 2}));
  const auto back = OneNode("DFT", 20)
                        .input((*half)[0])
                        .input(Tensor::scalar<std::int64_t>(5))
                        .input(Tensor::scalar<std::int64_t>(0))
                        .set("onesided", std::int64_t{1})
                        .set("inverse", std::int64_t{1})
                        .run();
  expectFloats(back, {5, 1}, {1, 5, 2, 7, 3});
}

TEST(DFT, PadsAndCutsToTheLengthAskedFor) {
  const auto node = [](std::int64_t length) {
    return OneNode("DFT", 17)
        .input(floats({1, 3, 1}, {1, 2, 3}))
        .input(Tensor::scalar<std::int64_t>(length))
        .set("axis", std::int64_t{1});
  };
  expectFloats(node(4).run(), {1, 4, 2}, {6, 0, -2, -2, 2, 0, -2, 2});
  expectFloats(node(2).run(), {1, 2, 2}, {3, 0, -1, 0});
  expectError(node(0).run(), "length 0");
  expectError(node(std::int64_t{1} << 40).run(), "not possible");
}

TEST(STFT, TransformsWindowedPieces) {
  const auto results = OneNode("STFT", 17)
                           .input(floats({1, 4, 1}, {1, 2, 3, 4}))
                           .constant(Tensor::scalar<std::int64_t>(2))
                           .input(floats({2}, {1, 0.5f}))
                           .run();
  expectFloats(results, {1, 2, 2, 2}, {2, 0, 0, 0, 5, 0, 1, 0});
}

TEST(STFT, RefusesFramesLongerThanTheSignal) {
  expectError(
      OneNode("STFT", 17).input(counting({1, 4, 1})).input(Tensor::scalar<std::int64_t>(1)).input(counting({5})).run(),
      "do not fit");
}

TEST(HannWindow, IsPeriodicUnlessAskedOtherwise) {
  const auto node = [] { return OneNode("HannWindow", 17).constant(Tensor::scalar<std::int32_t>(4)); };
  expectFloats(node().run(), {4}, {0, 0.5f, 1, 0.5f});
  expectFloats(node().set("periodic", std::int64_t{0}).run(), {4}, {0, 0.75f, 0.75f, 0});
}

TEST(HammingWindow, GivesTheTypeAskedFor) {
  const auto results = OneNode("HammingWindow", 17)
                           .input(Tensor::scalar<std::int64_t>(2))
                           .set("output_datatype", static_cast<std::int64_t>(DataType::Float64))
                           .run();
  ASSERT_TRUE(results.ok()) << results.error().line();
  EXPECT_NEAR((*results)[0].as<double>()[0], 4.0 / 46.0, 1e-12);
}

TEST(MelWeightMatrix, HoldsTriangles) {
  const auto node = [](float highest) {
    return OneNode("MelWeightMatrix", 17)
        .constant(Tensor::scalar<std::int64_t>(2))
        .constant(Tensor::scalar<std::int64_t>(16))
        .input(Tensor::scalar<std::int64_t>(8192))
        .input(Tensor::scalar<float>(0))
        .input(Tensor::scalar<float>(highest));
  };
  const auto results = node(4096).run();
  ASSERT_TRUE(results.ok()) << results.error().line();
  EXPECT_EQ((*results)[0].shape(), (Shape{9, 2}));
  // The edges are bins 0, 0, 2 and 4.
  EXPECT_THAT((*results)[0].as<float>().first(8), testing::ElementsAre(1, 0, 0.5f, 0.5f, 0, 1, 0, 0.5f));
  expectError(node(1e9f).run(), "outside of the spectrum");
}

TEST(AffineGrid, SpansTheOutputFromEdgeToEdge) {
  const auto node = [] {
    return OneNode("AffineGrid", 20).input(floats({1, 2, 3}, {1, 0, 0, 0, 1, 0.5f})).constant(ints({1, 1, 1, 2}));
  };
  expectFloats(node().run(), {1, 1, 2, 2}, {-0.5f, 0.5f, 0.5f, 0.5f});
  expectFloats(node().set("align_corners", std::int64_t{1}).run(), {1, 1, 2, 2}, {-1, -0.5f, 1, -0.5f});
}

TEST(CenterCropPad, KeepsTheMiddle) {
  const auto node = [](Tensor x, std::int64_t size) {
    return OneNode("CenterCropPad", 18).input(std::move(x)).constant(ints({size})).set("axes", Ints{-1});
  };
  expectFloats(node(counting({1, 5}), 2).run(), {1, 2}, {1, 2});
  expectFloats(node(counting({1, 2}, 7), 5).run(), {1, 5}, {0, 7, 8, 0, 0});
  expectFloats(node(counting({0, 2}), 3).run(), {0, 3}, {});
}

TEST(Col2Im, SumsOverlappingBlocks) {
  const auto node = OneNode("Col2Im", 18).input(counting({1, 2, 2}, 1)).constant(ints({1, 3})).constant(ints({1, 2}));
  expectFloats(node.run(), {1, 1, 1, 3}, {1, 2 + 3, 4});
  expectError(OneNode("Col2Im", 18).input(counting({1, 2, 3})).constant(ints({1, 3})).constant(ints({1, 2})).run(),
              "blocks");
}

TEST(DeformConv, MovesTapsByOffsets) {
  // A kernel of one tap at (0, 0.5): the mean of two neighbours, and zero beyond the edge.
  const auto node = OneNode("DeformConv", 19)
                        .input(floats({1, 1, 1, 3}, {1, 3, 5}))
                        .input(filled({1, 1, 1, 1}, 2))
                        .input(floats({1, 2, 1, 3}, {0, 0, 0, 0.5f, 0.5f, 0.5f}));
  expectFloats(node.run(), {1, 1, 1, 3}, {4, 8, 5});
  expectFloats(OneNode(node).input(floats({1}, {10})).input(floats({1, 1, 1, 3}, {1, 0, 2})).run(), {1, 1, 1, 3},
               {14, 10, 20});
}

TEST(DeformConv, RefusesOffsetsOfAnotherShape) {
  expectError(OneNode("DeformConv", 19)
                  .input(counting({1, 1, 3, 3}))
                  .input(counting({1, 1, 2, 2}))
                  .input(counting({1, 8, 3, 3}))
                  .run(),
              "offsets");
}

TEST(Det, ExchangesRowsWhereItMust) {
  expectFloats(OneNode("Det", 11).input(floats({2, 2, 2}, {0, 1, 1, 0, 1, 2, 3, 4})).run(), {2}, {-1, -2});
  expectFloats(OneNode("Det", 22).input(filled({3, 3}, 1)).run(), {}, {0});
  expectError(OneNode("Det", 22).input(counting({2, 3})).run(), "square");
}

TEST(MaxUnpool, PutsMaximaBack) {
  const auto node = [](std::initializer_list<std::int64_t> where) {
    return OneNode("MaxUnpool", 11)
        .input(floats({1, 1, 2}, {5, 6}))
        .input(Tensor::of<std::int64_t>({1, 1, 2}, where))
        .set("kernel_shape", Ints{2})
        .set("strides", Ints{2});
  };
  expectFloats(node({1, 2}).run(), {1, 1, 4}, {0, 5, 6, 0});
  expectFloats(node({1, 2}).constant(ints({1, 1, 5})).run(), {1, 1, 5}, {0, 5, 6, 0, 0});
  expectError(node({1, 4}).run(), "index 4");
}

TEST(MaxRoiPool, TakesTheLargestOfEachCell) {
  const auto node = [](float picture, float x2) {
    return OneNode("MaxRoiPool", 1)
        .input(counting({1, 1, 4, 4}))
        .input(floats({1, 5}, {picture, 0, 0, x2, 3}))
        .set("pooled_shape", Ints{2, 2});
  };
  expectFloats(node(0, 3).run(), {1, 1, 2, 2}, {5, 7, 13, 15});
  expectFloats(node(0, 1e30f).run(), {1, 1, 2, 2}, {7, 0, 15, 0});
  expectError(node(1, 3).run(), "does not exist");
}

TEST(Compress, PicksSlicesOrElements) {
  const auto node = [](std::initializer_list<bool> wanted) {
    return OneNode("Compress", 11)
        .input(counting({2, 3}))
        .input(Tensor::of<bool>({static_cast<std::int64_t>(wanted.size())}, wanted));
  };
  expectFloats(node({false, true}).set("axis", std::int64_t{-1}).run(), {2, 1}, {1, 4});
  expectFloats(node({false, true, false, false, true}).run(), {2}, {1, 4});
  expectError(node({false, false, true}).set("axis", std::int64_t{0}).run(), "element 2 of 2");
}

TEST(Unique, SortsOrKeepsTheOrder) {
  const auto node = [] { return OneNode("Unique", 11).input(floats({5}, {2, 1, 1, 3, 2})).outputs(4); };
  auto results = node().run();
  expectFloats(results, {3}, {1, 2, 3});
  EXPECT_EQ((*results)[1].toInts(), (Ints{1, 0, 3}));
  EXPECT_EQ((*results)[2].toInts(), (Ints{1, 0, 0, 2, 1}));
  EXPECT_EQ((*results)[3].toInts(), (Ints{2, 2, 1}));
  results = node().set("sorted", std::int64_t{0}).run();
  expectFloats(results, {3}, {2, 1, 3});
  EXPECT_EQ((*results)[2].toInts(), (Ints{0, 1, 1, 2, 0}));
}

TEST(Unique, RefusesMoreEmptySlicesThanItCanIndex) {
  expectError(OneNode("Unique", 11)
                  .input(Tensor::zeros({DataType::Float32, {std::int64_t{1} << 40, 0}}))
                  .set("axis", std::int64_t{0})
                  .run(),
              "empty slices");
}

TEST(Unique, ComparesSlicesAlongAnAxis) {
  const auto results =
      OneNode("Unique", 11).input(floats({2, 3}, {2, 1, 2, 5, 6, 5})).set("axis", std::int64_t{1}).run();
  expectFloats(results, {2, 2}, {1, 2, 6, 5});
}

TEST(ReverseSequence, TurnsTheFirstStepsOfEachSequence) {
  const auto node = [](std::int64_t length) {
    return OneNode("ReverseSequence", 10)
        .input(counting({2, 3}))
        .input(ints({2, length}))
        .set("batch_axis", std::int64_t{0})
        .set("time_axis", std::int64_t{1});
  };
  expectFloats(node(3).run(), {2, 3}, {1, 0, 2, 5, 4, 3});
  expectError(node(4).run(), "does not fit");
}

TEST(BitCast, KeepsTheBits) {
  const auto results =
      OneNode("BitCast", 26).input(floats({1}, {1})).set("to", static_cast<std::int64_t>(DataType::Int32)).run();
  ASSERT_TRUE(results.ok()) << results.error().line();
  EXPECT_EQ((*results)[0].as<std::int32_t>()[0], 0x3f800000);
  expectError(
      OneNode("BitCast", 26).input(floats({1}, {1})).set("to", static_cast<std::int64_t>(DataType::Int64)).run(),
      "differ in size");
}

TEST(Shrink, TakesIntegers) {
  const auto results =
      OneNode("Shrink", 9).input(Tensor::of<std::int16_t>({3}, {-5, 1, 5})).set("lambd", 1.5f).set("bias", 1.5f).run();
  ASSERT_TRUE(results.ok()) << results.error().line();
  EXPECT_EQ((*results)[0].toInts(), (Ints{-3, 0, 3}));
}

TEST(BitShift, KeepsTheSignToTheRight) {
  const auto shifted = [](const char* direction) {
    return OneNode("BitShift", 28)
        .input(Tensor::of<std::int8_t>({4}, {-8, -8, -8, 64}))
        .input(Tensor::of<std::int8_t>({4}, {1, 8, -1, 1}))
        .set("direction", std::string(direction))
        .run();
  };
  EXPECT_EQ((*shifted("RIGHT"))[0].toInts(), (Ints{-4, -1, -1, 32}));
  EXPECT_EQ((*shifted("LEFT"))[0].toInts(), (Ints{-16, 0, 0, -128}));
}

} // namespace
} // namespace tandem
