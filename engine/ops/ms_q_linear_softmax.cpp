// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/twin.hpp"

namespace tandem::ops {
namespace {

/// Softmax as of the opset that the attribute names: before 13 the axes from `axis` on count as one.
Twin twinOf(const Node& node) {
  Twin twin{"Softmax", node.attributes.getInt("opset", 13) < 13 ? 11 : 13};
  twin.attributes.set("axis", node.attributes.getInt("axis", -1));
  return twin;
}

Result<void> infer(InferContext& context) { return inferQuantizedUnary(context, twinOf(context.node())); }
double flops(const Graph& graph, const Node& node) { return flopsAs(graph, node, twinOf(node)); }
Result<void> reference(ReferenceContext& context) { return quantizedUnary(context, twinOf(context.node())); }

} // namespace

// com.microsoft QLinearSoftmax: X, its scale and zero point, Y's scale and zero point; attributes axis and opset.
extern const OpDef kMsQLinearSoftmax = {.type = "QLinearSoftmax",
                                        .domain = "com.microsoft",
                                        .versions = {1},
                                        .minInputs = 4,
                                        .maxInputs = 5,
                                        .infer = infer,
                                        .flops = flops,
                                        .reference = reference};

} // namespace tandem::ops
