// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/ops/one_node.hpp"

#include <cmath>

namespace tandem {
namespace {

using Ints = std::vector<std::int64_t>;

OneNode batchNormalization(int version, Tensor x) {
  return OneNode("BatchNormalization", version)
      .input(std::move(x))
      .input(floats({2}, {2, 1}))
      .input(floats({2}, {1, 0}))
      .input(floats({2}, {1, -1}))
      .input(floats({2}, {4, 1}))
      .set("epsilon", 0.0f);
}

TEST(BatchNormalization, UsesTheGivenStatistics) {
  for (int version : {1, 6, 7, 9, 14, 15})
    expectFloats(batchNormalization(version, floats({1, 2, 2}, {1, 5, 0, 1})).run(), {1, 2, 2}, {1, 5, 1, 2});
}

TEST(BatchNormalization, MeasuresAndUpdatesInTrainingMode) {
  const auto results = batchNormalization(15, floats({2, 2, 1}, {1, 0, 3, 4}))
                           .set("training_mode", std::int64_t{1})
                           .set("momentum", 0.75f)
                           .outputs(3)
                           .run();
  expectFloats(results, {2, 2, 1}, {-1, -1, 3, 1});
  expectFloats(results, {2}, {0.75f * 1 + 0.25f * 2, 0.75f * -1 + 0.25f * 2}, 1);
  expectFloats(results, {2}, {0.75f * 4 + 0.25f * 1, 0.75f * 1 + 0.25f * 4}, 2);
}

TEST(BatchNormalization, SaysThatOldTrainingOutputsAreNotComputed) {
  const auto results = batchNormalization(9, counting({1, 2, 2})).outputs(5).run();
  ASSERT_FALSE(results.ok());
  EXPECT_EQ(results.error().code, ErrorCode::Unsupported);
}

TEST(BatchNormalization, NormalizesEachFeatureWithoutSpatial) {
  const auto node = OneNode("BatchNormalization", 7)
                        .input(floats({1, 1, 2}, {3, 5}))
                        .input(floats({1, 2}, {1, 2}))
                        .input(floats({1, 2}, {0, 1}))
                        .input(floats({1, 2}, {1, 1}))
                        .input(floats({1, 2}, {4, 4}))
                        .set("spatial", std::int64_t{0})
                        .set("epsilon", 0.0f);
  expectFloats(node.run(), {1, 1, 2}, {1, 5});
}

TEST(BatchNormalization, RefusesParametersOfAnotherSize) {
  expectError(batchNormalization(9, counting({1, 3, 2})).run(), "need the shape");
}

TEST(InstanceNormalization, NormalizesEachChannelOfEachPicture) {
  const auto node = OneNode("InstanceNormalization", 6)
                        .input(floats({1, 2, 2}, {1, 3, 10, 30}))
                        .input(floats({2}, {1, 2}))
                        .input(floats({2}, {0, 1}))
                        .set("epsilon", 0.0f);
  expectFloats(node.run(), {1, 2, 2}, {-1, 1, -1, 3});
}

TEST(LayerNormalization, GivesMeanAndInverseDeviationToo) {
  const auto results = OneNode("LayerNormalization", 17)
                           .input(floats({2, 2}, {1, 3, 10, 30}))
                           .input(floats({2}, {1, 2}))
                           .input(floats({2}, {0, 1}))
                           .set("epsilon", 0.0f)
                           .outputs(3)
                           .run();
  expectFloats(results, {2, 2}, {-1, 3, -1, 3});
  expectFloats(results, {2, 1}, {2, 20}, 1);
  expectFloats(results, {2, 1}, {1, 0.1f}, 2);
}

TEST(LayerNormalization, BroadcastsItsScaleOverTheNormalizedAxes) {
  const auto node = OneNode("LayerNormalization", 17)
                        .input(floats({1, 2, 2}, {-1, 1, -1, 1}))
                        .input(floats({2, 1}, {1, 10}))
                        .set("axis", std::int64_t{1})
                        .set("epsilon", 0.0f);
  expectFloats(node.run(), {1, 2, 2}, {-1, 1, -10, 10});
}

TEST(LayerNormalization, RefusesAMissingAxisAndAScaleThatDoesNotFit) {
  const auto node = [] { return OneNode("LayerNormalization", 17).input(counting({2, 3})); };
  expectError(node().input(filled({3}, 1)).set("axis", std::int64_t{2}).run(), "axis");
  expectError(node().input(filled({2}, 1)).run(), "broadcast");
}

TEST(RMSNormalization, DividesByTheRootOfTheMeanSquare) {
  const auto node =
      OneNode("RMSNormalization", 23).input(floats({1, 2}, {1, 7})).input(floats({2}, {5, 10})).set("epsilon", 0.0f);
  expectFloats(node.run(), {1, 2}, {1, 14});
}

TEST(GroupNormalization, ScalesPerGroupInVersion18AndPerChannelIn21) {
  const auto node = [](int version, Tensor scale, Tensor bias) {
    return OneNode("GroupNormalization", version)
        .input(floats({1, 4, 1}, {1, 3, 10, 30}))
        .input(std::move(scale))
        .input(std::move(bias))
        .set("num_groups", std::int64_t{2})
        .set("epsilon", 0.0f);
  };
  expectFloats(node(18, floats({2}, {1, 2}), floats({2}, {0, 1})).run(), {1, 4, 1}, {-1, 1, -1, 3});
  expectFloats(node(21, floats({4}, {1, 2, 3, 4}), floats({4}, {0, 0, 0, 1})).run(), {1, 4, 1}, {-1, 2, -3, 5});
  expectError(node(21, floats({2}, {1, 2}), floats({2}, {0, 1})).run(), "4 entries");
}

TEST(LRN, DividesByTheEnergyOfNearbyChannels) {
  const auto node = OneNode("LRN", 13)
                        .input(floats({1, 3, 1}, {1, 2, 3}))
                        .set("size", std::int64_t{2})
                        .set("alpha", 2.0f)
                        .set("beta", 1.0f)
                        .set("bias", 1.0f);
  // size 2 looks at the channel itself and at the one after it
  expectFloats(node.run(), {1, 3, 1}, {1.0f / 6, 2.0f / 14, 3.0f / 10});
}

TEST(LpNormalization, MakesEveryLineOfLengthOne) {
  expectFloats(OneNode("LpNormalization", 1).input(floats({2, 2}, {3, 0, 4, 0})).set("axis", std::int64_t{0}).run(),
               {2, 2}, {0.6f, 0, 0.8f, 0});
  expectFloats(OneNode("LpNormalization", 1).input(floats({2}, {-1, 3})).set("p", std::int64_t{1}).run(), {2},
               {-0.25f, 0.75f});
  expectError(OneNode("LpNormalization", 1).input(counting({2})).set("axis", std::int64_t{1}).run(), "axis");
}

TEST(MeanVarianceNormalization, SharesStatisticsOverItsAxes) {
  const auto node =
      OneNode("MeanVarianceNormalization", 13).input(floats({2, 2, 1, 1}, {1, 10, 3, 30})).set("axes", Ints{0, 2, 3});
  expectFloats(node.run(), {2, 2, 1, 1}, {-1, -1, 1, 1});
}

TEST(Softmax, WorksAlongOneAxisSinceVersion13AndFlattensBefore) {
  const float e = std::exp(1.0f);
  const Tensor x = floats({2, 1, 2}, {0, 0, 1, 1});
  expectFloats(OneNode("Softmax", 13).input(x).set("axis", std::int64_t{0}).run(), {2, 1, 2},
               {1 / (1 + e), 1 / (1 + e), e / (1 + e), e / (1 + e)});
  expectFloats(OneNode("Softmax", 11).input(x).set("axis", std::int64_t{0}).run(), {2, 1, 2},
               {0.5f / (1 + e), 0.5f / (1 + e), 0.5f * e / (1 + e), 0.5f * e / (1 + e)});
}

TEST(Softmax, DoesNotOverflow) {
  expectFloats(OneNode("Softmax", 13).input(floats({2}, {1000, 1000})).run(), {2}, {0.5f, 0.5f});
  expectFloats(OneNode("LogSoftmax", 13).input(floats({2}, {1000, 1000})).run(), {2},
               {-std::log(2.0f), -std::log(2.0f)});
}

TEST(Softmax, RefusesAnAxisThatDoesNotExist) {
  expectError(OneNode("Softmax", 13).input(counting({2})).set("axis", std::int64_t{1}).run(), "axis");
}

TEST(Hardmax, MarksTheFirstLargest) {
  expectFloats(OneNode("Hardmax", 13).input(floats({2, 3}, {1, 3, 3, 2, 1, 0})).run(), {2, 3}, {0, 1, 0, 1, 0, 0});
}

TEST(Softmax, KeepsHalfPrecision) {
  const auto results = OneNode("Softmax", 13).input(Tensor::of<Half>(Shape{2}, {Half(0), Half(0)})).run();
  ASSERT_TRUE(results.ok()) << results.error().line();
  EXPECT_EQ((*results)[0].type(), DataType::Float16);
  EXPECT_EQ((*results)[0].asDouble(0), 0.5);
}

} // namespace
} // namespace tandem
