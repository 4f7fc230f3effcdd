// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/ops/one_node.hpp"

#include <cmath>
#include <limits>

namespace tandem {
namespace {

using Ints = std::vector<std::int64_t>;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

Tensor bools(Shape shape, std::initializer_list<bool> values) { return Tensor::of<bool>(std::move(shape), values); }

/// One head of size one: scores are q * k, so that results can be told by hand.
OneNode attention(int version, std::size_t queries, std::initializer_list<float> keys,
                  std::initializer_list<float> values) {
  const auto count = static_cast<std::int64_t>(keys.size());
  return OneNode("Attention", version)
      .input(filled({1, 1, static_cast<std::int64_t>(queries), 1}, 1))
      .input(floats({1, 1, count, 1}, keys))
      .input(floats({1, 1, count, 1}, values));
}

TEST(Attention, WeighsValuesBySoftmaxOfScores) {
  const float ratio = 1 / (1 + std::exp(-1.0f));
  expectFloats(attention(23, 1, {0, 1}, {10, 20}).run(), {1, 1, 1, 1}, {10 * (1 - ratio) + 20 * ratio});
  // A scale of zero makes all keys alike.
  expectFloats(attention(23, 1, {0, 1}, {10, 20}).set("scale", 0.0f).run(), {1, 1, 1, 1}, {15});
}

TEST(Attention, SeesNoLaterKeysWhenCausal) {
  expectFloats(attention(23, 2, {0, 0}, {10, 20}).set("is_causal", std::int64_t{1}).run(), {1, 1, 2, 1}, {10, 15});
}

TEST(Attention, CountsThePastIntoTheCausalOrder) {
  const auto results = attention(23, 1, {0}, {30})
                           .left()
                           .input(filled({1, 1, 2, 1}, 0))
                           .input(floats({1, 1, 2, 1}, {0, 60}))
                           .set("is_causal", std::int64_t{1})
                           .outputs(3)
                           .run();
  expectFloats(results, {1, 1, 1, 1}, {30});
  expectFloats(results, {1, 1, 3, 1}, {0, 0, 0}, 1);
  expectFloats(results, {1, 1, 3, 1}, {0, 60, 30}, 2);
}

TEST(Attention, GivesZeroWhereAMaskLeavesNoKey) {
  const auto results = attention(23, 2, {0, 0}, {10, 20})
                           .input(bools({2, 2}, {false, false, false, true}))
                           .outputs(4)
                           .set("qk_matmul_output_mode", std::int64_t{3})
                           .run();
  expectFloats(results, {1, 1, 2, 1}, {0, 20});
  expectFloats(results, {1, 1, 2, 2}, {0, 0, 0, 1}, 3);
}

TEST(Attention, MasksKeysBeyondAShortMask) {
  expectFloats(attention(23, 1, {0, 0, 0}, {10, 20, 90}).input(filled({1, 2}, 0)).run(), {1, 1, 1, 1}, {15});
}

TEST(Attention, IgnoresPaddedKeysOfEachBatchEntry) {
  auto node = OneNode("Attention", 24)
                  .input(filled({2, 1, 1, 1}, 1))
                  .input(filled({2, 1, 2, 1}, 0))
                  .input(floats({2, 1, 2, 1}, {10, 20, 30, 50}))
                  .left()
                  .left()
                  .left()
                  .input(ints({1, 2}));
  expectFloats(node.run(), {2, 1, 1, 1}, {10, 40});
}

TEST(Attention, LooksThroughAWindow) {
  auto node = attention(25, 3, {0, 0, 0}, {10, 20, 30});
  node.set("left_window_size", std::int64_t{0}).set("right_window_size", std::int64_t{1});
  expectFloats(node.run(), {1, 1, 3, 1}, {15, 25, 30});
}

TEST(Attention, CapsScoresBeforeTheMask) {
  const auto results = attention(23, 1, {0, 1}, {10, 20})
                           .input(floats({1, 2}, {0, -kInfinity}))
                           .outputs(4)
                           .set("softcap", 0.5f)
                           .set("qk_matmul_output_mode", std::int64_t{1})
                           .run();
  expectFloats(results, {1, 1, 1, 1}, {10});
  expectFloats(results, {1, 1, 1, 2}, {0, 0.5f * std::tanh(2.0f)}, 3);
}

TEST(Attention, SharesKeysBetweenGroupsOfPackedQueryHeads) {
  const auto results = OneNode("Attention", 23)
                           .input(filled({1, 1, 4}, 0))
                           .input(filled({1, 2, 2}, 0))
                           .input(floats({1, 2, 2}, {10, 1, 30, 3}))
                           .set("q_num_heads", std::int64_t{4})
                           .set("kv_num_heads", std::int64_t{2})
                           .run();
  expectFloats(results, {1, 1, 4}, {20, 20, 2, 2});
}

TEST(Attention, RefusesShapesThatDoNotGoTogether) {
  const auto node = [](Shape q, Shape k, Shape v) {
    return OneNode("Attention", 24)
        .input(counting(std::move(q)))
        .input(counting(std::move(k)))
        .input(counting(std::move(v)));
  };
  expectError(node({1, 1, 2, 2}, {1, 1, 2, 3}, {1, 1, 2, 2}).run(), "head size");
  expectError(node({1, 3, 2, 2}, {1, 2, 2, 2}, {1, 2, 2, 2}).run(), "no multiple");
  expectError(node({1, 2, 4}, {1, 2, 4}, {1, 2, 4}).run(), "q_num_heads");
  expectError(node({1, 1, 2, 2}, {1, 1, 2, 2}, {1, 1, 2, 2}).input(counting({3, 2})).run(), "mask");
  expectError(node({1, 1, 2, 2}, {1, 1, 2, 2}, {1, 1, 2, 2}).left().left().left().input(ints({9})).run(), "holds 9");
}

TEST(Attention, RefusesHeadsThatNoSizeBacks) {
  expectError(OneNode("Attention", 23)
                  .input(counting({1, 1, 0}))
                  .input(counting({1, 1, 1}))
                  .input(counting({1, 1, 1}))
                  .set("q_num_heads", std::int64_t{1} << 62)
                  .set("kv_num_heads", std::int64_t{1})
                  .run(),
              "q_num_heads");
}

TEST(Attention, CostsBothProducts) {
  const auto node = OneNode("Attention", 23)
                        .input(DataType::Float32, {2, 4, 8, 16})
                        .input(DataType::Float32, {2, 4, 8, 16})
                        .input(DataType::Float32, {2, 4, 8, 16});
  EXPECT_DOUBLE_EQ(node.flops(), 2.0 * 4 * 8 * 8 * (4 * 16 + 5));
}

OneNode linearAttention(const char* rule) {
  return OneNode("LinearAttention", 27)
      .input(floats({1, 2, 1}, {1, 1}))
      .input(floats({1, 2, 1}, {1, 1}))
      .input(floats({1, 2, 1}, {3, 5}))
      .set("q_num_heads", std::int64_t{1})
      .set("kv_num_heads", std::int64_t{1})
      .set("update_rule", std::string(rule))
      .outputs(2);
}

TEST(LinearAttention, SumsUpFadesAndCorrects) {
  const float half = std::log(0.5f);
  expectFloats(linearAttention("linear").run(), {1, 2, 1}, {3, 8});
  expectFloats(linearAttention("gated").left().input(filled({1, 2, 1}, half)).run(), {1, 2, 1}, {3, 6.5f});
  expectFloats(linearAttention("delta").left().left().input(filled({1, 2, 1}, 1)).run(), {1, 2, 1}, {3, 5});
  const auto both = linearAttention("gated_delta")
                        .input(filled({1, 1, 1, 1}, 4))
                        .input(filled({1, 2, 1}, half))
                        .input(filled({1, 2, 1}, 0.5f));
  expectFloats(both.run(), {1, 2, 1}, {2.5f, 3.125f});
  expectFloats(both.run(), {1, 1, 1, 1}, {3.125f}, 1);
}

TEST(LinearAttention, RefusesInputsThatTheRuleDoesNotTake) {
  expectError(linearAttention("gated").run(), "update_rule");
  expectError(linearAttention("fancy").run(), "fancy");
}

TEST(CausalConvWithState, ContinuesWhereThePastEnds) {
  const auto node = [] {
    return OneNode("CausalConvWithState", 27)
        .input(floats({1, 1, 2}, {3, 4}))
        .input(floats({1, 1, 3}, {1, 10, 100}))
        .outputs(2);
  };
  expectFloats(node().run(), {1, 1, 2}, {300, 430});
  const auto results = node().left().input(floats({1, 1, 2}, {1, 2})).run();
  expectFloats(results, {1, 1, 2}, {321, 432});
  expectFloats(results, {1, 1, 2}, {3, 4}, 1);
}

TEST(RotaryEmbedding, TurnsPairsByThePositionsAngle) {
  const auto node = [] {
    return OneNode("RotaryEmbedding", 23)
        .input(floats({1, 1, 1, 4}, {1, 2, 3, 4}))
        .input(floats({2, 2}, {1, 1, 0, 0}))
        .input(floats({2, 2}, {0, 0, 1, 1}))
        .input(Tensor::of<std::int64_t>({1, 1}, {1}));
  };
  expectFloats(node().run(), {1, 1, 1, 4}, {-3, -4, 1, 2});
  expectFloats(node().set("interleaved", std::int64_t{1}).run(), {1, 1, 1, 4}, {-2, 1, -4, 3});
}

TEST(RotaryEmbedding, RefusesPositionsOutsideTheCaches) {
  expectError(OneNode("RotaryEmbedding", 23)
                  .input(counting({1, 1, 1, 2}))
                  .input(counting({2, 1}))
                  .input(counting({2, 1}))
                  .input(Tensor::of<std::int64_t>({1, 1}, {2}))
                  .run(),
              "position 2");
}

TEST(SwiGLU, GatesWithoutBroadcasting) {
  const auto node = [](Shape b) {
    return OneNode("SwiGLU", 28).input(floats({2}, {0, 2})).input(counting(std::move(b), 3));
  };
  expectFloats(node({2}).run(), {2}, {0, 2 / (1 + std::exp(-2.0f)) * 4});
  expectError(node({1}).run(), "differ in shape");
}

TEST(TensorScatter, WritesAtAnIndexPerBatchEntry) {
  const auto node = [](const char* mode) {
    return OneNode("TensorScatter", 24)
        .input(filled({2, 3, 1}, 0))
        .input(floats({2, 2, 1}, {1, 2, 3, 4}))
        .input(ints({1, 2}))
        .set("mode", std::string(mode));
  };
  expectFloats(node("circular").run(), {2, 3, 1}, {0, 1, 2, 4, 0, 3});
  expectError(node("linear").run(), "leaves the cache");
}

} // namespace
} // namespace tandem
