// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/integer_product.hpp"
#include "engine/ops/twin.hpp"

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) { return inferIntegerMatMul(context, 0, 1, context.inputType(0)); }
double flops(const Graph& graph, const Node& node) { return integerMatMulFlops(graph, node, 0, 1); }

Result<void> reference(ReferenceContext& context) {
  const Tensor& a = context.input(0);
  if (a.type() != DataType::Float32) return unsupportedType(context, a.type());
  const ScalarQuantization quantization = dynamicQuantization(a.as<float>());
  Tensor quantized = Tensor::uninitialized({DataType::UInt8, a.shape()});
  quantizeInto(a.as<float>(), quantization, quantized);
  PerMatrixLine<std::int32_t> zero;
  zero.values = {static_cast<std::int32_t>(quantization.zeroPoint)};
  const IntegerProduct product = TANDEM_TRY(integerMatMul(context, quantized, zero, {1, 3}));
  const MatMulGeometry& geometry = product.geometry;
  PerMatrixLine<float> scaleA;
  scaleA.values = {quantization.scale};
  const auto scaleB = TANDEM_TRY(lineScales(context, 2, geometry.batchB.elements(), geometry.columns));
  return storeOutput(context, 0, TANDEM_TRY(scaledProduct(context, product, scaleA, scaleB, 4)));
}

} // namespace

// com.microsoft DynamicQuantizeMatMul: A is quantized as DynamicQuantizeLinear does it; B, its scale and zero point,
// bias.
extern const OpDef kMsDynamicQuantizeMatMul = {.type = "DynamicQuantizeMatMul",
                                               .domain = "com.microsoft",
                                               .versions = {1},
                                               .minInputs = 3,
                                               .maxInputs = 5,
                                               .infer = infer,
                                               .flops = flops,
                                               .reference = reference};

} // namespace tandem::ops
