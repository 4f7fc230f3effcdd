// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/quantize_linear_common.hpp"

namespace tandem::ops {

// ONNX QuantizeLinear: 13 adds axis, 19 float16, 21 blocks, 16 bit integers and output_dtype, 23 precision.
extern const OpDef kQuantizeLinear = {.type = "QuantizeLinear",
                                      .domain = "",
                                      .versions = {10, 13, 19, 21, 23, 24, 25},
                                      .minInputs = 2,
                                      .maxInputs = 3,
                                      .infer = inferQuantizeLinear,
                                      .flops = quantizeLinearFlops,
                                      .reference = quantizeLinear};

} // namespace tandem::ops
