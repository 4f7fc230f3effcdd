// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/devices/cpu_support.hpp"

#include <gmock/gmock.h>

namespace tandem {
namespace {

using namespace test;
using testing::StartsWith;
using Ints = std::vector<std::int64_t>;

TEST(CpuGemm, MatchesTheReference) {
  struct Case {
    std::int64_t m, n, k, transA, transB;
    float alpha, beta;
    std::optional<Shape> c;
  };
  const std::vector<Case> cases{{1, 10, 64, 0, 1, 1, 1, Shape{10}},    {3, 17, 33, 0, 0, 1, 1, Shape{17}},
                                {5, 8, 16, 1, 0, 1, 1, std::nullopt},  {4, 6, 8, 1, 1, 0.5f, 2, Shape{1, 6}},
                                {4, 6, 8, 0, 0, 0.5f, 1, Shape{4, 6}}, {4, 6, 8, 0, 1, 1, 1, Shape{4, 1}},
                                {4, 6, 8, 0, 1, 0.25f, 0.5f, Shape{}}, {2, 5, 7, 0, 0, 1, 0, Shape{5}}};
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Case& c = cases[i];
    for (bool constants : {true, false}) {
      SCOPED_TRACE(std::to_string(i) + (constants ? " constant" : " computed"));
      GraphMaker maker;
      const ValueId a = maker.input(c.transA ? Shape{c.k, c.m} : Shape{c.m, c.k});
      const Shape b = c.transB ? Shape{c.n, c.k} : Shape{c.k, c.n};
      std::vector<ValueId> inputs{a, constants ? maker.weights(b) : maker.input(b)};
      if (c.c) inputs.push_back(constants ? maker.weights(*c.c) : maker.input(*c.c));
      Attributes gemm = attributes({{"transA", c.transA}, {"transB", c.transB}, {"alpha", c.alpha}, {"beta", c.beta}});
      const ValueId plain = maker.node("Gemm", inputs, gemm);
      gemm.set("activation", std::string("Tanh"));
      maker.finish({plain, maker.node("FusedGemm", inputs, gemm, 1, "tandem")});
      expectLikeReference(maker.graph);
    }
  }
}

TEST(CpuGemm, TakesLeadingAxesAsRows) {
  for (const Shape& shape : {Shape{2, 5, 24}, Shape{2, 1, 3, 24}}) {
    for (const char* activation : {"", "Relu", "Gelu"}) {
      GraphMaker maker;
      const ValueId x = maker.input(shape);
      maker.finish({maker.node("FusedGemm", {x, maker.weights({24, 33}), maker.weights({33})},
                               attributes({{"activation", std::string(activation)}}), 1, "tandem")});
      EXPECT_EQ(maker.graph.value(maker.graph.outputs()[0]).desc.shape.rank(), shape.rank());
      EXPECT_THAT(expectLikeReference(maker.graph), StartsWith("onednn"));
    }
  }
}

TEST(CpuMatMul, BroadcastsBatches) {
  const std::vector<std::pair<Shape, Shape>> shapes{{{4, 5}, {5, 6}},
                                                    {{2, 3, 4, 5}, {5, 6}},
                                                    {{3, 4, 5}, {3, 5, 6}},
                                                    {{2, 1, 4, 5}, {3, 5, 6}},
                                                    {{5}, {5, 6}},
                                                    {{4, 5}, {5}},
                                                    {{5}, {5}},
                                                    {{5}, {3, 5, 2}},
                                                    {{1, 64}, {64, 33}},
                                                    {{2, 7, 5}, {1, 5, 3}}};
  for (const auto& [a, b] : shapes) {
    for (bool constant : {true, false}) {
      SCOPED_TRACE(a.toString() + " times " + b.toString());
      GraphMaker maker;
      const ValueId x = maker.input(a);
      maker.finish({maker.node("MatMul", {x, constant ? maker.weights(b) : maker.input(b)})});
      EXPECT_THAT(expectLikeReference(maker.graph), StartsWith("onednn"));
    }
  }
}

TEST(CpuEinsum, ProductsOfTwoMatchTheReference) {
  struct Case {
    const char* equation;
    Shape a, b;
    bool fast;
  };
  const std::vector<Case> cases{{"ij,jk->ik", {5, 7}, {7, 9}, true},
                                {"ij,kj->ki", {5, 7}, {9, 7}, true},
                                {"bind,bjnd->bnij", {2, 6, 3, 8}, {2, 5, 3, 8}, true},
                                {"bnij,bjnd->bind", {2, 3, 6, 5}, {2, 5, 3, 8}, true},
                                {"bhwc,hkc->bhwk", {2, 4, 5, 6}, {4, 7, 6}, true},
                                {"abc,cd", {2, 3, 4}, {4, 5}, true},
                                {"...ij,...jk->...ik", {2, 3, 4, 5}, {3, 5, 6}, true},
                                {"abcd,cbe->ade", {2, 3, 4, 5}, {4, 3, 6}, true},
                                {"ii,ij->ij", {4, 4}, {4, 5}, true},
                                {"i,j->ij", {6}, {7}, true},
                                {"i,i->", {6}, {6}, true},
                                {"i,i->i", {6}, {6}, true},
                                {"ij,jk->k", {5, 7}, {7, 9}, false}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.equation);
    GraphMaker maker;
    const ValueId a = maker.input(c.a), b = maker.input(c.b);
    maker.finish({maker.node("Einsum", {a, b}, attributes({{"equation", std::string(c.equation)}}))});
    EXPECT_THAT(expectLikeReference(maker.graph), StartsWith(c.fast ? "onednn" : "reference"));
  }
}

} // namespace
} // namespace tandem
