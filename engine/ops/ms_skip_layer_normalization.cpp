// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/ms_skip_norm_common.hpp"

namespace tandem::ops {
namespace {

constexpr SkipNormInputs kInputs{.beta = 3, .bias = 4};

Result<void> reference(ReferenceContext& context) { return skipNormalization(context, kInputs, true); }

} // namespace

// com.microsoft SkipLayerNormalization: LayerNormalization of input + skip + bias; output 3 is that sum.
extern const OpDef kMsSkipLayerNormalization = {.type = "SkipLayerNormalization",
                                                .domain = "com.microsoft",
                                                .versions = {1},
                                                .minInputs = 3,
                                                .maxInputs = 5,
                                                .maxOutputs = 4,
                                                .infer = inferSkipNormalization,
                                                .flops = skipNormalizationFlops,
                                                .reference = reference};

} // namespace tandem::ops
