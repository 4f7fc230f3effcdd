// SPDX-License-Identifier: GPL-3.0-or-later
// Shapes that the kernels for CPUs treat in a way of their own: blocks of 16 channels that are not full, zeros around
// pictures, lines that are no whole number of vectors.
#include "tests/devices/opencl_test_util.hpp"

#include <cmath>

namespace tandem::test {
namespace {

using Ints = std::vector<std::int64_t>;

/// A value in blocks: what a convolution makes. With `kernel` 3, the convolutions after it want zeros around it.
ValueId convolved(GraphBuilder& b, ValueId x, std::int64_t from, std::int64_t to, std::uint32_t seed,
                  std::int64_t kernel = 1) {
  const std::int64_t pad = kernel / 2;
  const float most = 2 / std::sqrt(static_cast<float>(from * kernel * kernel)); // results as large as inputs
  return b.add("Conv", {x, b.constant(randomTensor({to, from, kernel, kernel}, seed, -most, most))},
               attributes({{"pads", Ints{pad, pad, pad, pad}}}));
}

Attributes axis(std::int64_t value) { return attributes({{"axis", value}}); }

TEST(JoinsOnOpenCl, PartsAreReadWhereTheyLieInTheWhole) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({2, 9, 10, 11}, 1));
  const ValueId a = convolved(b, x, 9, 16, 2), c = convolved(b, x, 9, 32, 3), d = convolved(b, x, 9, 20, 4);
  const ValueId whole = b.add("Concat", {a, c, d}, axis(1));
  b.output(convolved(b, whole, 68, 17, 5, 3));
  // The middle and the last part have readers of their own, which want zeros around them.
  b.output(convolved(b, c, 32, 19, 6, 5));
  b.output(b.add("Conv", {c, b.constant(randomTensor({32, 1, 3, 3}, 7))},
                 attributes({{"pads", Ints{1, 1, 1, 1}}, {"group", std::int64_t{32}}})));
  b.output(b.add("MaxPool", {d}, attributes({{"kernel_shape", Ints{3, 3}}})));
  b.output(b.add("Add", {d, convolved(b, x, 9, 20, 8)}));
  b.output(d);
  expectSameAsReference(b);
}

TEST(JoinsOnOpenCl, LieInsideEachOther) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({1, 16, 6, 5}, 1));
  std::vector<ValueId> parts{convolved(b, x, 16, 32, 2)};
  ValueId chain = parts[0];
  for (std::uint32_t i = 0; i < 3; ++i) { // as DenseNet grows, once pair by pair and once from lists
    const std::int64_t channels = 32 + 16 * static_cast<std::int64_t>(i);
    chain = b.add("Concat", {chain, convolved(b, chain, channels, 16, 10 + i, 3)}, axis(1));
    const ValueId list = b.add("Concat", parts, axis(1));
    parts.push_back(convolved(b, list, channels, 16, 20 + i, 3));
    b.output(b.add("Sigmoid", {list}));
  }
  b.output(b.add("Sigmoid", {chain}));
  b.output(b.add("Sigmoid", {b.add("Concat", parts, axis(-3))}));
  expectSameAsReference(b);
}

TEST(JoinsOnOpenCl, CopyPartsThatLieElsewhere) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({2, 16, 7, 3}, 1));
  const ValueId a = convolved(b, x, 16, 16, 2), c = convolved(b, x, 16, 48, 3, 3);
  const ValueId rows =
      b.add("Transpose", {b.input("turned", randomTensor({2, 3, 7, 16}, 4))}, attributes({{"perm", Ints{0, 3, 2, 1}}}));
  for (const std::vector<ValueId>& parts :
       {std::vector{a, c}, std::vector{c, a}, std::vector{a, a}, std::vector{x, a}, std::vector{a, rows, c}})
    b.output(b.add("Sigmoid", {b.add("Concat", parts, axis(1))}));
  b.output(convolved(b, b.add("Identity", {c}), 48, 5, 6, 3));
  expectSameAsReference(b);
}

TEST(HalosOnOpenCl, StayZeroOverRepeatedRuns) {
  GraphBuilder b;
  const ValueId small = b.input("small", randomTensor({2, 8, 9, 9}, 1));
  // Larger than what keeps its zeros.
  const ValueId large = b.input("large", randomTensor({1, 8, 190, 190}, 2));
  for (ValueId x : {small, large}) {
    ValueId y = convolved(b, x, 8, 18, 3, 3);
    for (std::uint32_t i = 0; i < 4; ++i) y = b.add("Sigmoid", {convolved(b, y, 18, 18, 4 + i, 3)});
    b.output(y);
  }
  expectSameAsReference(b);
}

TEST(GatherOnOpenCl, PutsChannelsInAnotherOrder) {
  for (std::int64_t groups : {2, 3, 4, 5}) {
    const std::int64_t channels = groups * 14; // the groups begin and end inside blocks
    GraphBuilder b;
    const ValueId x = b.input("x", randomTensor({2, 9, 5, 6}, 1));
    const ValueId y = convolved(b, x, 9, channels, 2);
    Ints shuffled, some;
    for (std::int64_t i = 0; i < channels; ++i) shuffled.push_back(i % groups * 14 + i / groups);
    for (std::int64_t i = 0; i < 21; ++i) some.push_back(i * 5 % channels - (i % 2 == 0 ? 0 : channels));
    for (const Ints& order : {shuffled, some}) {
      const auto count = static_cast<std::int64_t>(order.size());
      const ValueId index = b.constant(Tensor::of<std::int64_t>(Shape{count}, std::span<const std::int64_t>(order)));
      const ValueId gathered = b.add("Gather", {y, index}, axis(1));
      b.output(convolved(b, gathered, count, 7, 3, 3));
      b.output(gathered);
      b.output(b.add("Gather", {x, b.constant(Tensor::of<std::int64_t>(Shape{2}, {1, -2}))}, axis(3)));
    }
    expectSameAsReference(b);
  }
}

TEST(RecurrentOnOpenCl, PacksGatesOfAnySize) {
  // Whole vectors, chunks of 8, 4 and 1 of them, and a vector that is not full.
  for (std::int64_t hidden : {16, 40, 100}) {
    GraphBuilder b;
    const ValueId x = b.input("x", randomTensor({13, 2, 7}, 1));
    const auto most = 1.5f / std::sqrt(static_cast<float>(hidden));
    for (const auto& [op, gates] : {std::pair{"RNN", 1}, std::pair{"GRU", 3}, std::pair{"LSTM", 4}}) {
      const ValueId w = b.constant(randomTensor({2, gates * hidden, 7}, 2));
      const ValueId r = b.constant(randomTensor({2, gates * hidden, hidden}, 3, -most, most));
      const ValueId late = b.input(op, randomTensor({2, gates * hidden, hidden}, 3, -most, most));
      const ValueId bias = b.constant(randomTensor({2, 2 * gates * hidden}, 4));
      Attributes a = attributes({{"hidden_size", hidden}, {"direction", std::string("bidirectional")}});
      b.output(b.addMany(op, {x, w, late, bias}, 2, a)[0]); // weights that arrive at run time are not packed
      for (ValueId result : b.addMany(op, {x, w, r, bias}, 2, a)) b.output(result);
      if (gates == 3) a.set("linear_before_reset", std::int64_t{1});
      if (gates == 4) a.set("input_forget", std::int64_t{1});
      for (ValueId result : b.addMany(op, {x, w, r, bias}, 2, a)) b.output(result);
    }
    expectSameAsReference(b);
  }
}

TEST(PoolOnOpenCl, SharesColumnsBetweenWindows) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({2, 5, 23, 37}, 1));
  const ValueId y = convolved(b, x, 5, 20, 2);
  b.output(convolved(b, y, 20, 3, 3, 3)); // zeros around the input of the pools, which must not count
  struct Window {
    std::int64_t kernel, stride, pad, dilation = 1;
  };
  for (const Window& w : {Window{3, 1, 1}, Window{3, 2, 1}, Window{13, 1, 6}, Window{2, 2, 0}, Window{3, 5, 0},
                          Window{5, 1, 4, 2}, Window{9, 7, 3, 2}})
    for (const char* op : {"MaxPool", "AveragePool"}) {
      const Attributes a = attributes({{"kernel_shape", Ints{w.kernel, w.kernel}},
                                       {"strides", Ints{w.stride, w.stride}},
                                       {"pads", Ints{w.pad, w.pad, w.pad, w.pad}},
                                       {"dilations", Ints{w.dilation, w.dilation}}});
      b.output(b.add(op, {b.add("Sub", {y, b.constant(Tensor::scalar(5.0f))})}, a));
      b.output(b.add(op, {x}, a)); // put into blocks for the pool alone
    }
  expectSameAsReference(b);
}

TEST(MoveOnOpenCl, TurnsPlanesByTilesAndSplitsLongRuns) {
  GraphBuilder b;
  const auto turn = [&](ValueId x, Ints perm) { b.output(b.add("Transpose", {x}, attributes({{"perm", perm}}))); };
  const ValueId x = b.input("x", randomTensor({3, 37, 5, 129}, 1));
  for (const Ints& perm : {Ints{0, 3, 2, 1}, Ints{3, 0, 1, 2}, Ints{2, 3, 0, 1}, Ints{0, 2, 1, 3}}) turn(x, perm);
  turn(b.input("wide", randomTensor({85, 300}, 2)), {1, 0});
  turn(b.input("narrow", randomTensor({15, 300}, 3)), {1, 0});
  const ValueId bytes = b.add("Greater", {x, b.constant(Tensor::scalar(0.0f))});
  turn(bytes, {0, 3, 2, 1});
  const ValueId line = b.input("line", randomTensor({2, 10007}, 4));
  const auto slice = [&](ValueId in, std::int64_t step) {
    const auto list = [&](std::int64_t value) { return b.constant(Tensor::of<std::int64_t>(Shape{1}, {value})); };
    b.output(b.add("Slice", {in, list(1), list(1 << 20), list(-1), list(step)}));
  };
  for (std::int64_t step : {1, 2, 3}) slice(line, step), slice(bytes, step);
  b.output(b.add("Concat", {line, b.input("more", randomTensor({2, 30000}, 5))}, axis(1)));
  expectSameAsReference(b, 0, 0);
}

TEST(ReduceOnOpenCl, FoldsLinesAndColumnsOfAnyLength) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({3, 67, 1, 21}, 1, 0.9f, 1.1f));
  const ValueId lines = b.input("lines", randomTensor({70, 101}, 2, 0.9f, 1.1f));
  const auto list = [&](const Ints& values) {
    return b.constant(Tensor::of<std::int64_t>(Shape{static_cast<std::int64_t>(values.size())},
                                               std::span<const std::int64_t>(values)));
  };
  for (const char* op : {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
                         "ReduceSumSquare", "ReduceLogSum"}) {
    for (const Ints& axes : {Ints{1}, Ints{1, 2}, Ints{2, 3}, Ints{0, 1, 2, 3}, Ints{0, 3}, Ints{2}})
      b.output(b.add(op, {x, list(axes)}));
    b.output(b.add(op, {lines, list({1})}));
    b.output(b.add(op, {lines, list({0})}));
  }
  expectSameAsReference(b, 2e-5, 3e-4);
}

TEST(PoolOnOpenCl, GlobalPoolsLeaveListsOfChannels) {
  for (std::int64_t channels : {32, 21}) {
    GraphBuilder b;
    const ValueId x = b.input("x", randomTensor({2, 5, 6, 7}, 1)), one = b.input("one", randomTensor({1, 5, 6, 7}, 2));
    for (ValueId in : {x, one}) {
      const ValueId pooled = b.add("GlobalAveragePool", {convolved(b, in, 5, channels, 3)});
      b.output(b.add("Softmax", {b.add("Flatten", {pooled})}));
      b.output(b.add("GlobalMaxPool", {convolved(b, in, 5, channels, 4)}));
      b.output(b.add("GlobalMaxPool", {in}));
    }
    expectSameAsReference(b);
  }
}

TEST(NormalizationOnOpenCl, TakesRunsOfAnyLength) {
  GraphBuilder b;
  const auto constant = [&](const Shape& shape, std::uint32_t seed) { return b.constant(randomTensor(shape, seed)); };
  const ValueId x = b.input("x", randomTensor({2, 12, 5, 7}, 1, -2, 3));
  for (std::int64_t groups : {1, 3, 12}) {
    const Attributes a = attributes({{"num_groups", groups}});
    b.output(b.add("GroupNormalization", {x, constant({12}, 2), constant({12}, 3)}, a));
    b.output(b.add("GroupNormalization", {x, constant({groups}, 2), constant({groups}, 3)}, a, "", 18));
  }
  for (const Ints& axes : {Ints{2, 3}, Ints{1, 2, 3}, Ints{1}})
    b.output(b.add("MeanVarianceNormalization", {x}, attributes({{"axes", axes}})));
  const ValueId y = b.input("y", randomTensor({70, 3, 67}, 4, -2, 3));
  b.output(b.add("RMSNormalization", {y, constant({67}, 5)}, axis(-1), "", 23));
  b.output(b.add("RMSNormalization", {y, constant({3, 1}, 6)}, axis(1), "", 23));
  for (ValueId result : b.addMany("LayerNormalization", {y, constant({67}, 7), constant({1}, 8)}, 3)) b.output(result);
  expectSameAsReference(b, 1e-4, 1e-3);
}

TEST(LrnOnOpenCl, NormalizesOverChannelsOfNeighbouringBlocks) {
  for (std::int64_t channels : {3, 20, 37}) {
    GraphBuilder b;
    const ValueId x = b.input("x", randomTensor({2, 5, 6, 7}, 1));
    // Sigmoid leaves 0.5 in the channels behind the last: they must not count.
    const ValueId blocked = b.add("Sigmoid", {convolved(b, x, 5, channels, 2)});
    const ValueId plain = b.input("plain", randomTensor({2, channels, 5, 7}, 3, -2, 2));
    const ValueId list = b.input("list", randomTensor({3, channels}, 4, -2, 2));
    struct Case {
      std::int64_t size;
      float beta;
    };
    for (const Case& c : {Case{1, 0.5f}, Case{4, 0.75f}, Case{5, 0.6f}, Case{40, 1.0f}})
      for (ValueId in : {blocked, plain, list})
        b.output(b.add("LRN", {in}, attributes({{"size", c.size}, {"alpha", 0.3f}, {"beta", c.beta}, {"bias", 1.5f}})));
    expectSameAsReference(b);
  }
}

TEST(SoftmaxOnOpenCl, TakesLinesOfAnyLength) {
  GraphBuilder b;
  for (std::int64_t length : {1, 15, 16, 50, 129}) {
    const ValueId x = b.input("x" + std::to_string(length), randomTensor({37, length, 3}, 1, -30, 30));
    const ValueId flat = b.input("f" + std::to_string(length), randomTensor({37, length}, 2, -30, 30));
    for (const char* op : {"Softmax", "LogSoftmax"}) {
      b.output(b.add(op, {x}, attributes({{"axis", std::int64_t{1}}})));
      b.output(b.add(op, {flat}, attributes({{"axis", std::int64_t{1}}})));
      b.output(b.add(op, {flat}, attributes({{"axis", std::int64_t{0}}})));
    }
  }
  expectSameAsReference(b);
}

TEST(SoftmaxOnOpenCl, KeepsInfinitiesAndNaNToTheirLine) {
  GraphBuilder b;
  Tensor x = randomTensor({5, 21}, 1);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  x.mutableAs<float>()[3] = -kInfinity;
  x.mutableAs<float>()[20] = -kInfinity;
  x.mutableAs<float>()[21 + 18] = std::numeric_limits<float>::quiet_NaN();
  b.output(b.add("Softmax", {b.input("x", x)}));
  expectSameAsReference(b);
}

} // namespace
} // namespace tandem::test
