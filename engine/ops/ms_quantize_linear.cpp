// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/quantize_linear_common.hpp"

namespace tandem::ops {

// com.microsoft QuantizeLinear: as ONNX's; scales of several elements go with attribute axis.
extern const OpDef kMsQuantizeLinear = {.type = "QuantizeLinear",
                                        .domain = "com.microsoft",
                                        .versions = {1},
                                        .minInputs = 2,
                                        .maxInputs = 3,
                                        .infer = inferQuantizeLinear,
                                        .flops = quantizeLinearFlops,
                                        .reference = quantizeLinear};

} // namespace tandem::ops
