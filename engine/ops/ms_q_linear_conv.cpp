// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/integer_conv.hpp"

namespace tandem::ops {
namespace {

bool channelsLast(const Node& node) { return node.attributes.getInt("channels_last", 0) != 0; }

Result<void> infer(InferContext& context) {
  return inferIntegerConv(context, 0, 3, context.inputType(7), channelsLast(context.node()));
}
double flops(const Graph& graph, const Node& node) { return integerConvFlops(graph, node, 0, 3, channelsLast(node)); }
Result<void> reference(ReferenceContext& context) { return qLinearConv(context, channelsLast(context.node())); }

} // namespace

// com.microsoft QLinearConv: ONNX's, with attribute channels_last.
extern const OpDef kMsQLinearConv = {.type = "QLinearConv",
                                     .domain = "com.microsoft",
                                     .versions = {1},
                                     .minInputs = 8,
                                     .maxInputs = 9,
                                     .infer = infer,
                                     .flops = flops,
                                     .reference = reference};

} // namespace tandem::ops
