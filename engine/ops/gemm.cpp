// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/product_common.hpp"

namespace tandem::ops {
namespace {

Result<void> reference(ReferenceContext& context) { return gemmReference(context, Activation{}); }

} // namespace

// ONNX Gemm: 7 broadcasts C without being asked, 9 adds the integer types, 11 makes C optional.
extern const OpDef kGemm = {.type = "Gemm",
                            .domain = "",
                            .versions = {1, 6, 7, 9, 11, 13},
                            .minInputs = 2,
                            .maxInputs = 3,
                            .infer = inferGemm,
                            .flops = gemmFlops,
                            .reference = reference};

} // namespace tandem::ops
