// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/ops/one_node.hpp"

namespace tandem {
namespace {

using Ints = std::vector<std::int64_t>;

/// A Resize of one line, [1, 1, n], by scale or to a size.
OneNode resize(int version, Tensor line, const std::string& mode, const std::string& coordinates) {
  OneNode node("Resize", version);
  node.input(std::move(line)).left();
  return node.set("mode", mode).set("coordinate_transformation_mode", coordinates);
}
Tensor scale(float factor) { return floats({1}, {factor}); }

TEST(Resize, CopiesTheNearestElement) {
  expectFloats(resize(13, floats({2}, {1, 2}), "nearest", "half_pixel").constant(scale(2)).run(), {4}, {1, 1, 2, 2});
  expectFloats(resize(13, counting({4}), "nearest", "asymmetric").constant(scale(0.5f)).run(), {2}, {0, 2});
}

TEST(Resize, RoundsTiesAsNearestModeSays) {
  const auto node = [](const char* mode) {
    // asymmetric with scale 2 reads 0, 0.5, 1, 1.5
    return resize(13, counting({2}), "nearest", "asymmetric").constant(scale(2)).set("nearest_mode", std::string(mode));
  };
  expectFloats(node("round_prefer_floor").run(), {4}, {0, 0, 1, 1});
  expectFloats(node("round_prefer_ceil").run(), {4}, {0, 1, 1, 1});
  expectFloats(node("floor").run(), {4}, {0, 0, 1, 1});
  expectFloats(node("ceil").run(), {4}, {0, 1, 1, 1});
}

TEST(Resize, Version10RoundsDownToGrowAndUpToShrink) {
  const auto node = [](Tensor x, float factor) {
    return OneNode("Resize", 10).input(std::move(x)).constant(scale(factor));
  };
  expectFloats(node(counting({2}), 1.5f).run(), {3}, {0, 0, 1});
  expectFloats(node(counting({5}), 0.6f).run(), {3}, {0, 2, 4});
}

TEST(Resize, RoundsIntegersAndKeepsThemInRange) {
  const auto results = OneNode("Resize", 13)
                           .input(Tensor::of<std::uint8_t>({4}, {0, 0, 255, 255}))
                           .left()
                           .constant(floats({1}, {2}))
                           .set("mode", std::string("cubic"))
                           .run();
  ASSERT_TRUE(results.ok()) << results.error().line();
  EXPECT_EQ((*results)[0].toInts(), (std::vector<std::int64_t>{0, 0, 0, 58, 197, 255, 255, 255}));
}

TEST(Resize, InterpolatesLinearly) {
  expectFloats(resize(13, floats({2}, {0, 4}), "linear", "half_pixel").constant(scale(2)).run(), {4}, {0, 1, 3, 4});
  expectFloats(resize(13, floats({2}, {0, 3}), "linear", "align_corners").constant(scale(2)).run(), {4}, {0, 1, 2, 3});
  expectFloats(resize(13, floats({2}, {0, 4}), "linear", "asymmetric").constant(scale(2)).run(), {4}, {0, 2, 4, 4});
  expectFloats(resize(13, counting({4}), "linear", "pytorch_half_pixel").left().constant(ints({1})).run(), {1}, {0});
}

TEST(Resize, InterpolatesAlongEveryAxis) {
  const auto node = OneNode("Resize", 13)
                        .input(floats({1, 1, 2, 2}, {0, 4, 8, 12}))
                        .left()
                        .left()
                        .constant(ints({1, 1, 3, 3}))
                        .set("mode", std::string("linear"))
                        .set("coordinate_transformation_mode", std::string("align_corners"));
  expectFloats(node.run(), {1, 1, 3, 3}, {0, 2, 4, 4, 6, 8, 8, 10, 12});
}

TEST(Resize, FollowsACubic) {
  // With a = -0.5 the kernel reproduces straight lines where it does not reach the edges.
  const auto node = resize(13, counting({6}), "cubic", "asymmetric").constant(scale(2)).set("cubic_coeff_a", -0.5f);
  const auto results = node.run();
  ASSERT_TRUE(results.ok()) << results.error().line();
  EXPECT_NEAR((*results)[0].asDouble(4), 2, 1e-6);
  EXPECT_NEAR((*results)[0].asDouble(5), 2.5, 1e-6);
}

TEST(Resize, AveragesWhatItSkipsWithAntialias) {
  const auto node = resize(18, floats({4}, {0, 4, 0, 4}), "linear", "half_pixel")
                        .constant(scale(0.5f))
                        .set("antialias", std::int64_t{1});
  // weights 1/8 3/8 3/8 1/8 around each centre, edges repeated
  expectFloats(node.run(), {2}, {1.5f, 2.5f});
}

TEST(Resize, FillsWhatLiesOutsideTheCrop) {
  const auto node = OneNode("Resize", 13)
                        .input(floats({3}, {0, 1, 2}))
                        .constant(floats({2}, {0, 2}))
                        .left()
                        .constant(ints({3}))
                        .set("mode", std::string("linear"))
                        .set("coordinate_transformation_mode", std::string("tf_crop_and_resize"))
                        .set("extrapolation_value", 9.0f);
  expectFloats(node.run(), {3}, {0, 2, 9});
}

TEST(Resize, KeepsTheAspectRatioOfTheGivenAxes) {
  const auto node = [](const char* policy) {
    return OneNode("Resize", 18)
        .input(counting({1, 2, 4}))
        .left()
        .left()
        .constant(ints({6, 8}))
        .set("axes", Ints{1, 2})
        .set("keep_aspect_ratio_policy", std::string(policy));
  };
  const auto shapeOf = [](const Result<std::vector<Value>>& values) { return (*values)[0].desc.shape; };
  EXPECT_EQ(shapeOf(node("not_larger").infer()), (Shape{1, 4, 8}));
  EXPECT_EQ(shapeOf(node("not_smaller").infer()), (Shape{1, 6, 12}));
  EXPECT_EQ(shapeOf(node("stretch").infer()), (Shape{1, 6, 8}));
  EXPECT_TRUE(node("not_larger").run().ok());
}

TEST(Resize, RoundsExtentsInSinglePrecision) {
  const auto inferred = resize(13, counting({10}), "nearest", "asymmetric").constant(scale(0.7f)).infer();
  ASSERT_TRUE(inferred.ok()) << inferred.error().line();
  EXPECT_EQ((*inferred)[0].desc.shape, (Shape{7}));
}

TEST(Resize, LeavesTheShapeOpenUntilScalesAreKnown) {
  const auto node = resize(13, counting({2}), "nearest", "half_pixel").input(scale(2));
  const auto inferred = node.infer();
  ASSERT_TRUE(inferred.ok()) << inferred.error().line();
  EXPECT_EQ((*inferred)[0].desc.shape, (Shape{kUnknownDim}));
  expectFloats(node.run(), {4}, {0, 0, 1, 1});
}

TEST(Resize, RefusesScalesAndModesThatMakeNoSense) {
  const auto node = [] { return resize(13, counting({2}), "nearest", "half_pixel"); };
  expectError(node().constant(scale(-1)).run(), "out of range");
  expectError(node().constant(scale(1e30f)).run(), "out of range");
  expectError(node().constant(scale(std::numeric_limits<float>::quiet_NaN())).run(), "out of range");
  expectError(node().constant(floats({2}, {1, 1})).run(), "scales");
  expectError(node().left().constant(ints({-3})).run(), "size");
  expectError(node().run(), "neither");
  expectError(node().constant(scale(2)).set("mode", std::string("fancy")).run(), "fancy");
}

TEST(Upsample, RepeatsElementsInEveryVersion) {
  const Tensor x = floats({1, 1, 1, 2}, {1, 2});
  const std::vector<float> expected{1, 1, 2, 2, 1, 1, 2, 2};
  expectFloats(OneNode("Upsample", 1).input(x).set("height_scale", 2.0f).set("width_scale", 2.0f).run(), {1, 1, 2, 4},
               expected);
  expectFloats(OneNode("Upsample", 7).input(x).set("scales", std::vector<float>{1, 1, 2, 2}).run(), {1, 1, 2, 4},
               expected);
  expectFloats(OneNode("Upsample", 9).input(x).constant(floats({4}, {1, 1, 2, 2})).run(), {1, 1, 2, 4}, expected);
  expectError(OneNode("Upsample", 9).input(x).run(), "missing");
}

} // namespace
} // namespace tandem
