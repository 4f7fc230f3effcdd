// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/devices/opencl_test_util.hpp"

namespace tandem::test {
namespace {

using Ints = std::vector<std::int64_t>;

struct ConvCase {
  const char* name;
  Shape x;
  Shape w;
  std::int64_t group = 1;
  Ints strides = {1, 1};
  Ints pads = {0, 0, 0, 0};
  Ints dilations = {1, 1};
  bool bias = true;
};

class ConvOnOpenCl : public testing::TestWithParam<ConvCase> {};

// Minimal filtering computes 3x3 windows with a little more error than a plain sum.
constexpr double kAbsolute = 1e-4, kRelative = 1e-3;

Attributes convAttributes(const ConvCase& c) {
  return attributes({{"group", c.group}, {"strides", c.strides}, {"pads", c.pads}, {"dilations", c.dilations}});
}

TEST_P(ConvOnOpenCl, GivesTheReferenceResult) {
  const ConvCase& c = GetParam();
  GraphBuilder builder;
  std::vector<ValueId> inputs{builder.input("x", randomTensor(c.x, 1)), builder.constant(randomTensor(c.w, 2))};
  if (c.bias) inputs.push_back(builder.constant(randomTensor(Shape{c.w[0]}, 3)));
  builder.output(builder.add("Conv", inputs, convAttributes(c)));
  expectSameAsReference(builder, kAbsolute, kRelative);
}

TEST_P(ConvOnOpenCl, TakesWeightsThatArriveAtRunTime) {
  const ConvCase& c = GetParam();
  GraphBuilder builder;
  std::vector<ValueId> inputs{builder.input("x", randomTensor(c.x, 1)), builder.input("w", randomTensor(c.w, 2))};
  if (c.bias) inputs.push_back(builder.input("b", randomTensor(Shape{c.w[0]}, 3)));
  builder.output(builder.add("Conv", inputs, convAttributes(c)));
  expectSameAsReference(builder, kAbsolute, kRelative);
}

TEST_P(ConvOnOpenCl, FusesResidualAndActivation) {
  const ConvCase& c = GetParam();
  GraphBuilder builder;
  const ValueId x = builder.input("x", randomTensor(c.x, 1));
  const ValueId w = builder.constant(randomTensor(c.w, 2));
  const ValueId b = c.bias ? builder.constant(randomTensor(Shape{c.w[0]}, 3)) : ValueId();
  const ValueId plain = builder.add("Conv", {x, w}, convAttributes(c));
  Attributes fused = convAttributes(c);
  fused.set("activation", std::string("Relu"));
  const ValueId z = builder.add("Sigmoid", {plain});
  builder.output(builder.add("FusedConv", {x, w, b, z}, fused, "tandem"));
  builder.output(plain);
  expectSameAsReference(builder, kAbsolute, kRelative);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, ConvOnOpenCl,
    testing::Values(ConvCase{"Pointwise", {1, 32, 14, 14}, {48, 32, 1, 1}},
                    ConvCase{"PointwiseStride2Batch3", {3, 19, 9, 11}, {33, 19, 1, 1}, 1, {2, 2}},
                    ConvCase{"Stem7x7OfPicture", {1, 3, 30, 31}, {64, 3, 7, 7}, 1, {2, 2}, {3, 3, 3, 3}},
                    ConvCase{"Same3x3", {1, 16, 13, 13}, {16, 16, 3, 3}, 1, {1, 1}, {1, 1, 1, 1}},
                    ConvCase{"Same3x3Batch3Odd", {3, 17, 7, 7}, {35, 17, 3, 3}, 1, {1, 1}, {1, 1, 1, 1}, {1, 1}, false},
                    ConvCase{"Dilated", {1, 20, 15, 17}, {18, 20, 3, 3}, 1, {1, 1}, {2, 2, 2, 2}, {2, 2}},
                    ConvCase{"AsymmetricPads", {1, 5, 8, 9}, {7, 5, 3, 2}, 1, {2, 1}, {0, 1, 2, 0}},
                    ConvCase{"Stride3", {1, 6, 20, 21}, {9, 6, 5, 3}, 1, {3, 3}, {2, 1, 2, 1}},
                    ConvCase{"TwoGroups", {1, 12, 9, 9}, {20, 6, 3, 3}, 2, {1, 1}, {1, 1, 1, 1}},
                    ConvCase{"ThreeGroupsOf20", {1, 60, 7, 8}, {66, 20, 1, 1}, 3},
                    ConvCase{"Depthwise", {2, 40, 11, 12}, {40, 1, 3, 3}, 40, {1, 1}, {1, 1, 1, 1}},
                    ConvCase{"DepthwiseStride2", {1, 32, 14, 14}, {32, 1, 5, 5}, 32, {2, 2}, {2, 2, 2, 2}},
                    ConvCase{"DepthwiseMultiplier2", {1, 6, 9, 9}, {12, 1, 3, 3}, 6, {1, 1}, {1, 1, 1, 1}},
                    ConvCase{"LargeStride", {1, 4, 33, 70}, {8, 4, 2, 2}, 1, {8, 9}},
                    ConvCase{"OneOutput", {1, 8, 3, 3}, {1, 8, 3, 3}}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(ConvOnOpenClRanks, HandlesOneAndThreeSpatialAxes) {
  GraphBuilder builder;
  const ValueId line = builder.input("line", randomTensor({2, 6, 23}, 4));
  builder.output(builder.add("Conv", {line, builder.constant(randomTensor({10, 3, 5}, 5))},
                             attributes({{"group", std::int64_t{2}}, {"pads", Ints{2, 1}}, {"strides", Ints{2}}})));
  const ValueId volume = builder.input("volume", randomTensor({1, 3, 6, 7, 8}, 6));
  builder.output(builder.add("Conv", {volume, builder.constant(randomTensor({4, 3, 2, 3, 3}, 7))},
                             attributes({{"pads", Ints{1, 1, 1, 0, 1, 1}}})));
  expectSameAsReference(builder);
}

TEST(ConvOnOpenClRanks, EveryFusedActivation) {
  for (const char* activation :
       {"Relu", "Clip", "LeakyRelu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Elu", "Gelu", "Swish"}) {
    SCOPED_TRACE(activation);
    GraphBuilder builder;
    const ValueId x = builder.input("x", randomTensor({1, 18, 6, 7}, 8, -3, 3));
    Attributes fused = attributes({{"activation", std::string(activation)}});
    if (std::string(activation) == "Clip") {
      fused.set("activation_alpha", 0.0f);
      fused.set("activation_beta", 6.0f);
    }
    builder.output(builder.add("FusedConv", {x, builder.constant(randomTensor({20, 18, 1, 1}, 9))}, fused, "tandem"));
    expectSameAsReference(builder);
  }
}

TEST(ConvTransposeOnOpenCl, GivesTheReferenceResult) {
  GraphBuilder builder;
  const ValueId x = builder.input("x", randomTensor({2, 6, 7, 5}, 10));
  builder.output(
      builder.add("ConvTranspose", {x, builder.constant(randomTensor({6, 4, 3, 3}, 11))},
                  attributes({{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}, {"output_padding", Ints{1, 1}}})));
  builder.output(
      builder.add("ConvTranspose",
                  {x, builder.constant(randomTensor({6, 3, 2, 4}, 12)), builder.constant(randomTensor(Shape{6}, 13))},
                  attributes({{"group", std::int64_t{2}}, {"dilations", Ints{2, 1}}, {"strides", Ints{1, 3}}})));
  expectSameAsReference(builder);
}

// A chain whose values change storage several times, with halos on values that several nodes share.
TEST(LayoutsOnOpenCl, SurviveAWholeNetwork) {
  for (std::int64_t batch : {1, 3}) {
    GraphBuilder b;
    const ValueId x = b.input("x", randomTensor({batch, 3, 33, 35}, 20));
    const Attributes same = attributes({{"pads", Ints{1, 1, 1, 1}}});
    const auto conv = [&](ValueId in, std::int64_t from, std::int64_t to, std::int64_t kernel, const Attributes& a) {
      return b.add("Conv",
                   {in, b.constant(randomTensor({to, from, kernel, kernel}, 21, -0.2f, 0.2f)),
                    b.constant(randomTensor(Shape{to}, 22))},
                   a);
    };
    const ValueId stem =
        b.add("Relu", {conv(x, 3, 24, 3, attributes({{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}}))});
    const ValueId pooled =
        b.add("MaxPool", {stem},
              attributes({{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}}));
    const ValueId left = b.add("Sigmoid", {conv(pooled, 24, 32, 3, same)});
    const ValueId right = conv(pooled, 24, 32, 1, {});
    const ValueId sum = b.add("Add", {left, right});
    const ValueId bn =
        b.add("BatchNormalization",
              {sum, b.constant(randomTensor(Shape{32}, 23)), b.constant(randomTensor(Shape{32}, 24)),
               b.constant(randomTensor(Shape{32}, 25)), b.constant(randomTensor(Shape{32}, 26, 0.5f, 1.5f))});
    const ValueId joined = b.add("Concat", {bn, pooled, sum}, attributes({{"axis", std::int64_t{1}}}));
    const ValueId deep = b.add("Relu", {conv(joined, 88, 20, 3, same)});
    const ValueId scaled = b.add("Mul", {deep, b.constant(randomTensor({20, 1, 1}, 27))});
    const ValueId transposed = b.add("Transpose", {scaled}, attributes({{"perm", Ints{0, 2, 3, 1}}}));
    const ValueId averaged = b.add("GlobalAveragePool", {scaled});
    const ValueId flat = b.add("Flatten", {averaged});
    const ValueId logits =
        b.add("Gemm", {flat, b.constant(randomTensor({37, 20}, 28)), b.constant(randomTensor(Shape{37}, 29))},
              attributes({{"transB", std::int64_t{1}}}));
    b.output(b.add("Softmax", {logits}));
    b.output(transposed);
    b.output(joined);
    expectSameAsReference(b, 1e-4, 1e-3);
  }
}

} // namespace
} // namespace tandem::test
