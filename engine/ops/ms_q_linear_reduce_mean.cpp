// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/twin.hpp"

namespace tandem::ops {
namespace {

Twin twinOf(const Node& node) { return {"ReduceMean", 13, node.attributes}; }
Result<void> infer(InferContext& context) { return inferQuantizedUnary(context, twinOf(context.node())); }
double flops(const Graph& graph, const Node& node) { return flopsAs(graph, node, twinOf(node)); }
Result<void> reference(ReferenceContext& context) { return quantizedUnary(context, twinOf(context.node())); }

} // namespace

// com.microsoft QLinearReduceMean: data, its scale and zero point, the result's scale and zero point; attributes axes
// and keepdims.
extern const OpDef kMsQLinearReduceMean = {.type = "QLinearReduceMean",
                                           .domain = "com.microsoft",
                                           .versions = {1},
                                           .minInputs = 4,
                                           .maxInputs = 5,
                                           .infer = infer,
                                           .flops = flops,
                                           .reference = reference};

} // namespace tandem::ops
