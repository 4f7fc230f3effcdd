// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/twin.hpp"

namespace tandem::ops {
namespace {

Twin twin() { return {"Mul", 14, {}, {0, 3}}; }

Result<void> infer(InferContext& context) { return inferAs(context, twin(), context.inputType(0), DataType::Float32); }
double flops(const Graph& graph, const Node& node) { return flopsAs(graph, node, twin()); }

Result<void> reference(ReferenceContext& context) {
  const Tensor a = TANDEM_TRY(dequantizedInput(context, 0, {1, 2}));
  const Tensor b = TANDEM_TRY(dequantizedInput(context, 3, {4, 5}));
  const Tensor c = TANDEM_TRY(evaluateAs(context, twin(), {a, b}));
  return storeQuantized(context, c, context.input(0).type(), {6, 7});
}

} // namespace

// com.microsoft QLinearMul: A, B and C = A * B, each with a scale and a zero point.
extern const OpDef kMsQLinearMul = {.type = "QLinearMul",
                                    .domain = "com.microsoft",
                                    .versions = {1},
                                    .minInputs = 7,
                                    .maxInputs = 8,
                                    .infer = infer,
                                    .flops = flops,
                                    .reference = reference};

} // namespace tandem::ops
