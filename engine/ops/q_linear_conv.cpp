// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/integer_conv.hpp"

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) { return inferIntegerConv(context, 0, 3, context.inputType(7)); }
double flops(const Graph& graph, const Node& node) { return integerConvFlops(graph, node, 0, 3); }
Result<void> reference(ReferenceContext& context) { return qLinearConv(context, false); }

} // namespace

// ONNX QLinearConv: x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, B (int32, optional).
extern const OpDef kQLinearConv = {.type = "QLinearConv",
                                   .domain = "",
                                   .versions = {10},
                                   .minInputs = 8,
                                   .maxInputs = 9,
                                   .infer = infer,
                                   .flops = flops,
                                   .reference = reference};

} // namespace tandem::ops
