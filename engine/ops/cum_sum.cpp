// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/scan_axis.hpp"

namespace tandem::ops {

// ONNX CumSum: running sum along an axis.
extern const OpDef kCumSum = scanAxisOp("CumSum", {11, 14}, [](ReferenceContext& context) {
  return scanAxis(context, 0, [](auto sum, auto x) { return wrapAdd(sum, x); });
});

} // namespace tandem::ops
