// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/twin.hpp"

namespace tandem::ops {
namespace {

/// Inputs come in threes behind the result's scale and zero point.
Twin twinOf(const Node& node) {
  Twin twin{"Concat", 13, node.attributes, {}};
  for (std::size_t i = 2; i < node.inputs.size(); i += 3) twin.inputs.push_back(i);
  return twin;
}

Result<void> infer(InferContext& context) {
  if (context.inputCount() % 3 != 2) return context.fail("the inputs do not come as tensor, scale and zero point");
  return inferAs(context, twinOf(context.node()), context.inputType(1), DataType::Float32);
}

Result<void> reference(ReferenceContext& context) {
  if (context.inputCount() % 3 != 2) return context.fail("the inputs do not come as tensor, scale and zero point");
  const Twin twin = twinOf(context.node());
  std::vector<Tensor> inputs;
  for (std::size_t i : twin.inputs) inputs.push_back(TANDEM_TRY(dequantizedInput(context, i, {i + 1, i + 2})));
  const Tensor y = TANDEM_TRY(evaluateAs(context, twin, inputs));
  return storeQuantized(context, y, context.input(1).type(), {0, 1});
}

} // namespace

// com.microsoft QLinearConcat: Y's scale and zero point, then tensor, scale and zero point of every operand.
extern const OpDef kMsQLinearConcat = {.type = "QLinearConcat",
                                       .domain = "com.microsoft",
                                       .versions = {1},
                                       .minInputs = 5,
                                       .maxInputs = 255,
                                       .infer = infer,
                                       .reference = reference};

} // namespace tandem::ops
