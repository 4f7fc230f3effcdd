// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/reduce.hpp"

namespace tandem::ops {
namespace {

struct ProdFold {
  static constexpr bool kInDouble = false;
  template <class T, class Acc> static Acc start() { return Acc(1); }
  template <class Acc> static Acc step(Acc acc, Acc x) { return wrapMul(acc, x); }
  template <class Acc> static Acc finish(Acc acc, Acc) { return acc; }
};

} // namespace

// ONNX ReduceProd: product over axes; 1 of nothing.
extern const OpDef kReduceProd = reduceOp("ReduceProd", {1, 11, 13, 18}, reduceWith<ReduceTypes, ProdFold>);

} // namespace tandem::ops
