// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/ops/one_node.hpp"

#include <limits>

namespace tandem {
namespace {

using Ints = std::vector<std::int64_t>;

OneNode suppression(Tensor boxes, Tensor scores, std::int64_t count, float overlap) {
  return OneNode("NonMaxSuppression", 11)
      .input(std::move(boxes))
      .input(std::move(scores))
      .input(ints({count}))
      .input(floats({1}, {overlap}));
}

TEST(NonMaxSuppression, DropsBoxesThatOverlapABetterOne) {
  const Tensor boxes = floats({1, 3, 4}, {0, 0, 2, 2, 0, 0.1f, 2, 2.1f, 5, 5, 4, 4});
  const Tensor scores = floats({1, 1, 3}, {0.5f, 0.9f, 0.1f});
  auto results = suppression(boxes, scores, 10, 0.5f).run();
  ASSERT_TRUE(results.ok()) << results.error().line();
  EXPECT_EQ((*results)[0].shape(), (Shape{2, 3}));
  EXPECT_EQ((*results)[0].toInts(), (Ints{0, 0, 1, 0, 0, 2}));
  results = suppression(boxes, scores, 10, 0.5f).input(floats({1}, {0.2f})).run();
  ASSERT_TRUE(results.ok()) << results.error().line();
  EXPECT_EQ((*results)[0].toInts(), (Ints{0, 0, 1}));
}

TEST(NonMaxSuppression, KeepsNothingWithoutACount) {
  const auto results = OneNode("NonMaxSuppression", 11).input(counting({1, 1, 4})).input(counting({1, 1, 1}, 1)).run();
  ASSERT_TRUE(results.ok()) << results.error().line();
  EXPECT_EQ((*results)[0].shape(), (Shape{0, 3}));
}

TEST(NonMaxSuppression, NeverPicksABoxWithoutAScore) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto results =
      suppression(floats({1, 2, 4}, {0, 0, 1, 1, 4, 4, 5, 5}), floats({1, 1, 2}, {nan, 1}), 10, 0.5f).run();
  ASSERT_TRUE(results.ok()) << results.error().line();
  EXPECT_EQ((*results)[0].toInts(), (Ints{0, 0, 1}));
}

TEST(NonMaxSuppression, RefusesShapesAndThresholdsThatMakeNoSense) {
  expectError(suppression(counting({1, 2, 4}), counting({1, 1, 3}), 1, 0.5f).run(), "do not go with");
  expectError(suppression(counting({1, 2, 4}), counting({1, 1, 2}), 1, 2.0f).run(), "iou_threshold");
}

OneNode sampled(Tensor grid) {
  return OneNode("GridSample", 20)
      .input(floats({1, 1, 1, 3}, {1, 2, 4}))
      .input(std::move(grid))
      .set("align_corners", std::int64_t{1});
}

TEST(GridSample, InterpolatesBetweenElements) {
  expectFloats(sampled(floats({1, 1, 3, 2}, {-1, 0, 0.5f, 0, 1, 0})).run(), {1, 1, 1, 3}, {1, 3, 4});
}

TEST(GridSample, PicksAndMixesIntegers) {
  const auto results = OneNode("GridSample", 20)
                           .input(Tensor::of<std::uint8_t>({1, 1, 1, 2}, {1, 254}))
                           .input(floats({1, 1, 2, 2}, {1, 0, 0.25f, 0}))
                           .set("align_corners", std::int64_t{1})
                           .run();
  ASSERT_TRUE(results.ok()) << results.error().line();
  EXPECT_EQ((*results)[0].toInts(), (Ints{254, 159}));
}

TEST(GridSample, PadsAsAsked) {
  const Tensor grid = floats({1, 1, 2, 2}, {-2, 0, 2, 0});
  expectFloats(sampled(grid).run(), {1, 1, 1, 2}, {0, 0});
  expectFloats(sampled(grid).set("padding_mode", std::string("border")).run(), {1, 1, 1, 2}, {1, 4});
  expectFloats(sampled(grid).set("padding_mode", std::string("reflection")).run(), {1, 1, 1, 2}, {2, 2});
}

TEST(GridSample, SurvivesCoordinatesThatAreNotNumbers) {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (const char* padding : {"zeros", "border", "reflection"})
    for (const char* mode : {"nearest", "linear", "cubic"}) {
      const auto results = sampled(floats({1, 1, 4, 2}, {nan, 0, infinity, 0, -infinity, 0, 1e30f, 0}))
                               .set("padding_mode", std::string(padding))
                               .set("mode", std::string(mode))
                               .run();
      EXPECT_TRUE(results.ok()) << results.error().line();
    }
}

TEST(GridSample, RefusesAGridOfTheWrongRankAndUnknownModes) {
  expectError(sampled(counting({1, 1, 2, 3})).run(), "does not go with");
  expectError(sampled(counting({1, 1, 2, 2})).set("mode", std::string("fancy")).run(), "fancy");
}

OneNode aligned(int version, Tensor rois) {
  return OneNode("RoiAlign", version)
      .input(counting({1, 1, 4, 4}))
      .input(std::move(rois))
      .input(ints({0}))
      .set("output_height", std::int64_t{1})
      .set("output_width", std::int64_t{1})
      .set("sampling_ratio", std::int64_t{1});
}

TEST(RoiAlign, SamplesTheMiddleOfEachCell) {
  // The middle of (0, 0)-(2, 2) is (1, 1), and half a pixel less since version 16.
  expectFloats(aligned(10, floats({1, 4}, {0, 0, 2, 2})).run(), {1, 1, 1, 1}, {5});
  expectFloats(aligned(16, floats({1, 4}, {0, 0, 2, 2})).run(), {1, 1, 1, 1}, {2.5f});
}

TEST(RoiAlign, RefusesRegionsOfMissingPicturesAndOfAbsurdSize) {
  const auto node = OneNode("RoiAlign", 16).input(counting({1, 1, 4, 4}));
  expectError(OneNode(node).input(floats({1, 4}, {0, 0, 2, 2})).input(ints({1})).run(), "picture 1");
  expectError(OneNode(node).input(floats({1, 4}, {0, 0, 1e30f, 2})).input(ints({0})).run(), "too large");
  expectError(OneNode(node).input(floats({1, 3}, {0, 0, 1})).input(ints({0})).run(), "do not go with");
}

} // namespace
} // namespace tandem
