// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/conv_reference.hpp"

namespace tandem::ops {
namespace {

Result<void> reference(ReferenceContext& context) { return convReference(context, 3, Activation{}); }

} // namespace

// ONNX Conv: version 11 changed nothing but the default of strides and dilations (ones), 22 adds bfloat16.
extern const OpDef kConv = {.type = "Conv",
                            .domain = "",
                            .versions = {1, 11, 22},
                            .minInputs = 2,
                            .maxInputs = 3,
                            .infer = inferConv,
                            .flops = convFlops,
                            .reference = reference};

} // namespace tandem::ops
