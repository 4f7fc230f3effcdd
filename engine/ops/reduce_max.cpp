// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/reduce.hpp"

namespace tandem::ops {
namespace {

template <class T, class Acc> Acc extremeStart() {
  if constexpr (std::is_same_v<Acc, double>)
    return -std::numeric_limits<double>::infinity();
  else
    return static_cast<Acc>(std::numeric_limits<T>::lowest());
}

struct MaxFold {
  static constexpr bool kInDouble = false;
  template <class T, class Acc> static Acc start() { return extremeStart<T, Acc>(); }
  template <class Acc> static Acc step(Acc acc, Acc x) { return x > acc || isNaN(x) ? x : acc; }
  template <class Acc> static Acc finish(Acc acc, Acc) { return acc; }
};

} // namespace

// ONNX ReduceMax: largest element over axes, NaN where any is NaN; minus infinity, or the type's least value, of
// nothing.
extern const OpDef kReduceMax = reduceOp("ReduceMax", {1, 11, 12, 13, 18, 20}, reduceWith<ExtremeTypes, MaxFold>);

} // namespace tandem::ops
