// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/reduce.hpp"

namespace tandem::ops {
namespace {

struct MeanFold {
  static constexpr bool kInDouble = false;
  template <class T, class Acc> static Acc start() { return Acc(0); }
  template <class Acc> static Acc step(Acc acc, Acc x) { return wrapAdd(acc, x); }
  template <class Acc> static Acc finish(Acc acc, Acc count) { return acc / count; }
};

Result<void> reduceMean(ReferenceContext& context) {
  // 0 / 0 is NaN for floats, but integers have no such answer.
  if (isInteger(context.input(0).type()) && context.input(0).elements() == 0)
    return context.fail("the mean of no integers does not exist");
  return reduceWith<ReduceTypes, MeanFold>(context);
}

} // namespace

// ONNX ReduceMean: mean over axes; integers are truncated.
extern const OpDef kReduceMean = reduceOp("ReduceMean", {1, 11, 13, 18}, reduceMean);

} // namespace tandem::ops
