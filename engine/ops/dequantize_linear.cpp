// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/quantize_linear_common.hpp"

namespace tandem::ops {

// ONNX DequantizeLinear: 13 adds axis, 19 float16, 21 blocks and 16 bit integers, 23 output_dtype.
extern const OpDef kDequantizeLinear = {.type = "DequantizeLinear",
                                        .domain = "",
                                        .versions = {10, 13, 19, 21, 23, 24, 25},
                                        .minInputs = 2,
                                        .maxInputs = 3,
                                        .infer = inferDequantizeLinear,
                                        .flops = quantizeLinearFlops,
                                        .reference = dequantizeLinear};

} // namespace tandem::ops
