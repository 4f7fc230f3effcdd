// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/devices/cpu_support.hpp"

#include <gmock/gmock.h>

namespace tandem {
namespace {

using namespace test;
using testing::StartsWith;
using Ints = std::vector<std::int64_t>;

struct ConvCase {
  Shape x, w;
  Ints strides, pads, dilations;
  std::int64_t group;
};

class CpuConv : public testing::TestWithParam<ConvCase> {};

TEST_P(CpuConv, MatchesTheReference) {
  const ConvCase& c = GetParam();
  for (bool bias : {true, false}) {
    GraphMaker maker;
    const ValueId x = maker.input(c.x);
    std::vector<ValueId> inputs{x, maker.weights(c.w)};
    if (bias) inputs.push_back(maker.weights({c.w[0]}));
    maker.finish({maker.node(
        "Conv", inputs,
        attributes({{"strides", c.strides}, {"pads", c.pads}, {"dilations", c.dilations}, {"group", c.group}}))});
    EXPECT_THAT(expectLikeReference(maker.graph), StartsWith("onednn"));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, CpuConv,
    testing::Values(ConvCase{{1, 3, 17, 19}, {16, 3, 3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}, 1},
                    ConvCase{{3, 16, 9, 7}, {32, 16, 1, 1}, {1, 1}, {0, 0, 0, 0}, {1, 1}, 1},
                    ConvCase{{1, 5, 11, 13}, {7, 5, 3, 5}, {1, 2}, {0, 1, 2, 3}, {1, 1}, 1},
                    ConvCase{{1, 16, 12, 12}, {16, 1, 3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 16},
                    ConvCase{{3, 24, 13, 11}, {24, 1, 5, 5}, {2, 2}, {2, 2, 2, 2}, {1, 1}, 24},
                    ConvCase{{1, 8, 10, 10}, {12, 4, 3, 3}, {1, 1}, {2, 2, 2, 2}, {2, 2}, 2},
                    ConvCase{{1, 6, 8, 8}, {9, 2, 3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}, 3},
                    ConvCase{{2, 4, 20}, {8, 4, 3}, {2}, {1, 0}, {1}, 1},
                    ConvCase{{1, 3, 6, 7, 8}, {4, 3, 2, 3, 3}, {1, 1, 1}, {0, 1, 1, 1, 1, 1}, {1, 1, 1}, 1}));

TEST(CpuConvolution, TakesComputedWeights) {
  GraphMaker maker;
  const ValueId x = maker.input({1, 8, 9, 9});
  const ValueId w = maker.input({16, 8, 3, 3});
  maker.finish({maker.node("Conv", {x, w}, attributes({{"pads", Ints{1, 1, 1, 1}}}))});
  EXPECT_THAT(expectLikeReference(maker.graph), StartsWith("onednn"));
}

TEST(CpuFusedConv, AppliesEveryActivation) {
  for (const char* name :
       {"", "Relu", "Clip", "LeakyRelu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Elu", "Gelu"}) {
    SCOPED_TRACE(name);
    GraphMaker maker;
    const ValueId x = maker.input({1, 16, 7, 9});
    Attributes fused = attributes({{"activation", std::string(name)}});
    if (std::string_view(name) == "Clip") {
      fused.set("activation_alpha", -0.25f);
      fused.set("activation_beta", 0.5f);
    }
    maker.finish(
        {maker.node("FusedConv", {x, maker.weights({24, 16, 1, 1}), maker.weights({24})}, fused, 1, "tandem")});
    EXPECT_THAT(expectLikeReference(maker.graph), StartsWith("onednn"));
  }
}

TEST(CpuFusedConv, AddsAResidualThatDiesOrLivesOn) {
  for (bool livesOn : {false, true}) {
    GraphMaker maker;
    const ValueId x = maker.input({3, 16, 7, 9});
    const ValueId a = maker.node("FusedConv", {x, maker.weights({16, 16, 1, 1}), maker.weights({16})},
                                 attributes({{"activation", std::string("Relu")}}), 1, "tandem");
    const ValueId b =
        maker.node("FusedConv", {a, maker.weights({16, 16, 3, 3}), maker.weights({16}), a},
                   attributes({{"activation", std::string("Relu")}, {"pads", Ints{1, 1, 1, 1}}}), 1, "tandem");
    const ValueId c = maker.node("FusedConv", {b, maker.weights({16, 16, 3, 3}), ValueId{}, a},
                                 attributes({{"pads", Ints{1, 1, 1, 1}}}), 1, "tandem");
    if (livesOn)
      maker.finish({maker.node("Add", {c, a}), c});
    else
      maker.finish({c});
    expectLikeReference(maker.graph);
  }
}

} // namespace
} // namespace tandem
