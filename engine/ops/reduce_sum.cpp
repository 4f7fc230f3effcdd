// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/reduce.hpp"

namespace tandem::ops {
namespace {

struct SumFold {
  static constexpr bool kInDouble = false;
  template <class T, class Acc> static Acc start() { return Acc(0); }
  template <class Acc> static Acc step(Acc acc, Acc x) { return wrapAdd(acc, x); }
  template <class Acc> static Acc finish(Acc acc, Acc) { return acc; }
};

} // namespace

// ONNX ReduceSum: sum over axes; 0 of nothing.
extern const OpDef kReduceSum = reduceOp("ReduceSum", {1, 11, 13}, reduceWith<ReduceTypes, SumFold>);

} // namespace tandem::ops
