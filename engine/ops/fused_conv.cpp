// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/conv_reference.hpp"

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) {
  TANDEM_TRY(activationOf(context.node()));
  return inferConv(context);
}

double flops(const Graph& graph, const Node& node) {
  const double outputs = static_cast<double>(graph.value(node.outputs[0]).desc.shape.elements());
  const bool hasResidual = node.inputs.size() > 3 && node.inputs[3].valid();
  const bool activates = !node.attributes.getString("activation", "").empty();
  return convFlops(graph, node) + outputs * ((hasResidual ? 1 : 0) + (activates ? 1 : 0));
}

Result<void> reference(ReferenceContext& context) {
  const Activation activation = TANDEM_TRY(activationOf(context.node()));
  return convReference(context, 3, activation);
}

} // namespace

// Made by fusion passes: y = activation(conv(X, W, B) + Z). Inputs X, W, B (optional), Z (optional residual of the
// output's shape); Conv's attributes and those of activationOf().
extern const OpDef kFusedConv = {.type = "FusedConv",
                                 .domain = "tandem",
                                 .versions = {1},
                                 .minInputs = 2,
                                 .maxInputs = 4,
                                 .infer = infer,
                                 .flops = flops,
                                 .reference = reference};

} // namespace tandem::ops
