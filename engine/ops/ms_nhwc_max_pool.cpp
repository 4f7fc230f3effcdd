// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/twin.hpp"

namespace tandem::ops {
namespace {

Twin twinOf(const Node& node) { return {"MaxPool", 12, node.attributes, {0}, true}; }

Result<void> infer(InferContext& context) { return inferAs(context, twinOf(context.node())); }

Result<void> reference(ReferenceContext& context) {
  if (context.input(0).shape().rank() < 3) return context.fail("the input has no spatial axis");
  return storeOutput(context, 0, TANDEM_TRY(evaluateAs(context, twinOf(context.node()), {context.input(0)})));
}

} // namespace

// com.microsoft NhwcMaxPool: MaxPool on N[D][H]WC data.
extern const OpDef kMsNhwcMaxPool = {
    .type = "NhwcMaxPool", .domain = "com.microsoft", .versions = {1}, .infer = infer, .reference = reference};

} // namespace tandem::ops
