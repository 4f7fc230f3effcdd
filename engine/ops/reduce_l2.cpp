// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/reduce.hpp"

#include <cmath>

namespace tandem::ops {
namespace {

struct L2Fold {
  static constexpr bool kInDouble = true;
  template <class T, class Acc> static Acc start() { return Acc(0); }
  template <class Acc> static Acc step(Acc acc, Acc x) { return acc + x * x; }
  template <class Acc> static Acc finish(Acc acc, Acc) { return std::sqrt(acc); }
};

} // namespace

// ONNX ReduceL2: square root of the sum of squares over axes.
extern const OpDef kReduceL2 = reduceOp("ReduceL2", {1, 11, 13, 18}, reduceWith<ReduceTypes, L2Fold>);

} // namespace tandem::ops
