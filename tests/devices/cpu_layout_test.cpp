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

} // namespace
} // namespace tandem
