// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/quantization.hpp"

namespace tandem::ops {

/// QuantizeLinear and DequantizeLinear of ONNX (axis 1 by default) and of com.microsoft (the same without blocks).
Result<void> inferQuantizeLinear(InferContext& context);
Result<void> quantizeLinear(ReferenceContext& context);
Result<void> inferDequantizeLinear(InferContext& context);
Result<void> dequantizeLinear(ReferenceContext& context);
/// Two operations per element.
double quantizeLinearFlops(const Graph& graph, const Node& node);

} // namespace tandem::ops
