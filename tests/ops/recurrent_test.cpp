// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/ops/one_node.hpp"

#include <cmath>

namespace tandem {
namespace {

using Texts = std::vector<std::string>;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
float toFloat(double x) { return static_cast<float>(x); }

/// One unit that adds up its input: W = R = 1 and no activation to speak of.
OneNode adder(Tensor x, std::string direction = "forward") {
  const std::int64_t directions = direction == "bidirectional" ? 2 : 1;
  return OneNode("RNN", 14)
      .input(std::move(x))
      .input(filled({directions, 1, 1}, 1))
      .input(filled({directions, 1, 1}, 1))
      .set("hidden_size", std::int64_t{1})
      .set("direction", direction)
      .set("activations", Texts(static_cast<std::size_t>(directions), "Affine"))
      .outputs(2);
}

TEST(RNN, CarriesItsStateFromStepToStep) {
  const auto results = adder(floats({3, 1, 1}, {1, 2, 4})).run();
  expectFloats(results, {3, 1, 1, 1}, {1, 3, 7});
  expectFloats(results, {1, 1, 1}, {7}, 1);
}

TEST(RNN, RunsBackwards) {
  const auto results = adder(floats({3, 1, 1}, {1, 2, 4}), "reverse").run();
  expectFloats(results, {3, 1, 1, 1}, {7, 6, 4});
  expectFloats(results, {1, 1, 1}, {7}, 1);
}

TEST(RNN, RunsBothWays) {
  const auto results = adder(floats({2, 1, 1}, {1, 2}), "bidirectional").run();
  expectFloats(results, {2, 2, 1, 1}, {1, 3, 3, 2});
  expectFloats(results, {2, 1, 1}, {3, 3}, 1);
}

TEST(RNN, StopsEachSequenceAtItsLength) {
  const auto results = adder(floats({2, 2, 1}, {1, 10, 2, 20}), "bidirectional")
                           .left()
                           .input(Tensor::of<std::int32_t>(Shape{2}, {1, 2}))
                           .run();
  // [step][direction][batch]: the first sequence has one step, the rest is zero
  expectFloats(results, {2, 2, 2, 1}, {1, 10, 1, 30, 0, 30, 0, 20});
  expectFloats(results, {2, 2, 1}, {1, 30, 1, 30}, 1);
}

TEST(RNN, StartsFromTheGivenStateAndAddsBothBiases) {
  const auto results =
      adder(floats({1, 1, 1}, {1})).input(floats({1, 2}, {10, 100})).left().input(floats({1, 1, 1}, {5})).run();
  expectFloats(results, {1, 1, 1, 1}, {116});
}

TEST(RNN, PutsTheBatchFirstWithLayout) {
  const auto results = adder(floats({2, 3, 1}, {1, 2, 4, 10, 20, 40})).set("layout", std::int64_t{1}).run();
  expectFloats(results, {2, 3, 1, 1}, {1, 3, 7, 10, 30, 70});
  expectFloats(results, {2, 1, 1}, {7, 70}, 1);
}

TEST(RNN, ClipsWhatGoesIntoTheActivation) {
  expectFloats(adder(floats({1, 1, 1}, {9})).set("clip", 2.0f).run(), {1, 1, 1, 1}, {2});
}

TEST(RNN, ReadsActivationNumbersInOrder) {
  const auto results = adder(floats({1, 1, 1}, {-2}), "bidirectional")
                           .set("activations", Texts{"LeakyRelu", "affine"})
                           .set("activation_alpha", std::vector<float>{0.5f, 3.0f})
                           .set("activation_beta", std::vector<float>{7.0f})
                           .run();
  expectFloats(results, {1, 2, 1, 1}, {-1, 1});
}

TEST(RNN, RefusesWhatDoesNotFit) {
  const Tensor x = floats({1, 1, 1}, {1});
  expectError(adder(x, "sideways").run(), "sideways");
  expectError(adder(x).set("activations", Texts{"Sine"}).run(), "Sine");
  expectError(adder(x).set("activations", Texts{"Tanh", "Tanh"}).run(), "activations");
  expectError(adder(x).set("hidden_size", std::int64_t{2}).run(), "hidden_size");
  expectError(adder(x).left().input(Tensor::of<std::int32_t>(Shape{1}, {2})).run(), "sequence length");
  expectError(adder(x).input(filled({1, 3}, 0)).run(), "input 3");
  expectError(adder(floats({1, 1}, {1})).run(), "three axes");
}

TEST(LSTM, FollowsTheEquationsWithPeepholes) {
  const double wi = 0.1, wo = 0.2, wf = 0.3, wc = 0.4, x = 2, h = 0.5, c = -0.7;
  const double pi = 0.5, po = 0.6, pf = 0.7;
  const auto results = OneNode("LSTM", 14)
                           .input(filled({1, 1, 1}, toFloat(x)))
                           .input(floats({1, 4, 1}, {toFloat(wi), toFloat(wo), toFloat(wf), toFloat(wc)}))
                           .input(filled({1, 4, 1}, 0.25f))
                           .input(floats({1, 8}, {1, 2, 3, 4, 0, 0, 0, -1}))
                           .left()
                           .input(filled({1, 1, 1}, toFloat(h)))
                           .input(filled({1, 1, 1}, toFloat(c)))
                           .input(floats({1, 3}, {toFloat(pi), toFloat(po), toFloat(pf)}))
                           .set("hidden_size", std::int64_t{1})
                           .outputs(3)
                           .run();
  const double i = sigmoid(wi * x + 0.25 * h + 1 + pi * c);
  const double f = sigmoid(wf * x + 0.25 * h + 3 + pf * c);
  const double newC = f * c + i * std::tanh(wc * x + 0.25 * h + 3);
  const double newH = sigmoid(wo * x + 0.25 * h + 2 + po * newC) * std::tanh(newC);
  expectFloats(results, {1, 1, 1, 1}, {toFloat(newH)});
  expectFloats(results, {1, 1, 1}, {toFloat(newH)}, 1);
  expectFloats(results, {1, 1, 1}, {toFloat(newC)}, 2);
}

TEST(LSTM, CouplesForgetAndInputGate) {
  const auto results = OneNode("LSTM", 14)
                           .input(filled({1, 1, 1}, 1))
                           .input(filled({1, 4, 1}, 1))
                           .input(filled({1, 4, 1}, 0))
                           .left()
                           .left()
                           .left()
                           .input(filled({1, 1, 1}, 2))
                           .set("hidden_size", std::int64_t{1})
                           .set("input_forget", std::int64_t{1})
                           .outputs(3)
                           .run();
  const double i = sigmoid(1);
  expectFloats(results, {1, 1, 1}, {toFloat((1 - i) * 2 + i * std::tanh(1.0))}, 2);
}

TEST(GRU, ResetsBeforeOrAfterTheProduct) {
  const double x = 1, h = 0.5, rb = 0.3;
  for (std::int64_t after : {0, 1}) {
    const auto results = OneNode("GRU", 14)
                             .input(filled({1, 1, 1}, toFloat(x)))
                             .input(floats({1, 3, 1}, {0.1f, 0.2f, 0.4f}))
                             .input(floats({1, 3, 1}, {0.5f, 0.6f, 0.7f}))
                             .input(floats({1, 6}, {0, 0, 0, 0, 0, toFloat(rb)}))
                             .left()
                             .input(filled({1, 1, 1}, toFloat(h)))
                             .set("hidden_size", std::int64_t{1})
                             .set("linear_before_reset", after)
                             .outputs(2)
                             .run();
    const double z = sigmoid(0.1 * x + 0.5 * h), r = sigmoid(0.2 * x + 0.6 * h);
    const double candidate = std::tanh(0.4 * x + (after ? r * (0.7 * h + rb) : 0.7 * r * h + rb));
    expectFloats(results, {1, 1, 1}, {toFloat((1 - z) * candidate + z * h)}, 1);
  }
}

TEST(LSTM, InfersItsOutputsFromPartlyKnownShapes) {
  const auto inferred = OneNode("LSTM", 14)
                            .input(DataType::Float32, {kUnknownDim, 2, 10})
                            .input(DataType::Float32, {1, 20, 10})
                            .input(DataType::Float32, {1, 20, 5})
                            .outputs(3)
                            .infer();
  ASSERT_TRUE(inferred.ok()) << inferred.error().line();
  EXPECT_EQ((*inferred)[0].desc.shape, (Shape{kUnknownDim, 1, 2, 5}));
  EXPECT_EQ((*inferred)[2].desc.shape, (Shape{1, 2, 5}));
}

} // namespace
} // namespace tandem
