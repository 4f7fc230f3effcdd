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

TEST(CpuConvolution, ManyOutputsOfEachChannelAreNoScales) {
  const std::pair<Shape, Shape> cases[] = {
      {{1, 4, 10, 8}, {32, 1, 1, 1}}, {{3, 31, 29}, {62, 1, 1}}, {{2, 5, 3, 4, 5}, {15, 1, 1, 1, 1}}};
  for (const auto& [shape, weights] : cases) {
    GraphMaker maker;
    const ValueId x = maker.input(shape);
    const ValueId y =
        maker.node("Conv", {x, maker.weights(weights), maker.weights({weights[0]})}, attributes({{"group", shape[1]}}));
    maker.finish({maker.node("Relu", {y})});
    EXPECT_NE(expectLikeReference(maker.graph), "channel scale");
  }
}

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

TEST(CpuPool, MatchesTheReference) {
  struct Case {
    const char* type;
    Shape x;
    Attributes attributes;
  };
  const Ints two{2, 2}, three{3, 3}, pads{1, 1, 1, 1};
  const std::int64_t yes = 1;
  const std::vector<Case> cases{
      {"MaxPool", {1, 16, 9, 11}, attributes({{"kernel_shape", three}, {"strides", two}, {"pads", pads}})},
      {"MaxPool", {3, 5, 8, 8}, attributes({{"kernel_shape", two}, {"strides", two}})},
      {"MaxPool", {1, 4, 10, 10}, attributes({{"kernel_shape", three}, {"strides", two}, {"ceil_mode", yes}})},
      {"MaxPool", {1, 4, 10, 10}, attributes({{"kernel_shape", two}, {"dilations", three}})},
      {"MaxPool", {2, 3, 15}, attributes({{"kernel_shape", Ints{3}}})},
      {"MaxPool", {2, 16, 6, 7, 8}, attributes({{"kernel_shape", Ints{2, 3, 2}}, {"strides", Ints{2, 1, 2}}})},
      {"AveragePool", {1, 5, 6, 7, 8}, attributes({{"kernel_shape", Ints{2, 3, 2}}})},
      {"AveragePool", {1, 16, 9, 11}, attributes({{"kernel_shape", three}, {"strides", two}, {"pads", pads}})},
      {"AveragePool",
       {3, 5, 9, 9},
       attributes({{"kernel_shape", three}, {"strides", two}, {"pads", pads}, {"count_include_pad", yes}})},
      {"AveragePool",
       {1, 5, 10, 10},
       attributes({{"kernel_shape", three}, {"strides", two}, {"ceil_mode", yes}, {"count_include_pad", yes}})},
      {"AveragePool", {1, 5, 10, 10}, attributes({{"kernel_shape", three}, {"strides", two}, {"ceil_mode", yes}})},
      {"GlobalAveragePool", {3, 7, 5, 6}, {}},
      {"GlobalMaxPool", {1, 7, 5, 6}, {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.type) + " " + c.x.toString());
    GraphMaker maker;
    const ValueId x = maker.input(c.x);
    maker.finish({maker.node(c.type, {x}, c.attributes)});
    expectLikeReference(maker.graph);
  }
}

TEST(CpuPool, GivesIndicesToo) {
  GraphMaker maker;
  const ValueId x = maker.input({1, 2, 6, 6});
  const ValueId y = maker.node("MaxPool", {x}, attributes({{"kernel_shape", Ints{2, 2}}}), 2);
  maker.finish({y, maker.output(1)});
  EXPECT_EQ(expectLikeReference(maker.graph), "reference");
}

TEST(CpuConvTranspose, MatchesTheReference) {
  struct Case {
    Shape x, w;
    Attributes attributes;
    bool fast;
  };
  const std::int64_t two = 2;
  const std::vector<Case> cases{
      {{1, 6, 7, 5}, {6, 4, 3, 3}, attributes({{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}}), true},
      {{3, 4, 5, 5},
       {4, 8, 3, 3},
       attributes({{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}, {"output_padding", Ints{1, 1}}}),
       true},
      {{1, 8, 6, 6}, {8, 3, 2, 2}, attributes({{"strides", Ints{2, 2}}, {"group", two}}), true},
      {{1, 4, 9}, {4, 6, 4}, attributes({{"strides", Ints{2}}, {"dilations", Ints{2}}}), true},
      {{1, 4, 5, 5}, {4, 3, 2, 2}, attributes({{"strides", Ints{3, 3}}, {"output_shape", Ints{16, 16}}}), false}};
  for (const Case& c : cases) {
    for (bool constant : {true, false}) {
      SCOPED_TRACE(c.x.toString());
      GraphMaker maker;
      const ValueId x = maker.input(c.x);
      const ValueId w = constant ? maker.weights(c.w) : maker.input(c.w);
      const std::int64_t groups = c.attributes.getInt("group", 1);
      maker.finish({maker.node("ConvTranspose", {x, w, maker.weights({c.w[1] * groups})}, c.attributes)});
      const std::string kernel = expectLikeReference(maker.graph);
      if (c.fast) {
        EXPECT_THAT(kernel, StartsWith("onednn"));
      }
    }
  }
}

TEST(CpuConvTranspose, WindowsThatDoNotOverlapAreTilesOfAProduct) {
  struct Case {
    Shape x, w;
    Ints strides;
  };
  const std::vector<Case> cases{{{1, 24, 37, 30}, {24, 1, 2, 2}, {2, 2}},
                                {{2, 5, 7, 9}, {5, 3, 3, 2}, {3, 2}},
                                {{1, 16, 64, 80}, {16, 24, 2, 2}, {2, 2}},
                                {{3, 8, 1, 4}, {8, 2, 4, 4}, {4, 4}},
                                {{1, 3, 5, 6}, {3, 4, 1, 1}, {1, 1}}};
  for (const Case& c : cases)
    for (bool bias : {true, false})
      for (bool afterConvolution : {true, false}) {
        SCOPED_TRACE(c.x.toString());
        GraphMaker maker;
        ValueId x = maker.input(c.x);
        if (afterConvolution) x = maker.node("Conv", {x, maker.weights({c.x[1], c.x[1], 1, 1})});
        std::vector<ValueId> inputs{x, maker.weights(c.w)};
        if (bias) inputs.push_back(maker.weights({c.w[1]}));
        maker.finish({maker.node("Relu", {maker.node("ConvTranspose", inputs, attributes({{"strides", c.strides}}))})});
        const std::string first = expectLikeReference(maker.graph);
        if (!afterConvolution) {
          EXPECT_THAT(first, StartsWith("tiles"));
        }
      }
}

TEST(CpuTranspose, MovesAnyAxesOfAnyType) {
  for (DataType type : {DataType::Float32, DataType::Int32, DataType::Int64, DataType::Bool}) {
    for (const Ints& perm :
         {Ints{0, 2, 3, 1}, Ints{0, 3, 1, 2}, Ints{3, 1, 0, 2}, Ints{2, 0, 1, 3}, Ints{0, 1, 2, 3}}) {
      GraphMaker maker;
      const ValueId x = maker.input({2, 1, 5, 7}, type);
      const ValueId y = maker.input({2, 3, 5, 7}, type);
      maker.finish({maker.node("Transpose", {x}, attributes({{"perm", perm}})),
                    maker.node("Transpose", {y}, attributes({{"perm", perm}})), maker.node("Transpose", {y})});
      expectLikeReference(maker.graph);
    }
  }
}

TEST(CpuResize, MatchesTheReferenceInEveryModeAndLayout) {
  for (const char* mode : {"nearest", "linear", "cubic"}) {
    for (const char* coordinates : {"half_pixel", "asymmetric", "align_corners"}) {
      SCOPED_TRACE(std::string(mode) + " " + coordinates);
      GraphMaker maker;
      const ValueId x = maker.input({2, 5, 6, 7});
      const ValueId scales = maker.constant(Tensor::of<float>({4}, {1, 1, 2.0f, 1.5f}));
      const Attributes resize =
          attributes({{"mode", std::string(mode)}, {"coordinate_transformation_mode", std::string(coordinates)}});
      const ValueId plain = maker.node("Resize", {x, ValueId{}, scales}, resize);
      const ValueId c = maker.node("Conv", {x, maker.weights({16, 5, 1, 1})});
      maker.finish({plain, maker.node("Resize", {c, ValueId{}, scales}, resize)});
      EXPECT_EQ(expectLikeReference(maker.graph), "rows");
    }
  }
}

TEST(CpuGather, CopiesRowsOfAnyTypeAndAxis) {
  for (DataType type : {DataType::Float32, DataType::Int64, DataType::UInt8}) {
    for (std::int64_t axis : {0, 1, -1}) {
      GraphMaker maker;
      const ValueId x = maker.input({4, 5, 6}, type);
      const ValueId several = maker.constant(Tensor::of<std::int64_t>({2, 2}, {3, -1, 0, 1}));
      const ValueId one = maker.constant(Tensor::scalar<std::int64_t>(-2));
      maker.finish({maker.node("Gather", {x, several}, attributes({{"axis", axis}})),
                    maker.node("Gather", {x, one}, attributes({{"axis", axis}}))});
      EXPECT_EQ(expectLikeReference(maker.graph), "copy");
    }
  }
}

TEST(CpuSlice, CutsLikeTheReference) {
  struct Case {
    Ints starts, ends, axes, steps;
  };
  const std::vector<Case> cases{{{1}, {3}, {0}, {1}},
                                {{-3}, {100}, {2}, {1}},
                                {{0, 1}, {4, 4}, {0, 1}, {1, 1}},
                                {{1, 1}, {3, 3}, {0, 1}, {1, 1}},
                                {{5}, {0}, {2}, {-2}},
                                {{-1, 100, 1}, {-100, -100, 6}, {0, 1, 2}, {-1, -3, 2}},
                                {{1, 0}, {2, 1}, {1, 2}, {std::numeric_limits<std::int64_t>::max(), 1}},
                                {{0}, {9}, {1}, {1}},
                                {{-100}, {2}, {-1}, {1}}};
  for (std::size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(i);
    const Case& c = cases[i];
    const auto list = [](const Ints& values) {
      return Tensor::of<std::int64_t>({static_cast<std::int64_t>(values.size())}, values);
    };
    GraphMaker maker;
    const ValueId x = maker.input({4, 5, 6});
    maker.finish({maker.node("Slice", {x, maker.constant(list(c.starts)), maker.constant(list(c.ends)),
                                       maker.constant(list(c.axes)), maker.constant(list(c.steps))})});
    EXPECT_EQ(expectLikeReference(maker.graph), "copy");
  }
}

TEST(CpuSlice, CutsEveryElementSizeAndOldVersions) {
  for (DataType type : {DataType::Bool, DataType::Float16, DataType::Int32, DataType::Int64}) {
    GraphMaker maker;
    const ValueId x = maker.input({3, 8, 9}, type);
    const auto list = [&](Ints values) {
      return maker.constant(Tensor::of<std::int64_t>({static_cast<std::int64_t>(values.size())}, values));
    };
    const ValueId y = maker.node("Slice", {x, list({1, 7}), list({8, 0}), list({1, 2}), list({3, -2})});
    maker.finish({y});
    EXPECT_EQ(expectLikeReference(maker.graph), "copy");
  }
  GraphMaker maker;
  const ValueId x = maker.input({3, 8, 9});
  const ValueId y =
      maker.node("Slice", {x}, attributes({{"starts", Ints{-2, 1}}, {"ends", Ints{100, -1}}, {"axes", Ints{0, 2}}}));
  maker.graph.node(NodeId(0)).version = 1;
  maker.finish({y});
  EXPECT_EQ(expectLikeReference(maker.graph), "copy");
}

TEST(CpuSplit, CutsLikeTheReference) {
  for (std::int64_t axis : {0, 1, -1}) {
    for (bool equal : {true, false}) {
      SCOPED_TRACE(axis);
      GraphMaker maker;
      std::vector<ValueId> inputs{maker.input({6, 6, 6}, axis == 1 ? DataType::Int64 : DataType::Float32)};
      if (!equal) inputs.push_back(maker.constant(Tensor::of<std::int64_t>({3}, {1, 0, 5})));
      Attributes split = attributes({{"axis", axis}});
      if (equal) split.set("num_outputs", std::int64_t{3});
      const ValueId first = maker.node("Split", inputs, split, 3);
      maker.finish({first, maker.output(1), maker.output(2)});
      EXPECT_EQ(expectLikeReference(maker.graph), "copy");
    }
  }
}

} // namespace
} // namespace tandem
