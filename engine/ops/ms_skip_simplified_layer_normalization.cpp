// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/ms_skip_norm_common.hpp"

namespace tandem::ops {
namespace {

constexpr SkipNormInputs kInputs{.beta = SkipNormInputs::kNone, .bias = 3};

Result<void> reference(ReferenceContext& context) { return skipNormalization(context, kInputs, false); }

} // namespace

// com.microsoft SkipSimplifiedLayerNormalization: as SkipLayerNormalization with the root of the mean square.
extern const OpDef kMsSkipSimplifiedLayerNormalization = {.type = "SkipSimplifiedLayerNormalization",
                                                          .domain = "com.microsoft",
                                                          .versions = {1},
                                                          .minInputs = 3,
                                                          .maxInputs = 4,
                                                          .maxOutputs = 4,
                                                          .infer = inferSkipNormalization,
                                                          .flops = skipNormalizationFlops,
                                                          .reference = reference};

} // namespace tandem::ops
