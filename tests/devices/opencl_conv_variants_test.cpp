// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/devices/opencl_variants.hpp"

#include <algorithm>

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
  const char* family = "tile"; ///< that the CPU style must offer
};

class ConvVariantsOnOpenCl : public testing::TestWithParam<ConvCase> {};

TEST_P(ConvVariantsOnOpenCl, AllGiveTheReferenceResultWithResidualAndActivation) {
  if (openClDevices(OpenClKernels::Cpu).empty()) GTEST_SKIP() << "no OpenCL platform on this machine";
  const ConvCase& c = GetParam();
  GraphBuilder builder;
  const ValueId x = builder.input("x", randomTensor(c.x, 1));
  const ValueId w = builder.constant(randomTensor(c.w, 2));
  const ValueId b = builder.constant(randomTensor(Shape{c.w[0]}, 3));
  Attributes window =
      attributes({{"group", c.group}, {"strides", c.strides}, {"pads", c.pads}, {"dilations", c.dilations}});
  const ValueId plain = builder.add("Conv", {x, w}, window);
  window.set("activation", std::string("HardSwish"));
  builder.output(builder.add("FusedConv", {x, w, b, builder.add("Sigmoid", {plain})}, window, "tandem"));
  builder.output(plain);
  const std::set<std::string> names = expectEveryVariantSameAsReference(builder);
  EXPECT_TRUE(
      std::any_of(names.begin(), names.end(), [&](const std::string& name) { return name.starts_with(c.family); }));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, ConvVariantsOnOpenCl,
    testing::Values(
        ConvCase{"Pointwise", {1, 32, 14, 14}, {48, 32, 1, 1}},
        ConvCase{"PointwiseStride2Batch3", {3, 19, 9, 11}, {33, 19, 1, 1}, 1, {2, 2}},
        ConvCase{"Stem7x7OfPicture", {1, 3, 30, 31}, {24, 3, 7, 7}, 1, {2, 2}, {3, 3, 3, 3}},
        ConvCase{"Same3x3", {1, 20, 13, 14}, {36, 20, 3, 3}, 1, {1, 1}, {1, 1, 1, 1}, {1, 1}, "winograd 4"},
        ConvCase{"Same3x3Batch3", {3, 17, 7, 6}, {35, 17, 3, 3}, 1, {1, 1}, {1, 1, 1, 1}, {1, 1}, "winograd 2"},
        ConvCase{"Valid3x3", {1, 16, 9, 10}, {16, 16, 3, 3}, 1, {1, 1}, {0, 0, 0, 0}, {1, 1}, "winograd"},
        ConvCase{"Wide3x3", {1, 16, 5, 6}, {16, 16, 3, 3}, 1, {1, 1}, {2, 1, 0, 2}, {1, 1}, "winograd"},
        ConvCase{"Dilated", {1, 20, 15, 17}, {18, 20, 3, 3}, 1, {1, 1}, {2, 2, 2, 2}, {2, 2}},
        ConvCase{"AsymmetricPads", {1, 5, 8, 9}, {7, 5, 3, 2}, 1, {2, 1}, {0, 1, 2, 0}},
        ConvCase{"TwoGroups", {1, 12, 9, 9}, {20, 6, 3, 3}, 2, {1, 1}, {1, 1, 1, 1}},
        ConvCase{"ThreeGroupsOf20", {1, 60, 7, 8}, {66, 20, 1, 1}, 3},
        ConvCase{"NarrowGroups", {1, 32, 6, 7}, {32, 4, 3, 3}, 8, {1, 1}, {1, 1, 1, 1}},
        ConvCase{"Depthwise", {2, 40, 11, 12}, {40, 1, 3, 3}, 40, {1, 1}, {1, 1, 1, 1}, {1, 1}, "depthwise"},
        ConvCase{"DepthwiseStride2", {1, 32, 13, 14}, {32, 1, 5, 5}, 32, {2, 2}, {2, 2, 2, 2}, {1, 1}, "depthwise"},
        ConvCase{"DepthwiseDilated", {1, 16, 12, 9}, {16, 1, 3, 3}, 16, {1, 1}, {2, 2, 2, 2}, {2, 2}, "depthwise"},
        ConvCase{"DepthwiseMultiplier2", {1, 6, 9, 9}, {12, 1, 3, 3}, 6, {1, 1}, {1, 1, 1, 1}}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(ConvVariantsOnOpenClActivations, AllGiveTheReferenceResult) {
  for (const char* activation :
       {"Relu", "Clip", "LeakyRelu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Elu", "Gelu", "Swish"}) {
    SCOPED_TRACE(activation);
    GraphBuilder builder;
    const ValueId x = builder.input("x", randomTensor({1, 18, 6, 7}, 8, -3, 3));
    Attributes fused = attributes({{"activation", std::string(activation)}, {"pads", Ints{1, 1, 1, 1}}});
    if (std::string(activation) == "Clip") {
      fused.set("activation_alpha", 0.0f);
      fused.set("activation_beta", 6.0f);
    }
    builder.output(
        builder.add("FusedConv", {x, builder.constant(randomTensor({20, 18, 3, 3}, 9, -0.1f, 0.1f))}, fused, "tandem"));
    expectEveryVariantSameAsReference(builder);
  }
}

TEST(ConvVariantsOnOpenClLibrary, IsOfferedBesideOwnKernelsWhereTheLayerIsLarge) {
  if (openClDevices(OpenClKernels::Gpu).empty()) GTEST_SKIP() << "no OpenCL platform on this machine";
  GraphBuilder builder;
  const ValueId x = builder.input("x", randomTensor({2, 24, 16, 15}, 10));
  const ValueId w = builder.constant(randomTensor({32, 24, 3, 3}, 11));
  builder.output(builder.add("FusedConv", {x, w, builder.constant(randomTensor(Shape{32}, 12))},
                             attributes({{"activation", std::string("Relu")}, {"pads", Ints{1, 1, 1, 1}}}), "tandem"));
  const std::set<std::string> names = expectEveryVariantSameAsReference(builder);
  EXPECT_TRUE(names.contains("convgemm"));
  EXPECT_TRUE(
      std::any_of(names.begin(), names.end(), [](const std::string& name) { return name.starts_with("tile"); }));
}

} // namespace
} // namespace tandem::test
