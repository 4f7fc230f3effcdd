// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/cpu_devices.hpp"
#include "tests/devices/cpu_support.hpp"

#include <gmock/gmock.h>
#include <limits>

namespace tandem {
namespace {

using namespace test;
using testing::StartsWith;
using Ints = std::vector<std::int64_t>;

struct Sizes {
  std::int64_t batch, heads, queries, keys, depth, width;
};

const Attributes& headAttributes() {
  static const Attributes split = attributes({{"q_perm", Ints{0, 2, 1, 3}},
                                              {"k_perm", Ints{0, 2, 3, 1}},
                                              {"v_perm", Ints{0, 2, 1, 3}},
                                              {"y_perm", Ints{0, 2, 1, 3}},
                                              {"scale", 0.4f}});
  return split;
}

/// Attention whose heads lie beside each other in q, k, v and the result.
std::string expectAttention(const Sizes& s, const std::vector<TensorDesc>& masks, const Attributes& more = {}) {
  GraphMaker maker;
  std::vector<ValueId> inputs{maker.input({s.batch, s.queries, s.heads, s.depth}),
                              maker.input({s.batch, s.keys, s.heads, s.depth}),
                              maker.input({s.batch, s.keys, s.heads, s.width})};
  for (const TensorDesc& mask : masks)
    inputs.push_back(mask.type == DataType::Undefined ? ValueId() : maker.input(mask.shape, mask.type));
  Attributes all = headAttributes();
  for (const char* name : {"fill"})
    if (more.has(name)) all.set(name, more.getFloat(name, 0));
  if (more.has("inverted")) all.set("inverted", more.getInt("inverted", 0));
  maker.finish({maker.node("FusedAttention", inputs, all, 1, "tandem")});
  return expectLikeReference(maker.graph, 1e-5);
}

TEST(CpuAttention, MatchesTheReferenceForEverySize) {
  for (const Sizes& s : {Sizes{1, 2, 128, 128, 64, 64}, Sizes{2, 3, 33, 47, 16, 16}, Sizes{1, 1, 1, 1, 1, 1},
                         Sizes{2, 2, 1, 65, 8, 8}, Sizes{1, 4, 7, 5, 24, 20}, Sizes{1, 2, 64, 17, 40, 100}}) {
    SCOPED_TRACE(std::to_string(s.queries) + " queries, " + std::to_string(s.keys) + " keys, depth " +
                 std::to_string(s.depth));
    EXPECT_THAT(expectAttention(s, {}), StartsWith("attention"));
  }
}

TEST(CpuAttention, AddsMasksOfEveryShape) {
  const Sizes s{2, 3, 37, 21, 8, 8};
  for (const Shape& mask : {Shape{2, 3, 37, 21}, Shape{2, 1, 1, 21}, Shape{37, 21}, Shape{37, 1}, Shape{1}, Shape{},
                            Shape{2, 1, 37, 21}, Shape{3, 1, 21}}) {
    SCOPED_TRACE(mask.toString());
    EXPECT_THAT(expectAttention(s, {{DataType::Float32, mask}}), StartsWith("attention"));
  }
}

TEST(CpuAttention, KeepsOrFillsWhereAConditionSaysSo) {
  const Sizes s{2, 3, 37, 21, 8, 8};
  for (const Shape& keep : {Shape{2, 3, 37, 21}, Shape{2, 1, 1, 21}, Shape{37, 21}, Shape{37, 1}})
    for (std::int64_t inverted : {0, 1})
      for (float fill : {-1e4f, 0.3f}) {
        SCOPED_TRACE(keep.toString());
        EXPECT_THAT(
            expectAttention(s, {{}, {DataType::Bool, keep}}, attributes({{"fill", fill}, {"inverted", inverted}})),
            StartsWith("attention"));
      }
}

Tensor causal(std::int64_t queries, std::int64_t keys, float hidden) {
  Tensor mask = Tensor::zeros({DataType::Float32, {queries, keys}});
  for (std::int64_t i = 0; i < queries; ++i)
    for (std::int64_t j = i + 1; j < keys; ++j)
      mask.mutableAs<float>()[static_cast<std::size_t>(i * keys + j)] = hidden;
  return mask;
}

TEST(CpuAttention, WhatNobodySeesIsLeftOut) {
  for (float hidden : {-std::numeric_limits<float>::infinity(), std::numeric_limits<float>::lowest(), -1e4f}) {
    GraphMaker maker;
    const ValueId q = maker.input({1, 70, 2, 16}), k = maker.input({1, 70, 2, 16}), v = maker.input({1, 70, 2, 16});
    const ValueId mask = maker.constant(causal(70, 70, hidden));
    maker.finish({maker.node("FusedAttention", {q, k, v, mask}, headAttributes(), 1, "tandem")});
    EXPECT_THAT(expectLikeReference(maker.graph, 1e-5), StartsWith("attention"));
  }
}

TEST(CpuAttention, AQueryThatSeesNothingWeighsAllKeysAsTheSoftmaxDoes) {
  GraphMaker maker;
  const ValueId q = maker.input({1, 3, 1, 4}), k = maker.input({1, 9, 1, 4}), v = maker.input({1, 9, 1, 4});
  const ValueId keep = maker.constant(Tensor::zeros({DataType::Bool, {3, 9}}));
  Attributes all = headAttributes();
  all.set("fill", -1e4f);
  const ValueId conditioned = maker.node("FusedAttention", {q, k, v, ValueId(), keep}, all, 1, "tandem");
  Tensor lowest = Tensor::zeros({DataType::Float32, {3, 9}});
  for (float& each : lowest.mutableAs<float>()) each = std::numeric_limits<float>::lowest();
  const ValueId added = maker.node("FusedAttention", {q, k, v, maker.constant(lowest)}, headAttributes(), 1, "tandem");
  maker.finish({conditioned, added});
  expectLikeReference(maker.graph, 1e-5);
}

TEST(CpuAttention, ThreadsShareTheHeads) {
  GraphMaker maker;
  const ValueId q = maker.input({1, 200, 3, 16}), k = maker.input({1, 200, 3, 16}), v = maker.input({1, 200, 3, 16});
  const ValueId mask = maker.constant(causal(200, 200, -std::numeric_limits<float>::infinity()));
  maker.finish({maker.node("FusedAttention", {q, k, v, mask}, headAttributes(), 1, "tandem"),
                maker.node("FusedAttention", {q, k, v}, headAttributes(), 1, "tandem")});
  const auto devices = makeCpuDevices({});
  const std::vector<Tensor> inputs = randomInputs(maker.graph, 3);
  const auto expected = runReference(maker.graph, inputs);
  const auto actual = runOn(*devices.front(), maker.graph, inputs, {true, 2});
  for (std::size_t i = 0; i < expected.size(); ++i) expectNear(actual[i], expected[i], 1e-5, "output");
}

} // namespace
} // namespace tandem
