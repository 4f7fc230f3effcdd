// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/ops/one_node.hpp"

#include <cmath>

namespace tandem {
namespace {

using Ints = std::vector<std::int64_t>;

TEST(MaxPool, GivesTheLargestOfEachWindowAndWhereItWas) {
  const auto results = OneNode("MaxPool", 12)
                           .input(floats({1, 1, 2, 3}, {1, 5, 2, 7, 3, 4}))
                           .set("kernel_shape", Ints{2, 2})
                           .outputs(2)
                           .run();
  expectFloats(results, {1, 1, 1, 2}, {7, 5});
  EXPECT_EQ((*results)[1].toInts(), (Ints{3, 1}));
}

TEST(MaxPool, CountsColumnsFirstWithStorageOrder) {
  const auto results = OneNode("MaxPool", 12)
                           .input(floats({1, 1, 2, 3}, {1, 5, 2, 7, 3, 4}))
                           .set("kernel_shape", Ints{2, 2})
                           .set("storage_order", std::int64_t{1})
                           .outputs(2)
                           .run();
  ASSERT_TRUE(results.ok()) << results.error().line();
  EXPECT_EQ((*results)[1].toInts(), (Ints{1, 2}));
}

TEST(MaxPool, NeverPicksThePadding) {
  const auto node =
      OneNode("MaxPool", 12).input(floats({1, 1, 2}, {-3, -4})).set("kernel_shape", Ints{3}).set("pads", Ints{1, 1});
  expectFloats(node.run(), {1, 1, 2}, {-3, -3});
}

TEST(MaxPool, KeepsAPartialWindowInCeilModeUnlessItStartsInThePadding) {
  const auto node = [](Ints pads) {
    return OneNode("MaxPool", 12)
        .input(counting({1, 1, 4}))
        .set("kernel_shape", Ints{3})
        .set("strides", Ints{2})
        .set("pads", std::move(pads))
        .set("ceil_mode", std::int64_t{1});
  };
  expectFloats(node({0, 0}).run(), {1, 1, 2}, {2, 3});
  expectFloats(node({0, 2}).run(), {1, 1, 2}, {2, 3});
}

TEST(MaxPool, SpreadsItsWindowWithDilations) {
  const auto node = OneNode("MaxPool", 12)
                        .input(floats({1, 1, 4}, {4, 9, 1, 2}))
                        .set("kernel_shape", Ints{2})
                        .set("dilations", Ints{2});
  expectFloats(node.run(), {1, 1, 2}, {4, 9});
}

TEST(MaxPool, WorksOnBytes) {
  const auto results = OneNode("MaxPool", 12)
                           .input(Tensor::of<std::uint8_t>(Shape{1, 1, 3}, {200, 3, 4}))
                           .set("kernel_shape", Ints{2})
                           .run();
  ASSERT_TRUE(results.ok()) << results.error().line();
  EXPECT_EQ((*results)[0].toInts(), (Ints{200, 4}));
}

TEST(MaxPool, RefusesWindowsThatDoNotFit) {
  const auto node = [](Ints kernel) {
    return OneNode("MaxPool", 12).input(counting({1, 1, 2, 2})).set("kernel_shape", std::move(kernel));
  };
  expectError(node({3, 3}).run(), "does not fit");
  expectError(node({2}).run(), "kernel_shape");
  expectError(node({2, 0}).run(), "kernel_shape");
  expectError(node({2, 2}).set("strides", Ints{0, 1}).run(), "strides");
  expectError(OneNode("MaxPool", 12).input(counting({1, 1, 2, 2})).run(), "kernel_shape");
}

TEST(AveragePool, LeavesPaddingOutOfTheDivisorUnlessAsked) {
  const auto node = [](std::int64_t include) {
    return OneNode("AveragePool", 11)
        .input(floats({1, 1, 2}, {4, 8}))
        .set("kernel_shape", Ints{2})
        .set("pads", Ints{1, 1})
        .set("count_include_pad", include);
  };
  expectFloats(node(0).run(), {1, 1, 3}, {4, 6, 8});
  expectFloats(node(1).run(), {1, 1, 3}, {2, 6, 4});
}

TEST(AveragePool, StopsTheDivisorAtTheEndPadding) {
  const auto node = [](int version) {
    return OneNode("AveragePool", version)
        .input(floats({1, 1, 4}, {1, 2, 3, 4}))
        .set("kernel_shape", Ints{3})
        .set("strides", Ints{2})
        .set("ceil_mode", std::int64_t{1})
        .set("count_include_pad", std::int64_t{1});
  };
  expectFloats(node(11).run(), {1, 1, 2}, {2, 3.5f});
  expectFloats(node(19).run(), {1, 1, 2}, {2, 3.5f});
}

TEST(LpPool, TakesTheNormOfEachWindow) {
  expectFloats(OneNode("LpPool", 18).input(floats({1, 1, 2}, {3, -4})).set("kernel_shape", Ints{2}).run(), {1, 1, 1},
               {5});
  expectFloats(OneNode("LpPool", 1).input(floats({1, 1, 2}, {3, -4})).set("kernel_shape", Ints{2}).set("p", 1.0f).run(),
               {1, 1, 1}, {7});
}

TEST(GlobalPools, ReduceEveryChannelToOneNumber) {
  const Tensor x = floats({1, 2, 2, 2}, {1, 2, 3, 4, 0, 0, 3, -4});
  expectFloats(OneNode("GlobalAveragePool", 1).input(x).run(), {1, 2, 1, 1}, {2.5f, -0.25f});
  expectFloats(OneNode("GlobalMaxPool", 1).input(x).run(), {1, 2, 1, 1}, {4, 3});
  expectFloats(OneNode("GlobalLpPool", 2).input(x).run(), {1, 2, 1, 1}, {std::sqrt(30.0f), 5});
}

TEST(GlobalPools, RefuseToPoolOverNothing) {
  expectError(OneNode("GlobalMaxPool", 1).input(counting({1, 2, 0})).run(), "nothing");
}

} // namespace
} // namespace tandem
