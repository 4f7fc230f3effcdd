// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/reduce.hpp"

namespace tandem::ops {
namespace {

struct SumSquareFold {
  static constexpr bool kInDouble = false;
  template <class T, class Acc> static Acc start() { return Acc(0); }
  template <class Acc> static Acc step(Acc acc, Acc x) { return wrapAdd(acc, wrapMul(x, x)); }
  template <class Acc> static Acc finish(Acc acc, Acc) { return acc; }
};

} // namespace

// ONNX ReduceSumSquare: sum of squares over axes.
extern const OpDef kReduceSumSquare =
    reduceOp("ReduceSumSquare", {1, 11, 13, 18}, reduceWith<ReduceTypes, SumSquareFold>);

} // namespace tandem::ops
