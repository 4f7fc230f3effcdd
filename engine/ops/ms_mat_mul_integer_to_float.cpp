// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/integer_product.hpp"

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) { return inferIntegerMatMul(context, 0, 1, context.inputType(2)); }
double flops(const Graph& graph, const Node& node) { return integerMatMulFlops(graph, node, 0, 1); }

Result<void> reference(ReferenceContext& context) {
  const IntegerProduct product = TANDEM_TRY(integerMatMul(context, {0, 4}, {1, 5}));
  const MatMulGeometry& geometry = product.geometry;
  const auto scaleA = TANDEM_TRY(lineScales(context, 2, geometry.batchA.elements(), geometry.rows));
  const auto scaleB = TANDEM_TRY(lineScales(context, 3, geometry.batchB.elements(), geometry.columns));
  const Tensor y = TANDEM_TRY(scaledProduct(context, product, scaleA, scaleB, 6));
  Results<float> result(TANDEM_TRY(makeOutput(context, 0, context.input(2).type(), geometry.output)));
  std::copy_n(y.as<float>().data(), y.elements(), result.data());
  result.store();
  return {};
}

} // namespace

// com.microsoft MatMulIntegerToFloat: A, B, their scales and zero points, bias: MatMulInteger times both scales.
extern const OpDef kMsMatMulIntegerToFloat = {.type = "MatMulIntegerToFloat",
                                              .domain = "com.microsoft",
                                              .versions = {1},
                                              .minInputs = 4,
                                              .maxInputs = 7,
                                              .infer = infer,
                                              .flops = flops,
                                              .reference = reference};

} // namespace tandem::ops
