// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/integer_product.hpp"

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) {
  if (!visitOneOf(NarrowTypes{}, context.inputType(7), [](auto) {}) && context.inputType(7) != DataType::Undefined)
    return context.fail("cannot quantize to " + std::string(toString(context.inputType(7))));
  return inferIntegerMatMul(context, 0, 3, context.inputType(7));
}
double flops(const Graph& graph, const Node& node) { return integerMatMulFlops(graph, node, 0, 3); }

Result<void> reference(ReferenceContext& context) {
  const IntegerProduct product = TANDEM_TRY(integerMatMul(context, {0, 2}, {3, 5}));
  const MatMulGeometry& geometry = product.geometry;
  const std::int64_t m = geometry.rows, n = geometry.columns;
  const auto scaleA = TANDEM_TRY(lineScales(context, 1, geometry.batchA.elements(), m));
  const auto scaleB = TANDEM_TRY(lineScales(context, 4, geometry.batchB.elements(), n));
  const ScalarQuantization result = TANDEM_TRY(scalarQuantization(context, 6, 7));
  Tensor y = TANDEM_TRY(makeOutput(context, 0, context.input(7).type(), geometry.output));
  const bool known = visitOneOf(NarrowTypes{}, y.type(), [&]<class Q>(TypeTag<Q>) {
    Q* out = y.mutableAs<Q>().data();
    const std::int32_t* sums = product.sums.data();
    for (std::size_t matrix = 0; matrix < product.matrixA.size(); ++matrix)
      for (std::int64_t i = 0; i < m; ++i) {
        const float rowScale = scaleA.at(product.matrixA[matrix], i);
        for (std::int64_t j = 0; j < n; ++j) {
          const float factor = rowScale * scaleB.at(product.matrixB[matrix], j) / result.scale;
          *out++ = quantizeValue<Q>(static_cast<float>(*sums++) * factor, result.zeroPoint);
        }
      }
  });
  if (!known) return unsupportedType(context, y.type());
  return {};
}

} // namespace

// ONNX QLinearMatMul: a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point; 21 adds 16 bit scales.
extern const OpDef kQLinearMatMul = {.type = "QLinearMatMul",
                                     .domain = "",
                                     .versions = {10, 21},
                                     .minInputs = 8,
                                     .maxInputs = 8,
                                     .infer = infer,
                                     .flops = flops,
                                     .reference = reference};

} // namespace tandem::ops
