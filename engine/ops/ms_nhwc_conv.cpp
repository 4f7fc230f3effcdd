// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/twin.hpp"

namespace tandem::ops {
namespace {

Twin twinOf(const Node& node) { return {"Conv", 11, node.attributes, {0, 1, 2}, true}; }

Result<void> infer(InferContext& context) { return inferAs(context, twinOf(context.node())); }

Result<void> reference(ReferenceContext& context) {
  if (context.input(0).shape().rank() < 3) return context.fail("the input has no spatial axis");
  std::vector<Tensor> inputs{context.input(0), context.input(1)};
  if (context.hasInput(2)) inputs.push_back(context.input(2));
  return storeOutput(context, 0, TANDEM_TRY(evaluateAs(context, twinOf(context.node()), inputs)));
}

} // namespace

// com.microsoft NhwcConv: Conv on N[D][H]WC data; the weights are as Conv's.
extern const OpDef kMsNhwcConv = {.type = "NhwcConv",
                                  .domain = "com.microsoft",
                                  .versions = {1},
                                  .minInputs = 2,
                                  .maxInputs = 3,
                                  .infer = infer,
                                  .reference = reference};

} // namespace tandem::ops
