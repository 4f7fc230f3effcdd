// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/cosine_window.hpp"

namespace tandem::ops {

// ONNX BlackmanWindow: 0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N).
extern const OpDef kBlackmanWindow =
    cosineWindowOp("BlackmanWindow", [](ReferenceContext& context) { return cosineWindow(context, 0.42, -0.5, 0.08); });

} // namespace tandem::ops
