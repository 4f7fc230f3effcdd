// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/cosine_window.hpp"

namespace tandem::ops {

// ONNX HammingWindow: 25/46 - 21/46 cos(2 pi n / N).
extern const OpDef kHammingWindow = cosineWindowOp(
    "HammingWindow", [](ReferenceContext& context) { return cosineWindow(context, 25.0 / 46.0, -21.0 / 46.0, 0); });

} // namespace tandem::ops
