// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/conv_reference.hpp"

namespace tandem::ops {
namespace {

/// The function's numbers come as one list here.
Result<Activation> activationOfConv(const Node& node) {
  Node plain;
  plain.name = node.name;
  plain.type = node.type;
  plain.attributes.set("activation", std::string(node.attributes.getString("activation", "")));
  const std::vector<float> parameters = node.attributes.getFloats("activation_params");
  if (!parameters.empty()) plain.attributes.set("activation_alpha", parameters[0]);
  if (parameters.size() > 1) plain.attributes.set("activation_beta", parameters[1]);
  return activationOf(plain);
}

Result<void> infer(InferContext& context) {
  TANDEM_TRY(activationOfConv(context.node()));
  return inferConv(context);
}
Result<void> reference(ReferenceContext& context) {
  return convReference(context, 3, TANDEM_TRY(activationOfConv(context.node())));
}

} // namespace

// com.microsoft FusedConv: activation(conv(X, W, B) + Z); attributes activation and activation_params.
extern const OpDef kMsFusedConv = {.type = "FusedConv",
                                   .domain = "com.microsoft",
                                   .versions = {1},
                                   .minInputs = 2,
                                   .maxInputs = 4,
                                   .infer = infer,
                                   .flops = convFlops,
                                   .reference = reference};

} // namespace tandem::ops
