// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/scan_axis.hpp"

namespace tandem::ops {

// ONNX CumProd: running product along an axis.
extern const OpDef kCumProd = scanAxisOp("CumProd", {26}, [](ReferenceContext& context) {
  return scanAxis(context, 1, [](auto product, auto x) { return wrapMul(product, x); });
});

} // namespace tandem::ops
