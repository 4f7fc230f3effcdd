// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/product_common.hpp"

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) {
  TANDEM_TRY(activationOf(context.node()));
  return inferGemm(context);
}

double flops(const Graph& graph, const Node& node) {
  const bool activates = !node.attributes.getString("activation", "").empty();
  const double outputs = static_cast<double>(graph.value(node.outputs[0]).desc.shape.elements());
  return gemmFlops(graph, node) + (activates ? outputs : 0);
}

Result<void> reference(ReferenceContext& context) {
  const Activation activation = TANDEM_TRY(activationOf(context.node()));
  if (!isFloating(context.input(0).type())) return context.fail("the operands are not floating point");
  return gemmReference(context, activation);
}

} // namespace

// Made by fusion passes: activation(alpha * A' * B' + beta * C), with Gemm's inputs and attributes and those of
// activationOf(). A may have leading axes, which are rows, where it is not transposed.
extern const OpDef kFusedGemm = {.type = "FusedGemm",
                                 .domain = "tandem",
                                 .versions = {1},
                                 .minInputs = 2,
                                 .maxInputs = 3,
                                 .infer = infer,
                                 .flops = flops,
                                 .reference = reference};

} // namespace tandem::ops
