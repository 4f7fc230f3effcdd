// SPDX-License-Identifier: GPL-3.0-or-later
// Shapes that the kernels for CPUs treat in a way of their own: blocks of 16 channels that are not full, zeros around
// pictures, lines that are no whole number of vectors.
#include "tests/devices/opencl_test_util.hpp"

namespace tandem::test {
namespace {

using Ints = std::vector<std::int64_t>;

/// A value in blocks: what a convolution makes. With `kernel` 3, the convolutions after it want zeros around it.
ValueId convolved(GraphBuilder& b, ValueId x, std::int64_t from, std::int64_t to, std::uint32_t seed,
                  std::int64_t kernel = 1) {
  const std::int64_t pad = kernel / 2;
  return b.add("Conv", {x, b.constant(randomTensor({to, from, kernel, kernel}, seed))},
               attributes({{"pads", Ints{pad, pad, pad, pad}}}));
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
