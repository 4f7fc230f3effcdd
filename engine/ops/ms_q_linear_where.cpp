// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/twin.hpp"

namespace tandem::ops {
namespace {

Twin twin() { return {"Where", 16, {}, {0, 1, 4}}; }

Result<void> infer(InferContext& context) { return inferAs(context, twin(), context.inputType(1)); }
double flops(const Graph& graph, const Node& node) { return flopsAs(graph, node, twin()); }

Result<void> reference(ReferenceContext& context) {
  const Tensor x = TANDEM_TRY(dequantizedInput(context, 1, {2, 3}));
  const Tensor y = TANDEM_TRY(dequantizedInput(context, 4, {5, 6}));
  const Tensor z = TANDEM_TRY(evaluateAs(context, twin(), {context.input(0), x, y}));
  return storeQuantized(context, z, context.input(1).type(), {7, 8});
}

} // namespace

// com.microsoft QLinearWhere: condition, then X, Y and Z = condition ? X : Y, each with a scale and a zero point.
extern const OpDef kMsQLinearWhere = {.type = "QLinearWhere",
                                      .domain = "com.microsoft",
                                      .versions = {1},
                                      .minInputs = 9,
                                      .maxInputs = 9,
                                      .infer = infer,
                                      .flops = flops,
                                      .reference = reference};

} // namespace tandem::ops
