// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/twin.hpp"

namespace tandem::ops {
namespace {

Twin twinOf(const Node&) { return {"Sigmoid", 13}; }
Result<void> infer(InferContext& context) { return inferQuantizedUnary(context, twinOf(context.node())); }
double flops(const Graph& graph, const Node& node) { return flopsAs(graph, node, twinOf(node)); }
Result<void> reference(ReferenceContext& context) { return quantizedUnary(context, twinOf(context.node())); }

} // namespace

// com.microsoft QLinearSigmoid: X, its scale and zero point, Y's scale and zero point.
extern const OpDef kMsQLinearSigmoid = {.type = "QLinearSigmoid",
                                        .domain = "com.microsoft",
                                        .versions = {1},
                                        .minInputs = 4,
                                        .maxInputs = 5,
                                        .infer = infer,
                                        .flops = flops,
                                        .reference = reference};

} // namespace tandem::ops
