// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/devices/opencl_variants.hpp"

#include <algorithm>

namespace tandem::test {
namespace {

const std::int64_t kOne = 1;

bool anyStartsWith(const std::set<std::string>& names, const std::string& start) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) { return name.starts_with(start); });
}

struct ProductCase {
  const char* name;
  Shape a;
  Shape b;
};

class ProductOnOpenCl : public testing::TestWithParam<ProductCase> {};

TEST_P(ProductOnOpenCl, IsTheSameWithEveryVariant) {
  for (bool constant : {true, false}) {
    SCOPED_TRACE(constant ? "constant B" : "B arrives at run time");
    GraphBuilder builder;
    const ValueId a = builder.input("a", randomTensor(GetParam().a, 1));
    Tensor right = randomTensor(GetParam().b, 2);
    const ValueId b = constant ? builder.constant(std::move(right)) : builder.input("b", std::move(right));
    builder.output(builder.add("MatMul", {a, b}));
    EXPECT_GE(expectEveryVariantSameAsReference(builder).size(), openClDevices(OpenClKernels::Auto).empty() ? 0u : 2u);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, ProductOnOpenCl,
    testing::Values(ProductCase{"Odd", {37, 29}, {29, 53}}, ProductCase{"MultiplesOf16", {48, 64}, {64, 96}},
                    ProductCase{"RowTimesMatrix", {1, 70}, {70, 160}}, ProductCase{"FewColumns", {130, 33}, {33, 3}},
                    ProductCase{"Batched", {3, 2, 20, 24}, {3, 2, 24, 48}},
                    ProductCase{"BroadcastLeft", {20, 24}, {4, 24, 17}}, ProductCase{"LongSum", {20, 700}, {700, 24}},
                    ProductCase{"LongRowsOfThePowerOfTwo", {17, 1024}, {1024, 32}}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(GemmOnOpenCl, IsTheSameWithEveryVariantTransposedScaledAndAdded) {
  for (std::int64_t transA : {0, 1})
    for (std::int64_t transB : {0, 1}) {
      SCOPED_TRACE(testing::Message() << "transA " << transA << ", transB " << transB);
      GraphBuilder builder;
      const ValueId a = builder.input("a", randomTensor(transA ? Shape{20, 33} : Shape{33, 20}, 3));
      const Shape shapeB = transB ? Shape{48, 20} : Shape{20, 48};
      const Attributes scaled = attributes({{"transA", transA}, {"transB", transB}, {"alpha", 0.5f}, {"beta", -2.0f}});
      builder.output(builder.add(
          "Gemm", {a, builder.constant(randomTensor(shapeB, 4)), builder.constant(randomTensor(Shape{48}, 5))},
          scaled));
      builder.output(builder.add(
          "Gemm", {a, builder.input("b", randomTensor(shapeB, 6)), builder.input("c", randomTensor(Shape{33, 1}, 7))},
          scaled));
      expectEveryVariantSameAsReference(builder);
    }
}

TEST(GemmOnOpenCl, IsTheSameWithEveryVariantAndActivation) {
  for (const char* activation :
       {"Relu", "Clip", "LeakyRelu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Elu", "Gelu", "Swish"}) {
    SCOPED_TRACE(activation);
    GraphBuilder builder;
    const ValueId a = builder.input("a", randomTensor({18, 300}, 8, -0.3f, 0.3f));
    Attributes fused = attributes({{"activation", std::string(activation)}});
    if (std::string(activation) == "Clip") {
      fused.set("activation_alpha", -0.5f);
      fused.set("activation_beta", 0.75f);
    }
    builder.output(builder.add(
        "FusedGemm", {a, builder.constant(randomTensor({300, 20}, 9)), builder.constant(randomTensor(Shape{20}, 10))},
        fused, "tandem"));
    expectEveryVariantSameAsReference(builder);
  }
}

TEST(ProductsOnOpenCl, OfferTheLibraryBesideOwnKernelsWhereTheyAreLarge) {
  if (openClDevices(OpenClKernels::Gpu).empty()) GTEST_SKIP() << "no OpenCL platform on this machine";
  GraphBuilder builder;
  const ValueId a = builder.input("a", randomTensor({2, 96, 80}, 11));
  builder.output(builder.add("MatMul", {a, builder.input("b", randomTensor({2, 80, 144}, 12))}));
  const std::set<std::string> names = expectEveryVariantSameAsReference(builder);
  EXPECT_TRUE(names.contains("blas"));
  EXPECT_TRUE(anyStartsWith(names, "tile"));
  EXPECT_TRUE(anyStartsWith(names, "panel"));
  EXPECT_TRUE(anyStartsWith(names, "direct"));
}

TEST(ProductsOnOpenCl, SplitLongSumsOfFewResults) {
  if (openClDevices(OpenClKernels::Gpu).empty()) GTEST_SKIP() << "no OpenCL platform on this machine";
  GraphBuilder builder;
  const ValueId a = builder.input("a", randomTensor({16, 1030}, 13));
  builder.output(builder.add(
      "Gemm", {a, builder.constant(randomTensor({12, 1030}, 14)), builder.constant(randomTensor(Shape{12}, 15))},
      attributes({{"transB", kOne}})));
  const std::set<std::string> names = expectEveryVariantSameAsReference(builder);
  EXPECT_TRUE(std::any_of(names.begin(), names.end(),
                          [](const std::string& name) { return name.find(" split ") != std::string::npos; }));
}

} // namespace
} // namespace tandem::test
