// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/integer_product.hpp"

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) { return inferIntegerMatMul(context, 0, 1, DataType::Int32); }
double flops(const Graph& graph, const Node& node) { return integerMatMulFlops(graph, node, 0, 1); }

Result<void> reference(ReferenceContext& context) {
  const IntegerProduct product = TANDEM_TRY(integerMatMul(context, {0, 2}, {1, 3}));
  Tensor y = TANDEM_TRY(makeOutput(context, 0, DataType::Int32, product.geometry.output));
  std::copy(product.sums.begin(), product.sums.end(), y.mutableAs<std::int32_t>().begin());
  return {};
}

} // namespace

// ONNX MatMulInteger: A, B and their zero points (per row of A, per column of B).
extern const OpDef kMatMulInteger = {.type = "MatMulInteger",
                                     .domain = "",
                                     .versions = {10},
                                     .minInputs = 2,
                                     .maxInputs = 4,
                                     .infer = infer,
                                     .flops = flops,
                                     .reference = reference};

} // namespace tandem::ops
