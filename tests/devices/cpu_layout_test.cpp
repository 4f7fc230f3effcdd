// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/devices/cpu_support.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

using namespace test;
using Ints = std::vector<std::int64_t>;

TEST(CpuLayouts, PassedThroughAndDoubledOutputsAreWritten) {
  GraphMaker maker;
  const ValueId x = maker.input({2, 3});
  const ValueId w = maker.weights({4});
  const ValueId y = maker.node("Relu", {x});
  maker.finish({x, y, w, y});
  expectLikeReference(maker.graph);
}

TEST(CpuLayouts, ChainsOfUnaryNodesKeepWhatOthersStillNeed) {
  GraphMaker maker;
  const ValueId x = maker.input({2, 16, 5, 5});
  const ValueId c = maker.node("Conv", {x, maker.weights({16, 16, 1, 1})});
  const ValueId r = maker.node("Relu", {c});
  const ValueId s = maker.node("Sigmoid", {r});
  const ValueId t = maker.node("Tanh", {r});
  maker.finish({maker.node("Mul", {s, t}), c});
  expectLikeReference(maker.graph);
}

ValueId conv(GraphMaker& maker, ValueId x, std::int64_t from, std::int64_t to, std::int64_t kernel = 1) {
  const std::int64_t pad = kernel / 2;
  return maker.node("Conv", {x, maker.weights({to, from, kernel, kernel}), maker.weights({to})},
                    attributes({{"pads", Ints{pad, pad, pad, pad}}}));
}

TEST(CpuLayouts, WholeChainFromConvolutionToGemm) {
  for (std::int64_t batch : {1, 3}) {
    GraphMaker maker;
    const ValueId x = maker.input({batch, 3, 16, 16});
    const ValueId a = maker.node("Relu", {conv(maker, x, 3, 32, 3)});
    const ValueId b = maker.node("Relu", {conv(maker, a, 32, 16)});
    const ValueId c = maker.node("Relu", {conv(maker, a, 32, 16, 3)});
    const ValueId joined = maker.node("Concat", {b, c}, attributes({{"axis", std::int64_t{1}}}));
    const ValueId d = conv(maker, joined, 32, 24);
    const ValueId p = maker.node("MaxPool", {d}, attributes({{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}}));
    const ValueId f = maker.node("Flatten", {p});
    maker.finish({maker.node("Gemm", {f, maker.weights({10, 24 * 64}), maker.weights({10})},
                             attributes({{"transB", std::int64_t{1}}}))});
    expectLikeReference(maker.graph);
  }
}

TEST(CpuLayouts, ConcatOfOddChannelsPlainPartsAndRepeatedParts) {
  for (std::int64_t batch : {1, 2}) {
    GraphMaker maker;
    const ValueId x = maker.input({batch, 3, 6, 6});
    const ValueId a = conv(maker, x, 3, 5);
    const ValueId b = conv(maker, x, 3, 16, 3);
    const ValueId s = maker.node("Softmax", {x});
    const ValueId joined = maker.node("Concat", {a, b, s, x, b}, attributes({{"axis", std::int64_t{1}}}));
    const ValueId rows = maker.node("Concat", {joined, joined}, attributes({{"axis", std::int64_t{2}}}));
    maker.finish({joined, maker.node("Relu", {rows}), conv(maker, joined, 43, 8)});
    expectLikeReference(maker.graph);
  }
}

TEST(CpuLayouts, DenseBlocksJoinTheSameValueTwice) {
  GraphMaker maker;
  const ValueId x = maker.input({1, 16, 8, 8});
  const ValueId a = conv(maker, x, 16, 16);
  const ValueId b = conv(maker, a, 16, 16, 3);
  const ValueId ab = maker.node("Concat", {a, b}, attributes({{"axis", std::int64_t{1}}}));
  const ValueId c = conv(maker, maker.node("Relu", {ab}), 32, 16);
  const ValueId abc = maker.node("Concat", {ab, c}, attributes({{"axis", std::int64_t{1}}}));
  maker.finish({maker.node("Relu", {abc}), b});
  expectLikeReference(maker.graph);
}

TEST(CpuLayouts, PlainConcatWithoutOuterDimsIsWrittenInPlace) {
  GraphMaker maker;
  const ValueId x = maker.input({1, 4, 6});
  const ValueId a = maker.node("Sigmoid", {x});
  const ValueId b = maker.node("Tanh", {x});
  const ValueId joined = maker.node("Concat", {a, b, x}, attributes({{"axis", std::int64_t{1}}}));
  maker.finish({joined, maker.node("Neg", {a})});
  expectLikeReference(maker.graph);
}

TEST(CpuLayouts, PartsOfNestedConcatsAreReadAfterTheOutermostIsGone) {
  GraphMaker maker;
  const ValueId x = maker.input({1, 4, 6});
  const auto join = [&](ValueId a, ValueId b) {
    return maker.node("Concat", {a, b}, attributes({{"axis", std::int64_t{1}}}));
  };
  const ValueId a = maker.node("Sigmoid", {x});
  const ValueId b = maker.node("Tanh", {x});
  const ValueId ab = join(a, b);
  const ValueId abc = join(ab, maker.node("Exp", {x}));
  const ValueId abcd = join(maker.node("Neg", {x}), abc);
  const ValueId last = maker.node("Relu", {abcd}); // the last reader of the whole
  const ValueId sum = maker.node("Add", {maker.node("Abs", {ab}), maker.node("Sqrt", {maker.node("Exp", {ab})})});
  maker.finish({last, sum, maker.node("Neg", {abc})});
  expectLikeReference(maker.graph);
}

TEST(CpuLayouts, ChannelsAreScaledInEveryLayout) {
  for (bool afterConvolution : {false, true}) {
    GraphMaker maker;
    const ValueId x = maker.input({2, 32, 5, 7});
    const ValueId from = afterConvolution ? conv(maker, x, 32, 32, 3) : x;
    const auto scaled = [&](std::string type, ValueId bias) {
      const ValueId taps =
          maker.node(type, {from, maker.weights({32, 1, 1, 1}), bias}, attributes({{"group", std::int64_t{32}}}));
      return maker.node("Relu", {taps});
    };
    maker.finish({scaled("Conv", maker.weights({32})), scaled("Conv", {}), maker.node("Neg", {from})});
    expectLikeReference(maker.graph);
  }
}

TEST(CpuLayouts, ChannelsAreGatheredInEveryLayout) {
  for (std::int64_t groups : {0, 2, 3, 4, 6, 8}) {
    GraphMaker maker;
    const ValueId x = maker.input({2, 48, 5, 7});
    std::vector<std::int64_t> indices{3, 47, 0, 0, -1};
    if (groups > 0) {
      indices.clear();
      for (std::int64_t i = 0; i < 48; ++i) indices.push_back(i % groups * (48 / groups) + i / groups);
    }
    const Shape shape{static_cast<std::int64_t>(indices.size())};
    const ValueId list = maker.constant(Tensor::of<std::int64_t>(shape, std::span<const std::int64_t>(indices)));
    const auto gather = [&](ValueId from) {
      return maker.node("Gather", {from, list}, attributes({{"axis", std::int64_t{1}}}));
    };
    const ValueId c = conv(maker, x, 48, 48, 3);
    maker.finish({gather(c), gather(x), maker.node("Relu", {c})});
    expectLikeReference(maker.graph);
  }
}

TEST(CpuLayouts, PicturesOnePixelWideAreConvolvedAlongTheirHeight) {
  for (std::int64_t channels : {5, 32}) {
    GraphMaker maker;
    const ValueId x = maker.input({2, channels, 50, 1});
    const auto column = [&](ValueId from, Ints strides) {
      return maker.node("Conv", {from, maker.weights({channels, channels, 5, 1}), maker.weights({channels})},
                        attributes({{"pads", Ints{2, 0, 1, 0}}, {"strides", strides}}));
    };
    const ValueId a = maker.node("Relu", {column(x, {1, 1})});
    const ValueId b = maker.node("Add", {column(a, {2, 1}), maker.weights({channels, 1, 1})});
    maker.finish({b, maker.node("Transpose", {a}, attributes({{"perm", Ints{0, 2, 3, 1}}}))});
    expectLikeReference(maker.graph);
  }
}

TEST(CpuLayouts, SpatialAxesOfOneComeAndGo) {
  GraphMaker maker;
  const ValueId x = maker.input({2, 5, 40, 1});
  const ValueId c = maker.node("Conv", {x, maker.weights({7, 5, 3, 1})});
  const auto shape = [&](Ints values) {
    const Shape count{static_cast<std::int64_t>(values.size())};
    return maker.constant(Tensor::of<std::int64_t>(count, std::span<const std::int64_t>(values)));
  };
  const ValueId row = maker.node("Reshape", {c, shape({2, 7, 38})});
  const ValueId picture = maker.node("Reshape", {row, shape({2, 7, 1, 38})});
  const ValueId halves = maker.node("Reshape", {row, shape({2, 7, 2, 19})});
  maker.finish({maker.node("GlobalMaxPool", {row}), maker.node("Relu", {picture}), maker.node("Neg", {halves}), row});
  expectLikeReference(maker.graph);
}

TEST(CpuLayouts, ViewsOfBlockedValuesAndOutputsKeepTheirElements) {
  GraphMaker maker;
  const ValueId x = maker.input({2, 3, 6, 6});
  const ValueId c = conv(maker, x, 3, 16, 3);
  const ValueId id = maker.node("Identity", {c});
  const ValueId flat = maker.node("Flatten", {id});
  const ValueId relu = maker.node("Relu", {flat});
  maker.finish({id, flat, maker.node("Neg", {relu}), maker.node("Flatten", {x})});
  expectLikeReference(maker.graph);
}

TEST(CpuLayouts, ChannelScalesOnConvolutionResults) {
  for (std::int64_t batch : {1, 3}) {
    GraphMaker maker;
    const ValueId x = maker.input({batch, 16, 9, 7});
    const ValueId c = conv(maker, x, 16, 32, 3);
    const ValueId pooled = maker.node("GlobalAveragePool", {c});
    const ValueId gate = maker.node("HardSigmoid", {conv(maker, pooled, 32, 32)});
    const ValueId scaled = maker.node("Mul", {c, gate});
    const ValueId shifted = maker.node("Add", {scaled, maker.weights({32, 1, 1})});
    const ValueId halved = maker.node("Mul", {maker.constant(Tensor::scalar(0.5f)), shifted});
    maker.finish({maker.node("Add", {halved, c})});
    expectLikeReference(maker.graph);
  }
}

TEST(CpuLayouts, TransposesAroundConvolutionsOnlyRenameAxes) {
  GraphMaker maker;
  const ValueId x = maker.input({2, 9, 7, 16});
  const ValueId front = maker.node("Transpose", {x}, attributes({{"perm", Ints{0, 3, 1, 2}}}));
  const ValueId c = conv(maker, front, 16, 24, 3);
  const ValueId back = maker.node("Transpose", {c}, attributes({{"perm", Ints{0, 2, 3, 1}}}));
  maker.finish({back, front, maker.node("Relu", {c})});
  EXPECT_EQ(expectLikeReference(maker.graph), "view");
}

} // namespace
} // namespace tandem
