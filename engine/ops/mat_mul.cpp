// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/product_common.hpp"

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) {
  const DataType type = context.inputType(0);
  const Shape* a = context.inputShape(0);
  const Shape* b = context.inputShape(1);
  if (!a || !b) return context.setOutputType(0, type), Result<void>{};
  MatMulGeometry geometry = TANDEM_TRY(matMulGeometry(context.node(), *a, *b));
  context.setOutput(0, type, std::move(geometry.output));
  return {};
}

double flops(const Graph& graph, const Node& node) {
  const auto shape = [&](std::size_t i) -> const Shape& { return graph.value(node.inputs[i]).desc.shape; };
  const auto geometry = matMulGeometry(node, shape(0), shape(1));
  if (!geometry.ok()) return 0;
  return 2 * static_cast<double>(geometry->output.elements()) * static_cast<double>(geometry->depth);
}

template <class C> void matMul(ReferenceContext& context, const MatMulGeometry& geometry) {
  const Elements<C> a(context.input(0)), b(context.input(1));
  Results<C> y(context.output(0, context.input(0).type(), geometry.output));
  const auto& [batchA, batchB, batch, m, n, k, output] = geometry;
  const std::int64_t count = batch.elements();
  // One matrix on the right for all on the left: one tall product.
  if (batchB.elements() == 1 && batchA.elements() == count) {
    multiply(count * m, n, k, a.data(), b.data(), false, y.data());
  } else {
    for (std::int64_t i = 0; i < count; ++i)
      multiply(m, n, k, a.data() + matrixOf(batchA, batch, i) * m * k, b.data() + matrixOf(batchB, batch, i) * k * n,
               false, y.data() + i * m * n);
  }
  y.store();
}

Result<void> reference(ReferenceContext& context) {
  const Tensor& a = context.input(0);
  const Tensor& b = context.input(1);
  const MatMulGeometry geometry = TANDEM_TRY(matMulGeometry(context.node(), a.shape(), b.shape()));
  if (a.type() != b.type()) return context.fail("the operands differ in type");
  if (!visitProductType(a.type(), [&]<class C>(TypeTag<C>) { matMul<C>(context, geometry); }))
    return context.fail("cannot multiply " + a.desc().toString());
  return {};
}

} // namespace

// ONNX MatMul: version 9 adds the integer types, 13 bfloat16.
extern const OpDef kMatMul = {.type = "MatMul",
                              .domain = "",
                              .versions = {1, 9, 13},
                              .minInputs = 2,
                              .maxInputs = 2,
                              .infer = infer,
                              .flops = flops,
                              .reference = reference};

} // namespace tandem::ops
