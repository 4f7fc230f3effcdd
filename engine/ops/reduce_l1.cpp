// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/reduce.hpp"

namespace tandem::ops {
namespace {

struct L1Fold {
  static constexpr bool kInDouble = false;
  template <class T, class Acc> static Acc start() { return Acc(0); }
  template <class Acc> static Acc step(Acc acc, Acc x) { return x < 0 ? wrapSub(acc, x) : wrapAdd(acc, x); }
  template <class Acc> static Acc finish(Acc acc, Acc) { return acc; }
};

} // namespace

// ONNX ReduceL1: sum of |x| over axes.
extern const OpDef kReduceL1 = reduceOp("ReduceL1", {1, 11, 13, 18}, reduceWith<ReduceTypes, L1Fold>);

} // namespace tandem::ops
