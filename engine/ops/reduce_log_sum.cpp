// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/reduce.hpp"

#include <cmath>

namespace tandem::ops {
namespace {

struct LogSumFold {
  static constexpr bool kInDouble = true;
  template <class T, class Acc> static Acc start() { return Acc(0); }
  template <class Acc> static Acc step(Acc acc, Acc x) { return acc + x; }
  template <class Acc> static Acc finish(Acc acc, Acc) { return std::log(acc); }
};

} // namespace

// ONNX ReduceLogSum: logarithm of the sum over axes; minus infinity of nothing.
extern const OpDef kReduceLogSum = reduceOp("ReduceLogSum", {1, 11, 13, 18}, reduceWith<ReduceTypes, LogSumFold>);

} // namespace tandem::ops
