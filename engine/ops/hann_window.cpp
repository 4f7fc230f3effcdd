// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/cosine_window.hpp"

namespace tandem::ops {

// ONNX HannWindow: sin^2(pi n / N).
extern const OpDef kHannWindow =
    cosineWindowOp("HannWindow", [](ReferenceContext& context) { return cosineWindow(context, 0.5, -0.5, 0); });

} // namespace tandem::ops
