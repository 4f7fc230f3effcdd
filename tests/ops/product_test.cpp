// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/ops/one_node.hpp"

namespace tandem {
namespace {

TEST(MatMul, MultipliesMatrices) {
  expectFloats(OneNode("MatMul", 13).input(counting({2, 3})).input(counting({3, 2})).run(), {2, 2}, {10, 13, 28, 40});
}

TEST(MatMul, TakesVectorsAsRowsAndColumns) {
  expectFloats(OneNode("MatMul", 13).input(counting({3})).input(counting({3, 2})).run(), {2}, {10, 13});
  expectFloats(OneNode("MatMul", 13).input(counting({2, 3})).input(counting({3})).run(), {2}, {5, 14});
  expectFloats(OneNode("MatMul", 13).input(counting({3})).input(counting({3})).run(), {}, {5});
}

TEST(MatMul, BroadcastsLeadingAxes) {
  const auto results = OneNode("MatMul", 13).input(counting({2, 1, 1, 2})).input(counting({3, 2, 1})).run();
  expectFloats(results, {2, 3, 1, 1}, {1, 3, 5, 3, 13, 23});
}

TEST(MatMul, WrapsIntegersAround) {
  const std::int64_t half = std::int64_t{1} << 62;
  const auto results = OneNode("MatMul", 13)
                           .input(Tensor::of<std::int64_t>(Shape{1, 2}, {half, -3}))
                           .input(Tensor::of<std::int64_t>(Shape{2, 1}, {4, 5}))
                           .run();
  ASSERT_TRUE(results.ok()) << results.error().line();
  EXPECT_EQ((*results)[0].as<std::int64_t>()[0], -15);
}

TEST(MatMul, RefusesShapesThatDoNotGoTogether) {
  expectError(OneNode("MatMul", 13).input(counting({2, 3})).input(counting({2, 3})).run(), "inner extents");
  expectError(OneNode("MatMul", 13).input(counting({2, 2, 3})).input(counting({3, 3, 2})).run(), "broadcast");
  expectError(OneNode("MatMul", 13).input(counting({})).input(counting({3})).run(), "scalar");
}

TEST(MatMul, InfersWhatItCanFromPartlyKnownShapes) {
  const auto inferred = OneNode("MatMul", 13)
                            .input(DataType::Float32, {kUnknownDim, 7, kUnknownDim})
                            .input(DataType::Float32, {5, 9})
                            .infer();
  ASSERT_TRUE(inferred.ok()) << inferred.error().line();
  EXPECT_EQ((*inferred)[0].desc.shape, (Shape{kUnknownDim, 7, 9}));
}

TEST(MatMul, CountsAMultiplyAddAsTwoOperations) {
  EXPECT_EQ(OneNode("MatMul", 13).input(counting({2, 3, 4})).input(counting({4, 5})).flops(), 2.0 * 2 * 3 * 4 * 5);
}

TEST(Gemm, TransposesScalesAndAddsC) {
  const auto node = OneNode("Gemm", 13)
                        .input(counting({3, 2}))
                        .input(counting({2, 3}))
                        .input(floats({2, 1}, {1, 2}))
                        .set("transA", std::int64_t{1})
                        .set("transB", std::int64_t{1})
                        .set("alpha", 0.5f)
                        .set("beta", 10.0f);
  // A' = [0 2 4; 1 3 5], B' = [0 3; 1 4; 2 5]
  expectFloats(node.run(), {2, 2}, {15, 24, 26.5f, 40});
}

TEST(Gemm, GivesTheSameForFewAndForManyRows) {
  // The kernel turns B for many rows and does not for few.
  for (std::int64_t rows : {1, 7, 8, 20}) {
    const auto results =
        OneNode("Gemm", 13).input(filled({rows, 19}, 2)).input(counting({3, 19})).set("transB", std::int64_t{1}).run();
    ASSERT_TRUE(results.ok()) << results.error().line();
    for (std::int64_t i = 0; i < rows; ++i) {
      EXPECT_EQ((*results)[0].asDouble(i * 3), 2 * 171);
      EXPECT_EQ((*results)[0].asDouble(i * 3 + 2), 2 * (171 + 38 * 19));
    }
  }
}

TEST(Gemm, BroadcastsAVectorOverTheRows) {
  expectFloats(OneNode("Gemm", 7).input(counting({2, 1})).input(filled({1, 2}, 1)).input(floats({2}, {10, 20})).run(),
               {2, 2}, {10, 20, 11, 21});
}

TEST(Gemm, RefusesShapesThatDoNotGoTogether) {
  expectError(OneNode("Gemm", 13).input(counting({2, 3})).input(counting({2, 3})).run(), "inner extents");
  expectError(OneNode("Gemm", 13).input(counting({2, 3})).input(counting({3})).run(), "two matrices");
  expectError(OneNode("Gemm", 13).input(counting({2, 3})).input(counting({3, 2})).input(counting({3})).run(),
              "broadcast");
}

TEST(FusedGemm, AppliesTheActivationLast) {
  const auto node = OneNode("FusedGemm", 1, "tandem")
                        .input(floats({1, 2}, {1, 2}))
                        .input(floats({2, 2}, {1, -1, 1, -1}))
                        .input(floats({2}, {1, 1}))
                        .set("activation", std::string("LeakyRelu"))
                        .set("activation_alpha", 0.5f);
  expectFloats(node.run(), {1, 2}, {4, -1});
  EXPECT_EQ(node.flops(), 2 * 4 + 2 + 2);
}

Result<std::vector<Tensor>> einsum(const char* equation, std::vector<Tensor> operands) {
  OneNode node("Einsum", 12);
  for (Tensor& operand : operands) node.input(std::move(operand));
  return node.set("equation", std::string(equation)).run();
}

TEST(Einsum, WrapsSmallIntegers) {
  const auto results = OneNode("Einsum", 12)
                           .input(Tensor::of<std::int8_t>({2}, {100, -3}))
                           .input(Tensor::of<std::int8_t>({2}, {2, 5}))
                           .set("equation", std::string("i,i->i"))
                           .run();
  ASSERT_TRUE(results.ok()) << results.error().line();
  EXPECT_EQ((*results)[0].toInts(), (std::vector<std::int64_t>{-56, -15}));
}

TEST(Gemm, ScalesIntegersByFractions) {
  const auto results = OneNode("Gemm", 13)
                           .input(Tensor::of<std::int32_t>({1, 1}, {-5}))
                           .input(Tensor::of<std::int32_t>({1, 2}, {1, 2}))
                           .input(Tensor::of<std::int32_t>({1}, {-1}))
                           .set("alpha", 0.5f)
                           .set("beta", 2.0f)
                           .run();
  ASSERT_TRUE(results.ok()) << results.error().line();
  EXPECT_EQ((*results)[0].toInts(), (std::vector<std::int64_t>{-4, -7}));
}

TEST(Einsum, MultipliesTransposesAndSums) {
  expectFloats(einsum("ij,jk->ik", {counting({2, 3}), counting({3, 2})}), {2, 2}, {10, 13, 28, 40});
  expectFloats(einsum("ij->ji", {counting({2, 3})}), {3, 2}, {0, 3, 1, 4, 2, 5});
  expectFloats(einsum("ij->", {counting({2, 3})}), {}, {15});
  expectFloats(einsum("i,i,i->i", {counting({3}), counting({3}), counting({3})}), {3}, {0, 1, 8});
}

TEST(Einsum, TakesTheDiagonalOfARepeatedLabel) {
  expectFloats(einsum("ii->i", {counting({3, 3})}), {3}, {0, 4, 8});
  expectFloats(einsum("ii", {counting({3, 3})}), {}, {12});
}

TEST(Einsum, BroadcastsEllipses) {
  expectFloats(einsum("...i,i", {counting({2, 2}), floats({2}, {1, 10})}), {2}, {10, 32});
  expectFloats(einsum("...i, ...i -> ...", {counting({2, 2}), floats({1, 2}, {1, 10})}), {2}, {10, 32});
}

TEST(Einsum, OrdersAnImplicitResultByLabel) {
  expectFloats(einsum("ba", {counting({2, 3})}), {3, 2}, {0, 3, 1, 4, 2, 5});
}

TEST(Einsum, RefusesEquationsItCannotRead) {
  expectError(einsum("ij,jk->ik", {counting({2, 3})}), "one term per operand");
  expectError(einsum("i1->i", {counting({2, 3})}), "cannot be read");
  expectError(einsum("ijk->i", {counting({2, 3})}), "does not describe");
  expectError(einsum("ij->k", {counting({2, 3})}), "unknown or repeated");
  expectError(einsum("ij->ii", {counting({2, 3})}), "unknown or repeated");
  expectError(einsum("ij,jk->ik", {counting({2, 3}), counting({4, 2})}), "differ");
}

} // namespace
} // namespace tandem
