// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/integer_conv.hpp"

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) { return inferIntegerConv(context, 0, 1, DataType::Int32); }
double flops(const Graph& graph, const Node& node) { return integerConvFlops(graph, node, 0, 1); }

Result<void> reference(ReferenceContext& context) {
  const IntegerConv conv = TANDEM_TRY(integerConv(context, {0, 1, 2, 3}));
  Tensor y = TANDEM_TRY(makeOutput(context, 0, DataType::Int32, conv.geometry.outputShape()));
  std::copy(conv.sums.begin(), conv.sums.end(), y.mutableAs<std::int32_t>().begin());
  return {};
}

} // namespace

// ONNX ConvInteger: x, w and their zero points (w's per output channel).
extern const OpDef kConvInteger = {.type = "ConvInteger",
                                   .domain = "",
                                   .versions = {10},
                                   .minInputs = 2,
                                   .maxInputs = 4,
                                   .infer = infer,
                                   .flops = flops,
                                   .reference = reference};

} // namespace tandem::ops
