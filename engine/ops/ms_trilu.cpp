// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/twin.hpp"

namespace tandem::ops {
namespace {

Twin twinOf(const Node& node) { return {"Trilu", 14, node.attributes, {0, 1}}; }

Result<void> infer(InferContext& context) { return inferAs(context, twinOf(context.node())); }

Result<void> reference(ReferenceContext& context) {
  std::vector<Tensor> inputs{context.input(0)};
  if (context.hasInput(1)) inputs.push_back(context.input(1));
  return storeOutput(context, 0, TANDEM_TRY(evaluateAs(context, twinOf(context.node()), inputs)));
}

} // namespace

// com.microsoft Trilu: as ONNX's.
extern const OpDef kMsTrilu = {.type = "Trilu",
                               .domain = "com.microsoft",
                               .versions = {1},
                               .minInputs = 1,
                               .maxInputs = 2,
                               .infer = infer,
                               .reference = reference};

} // namespace tandem::ops
