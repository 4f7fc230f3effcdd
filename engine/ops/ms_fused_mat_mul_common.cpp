// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/ms_fused_mat_mul_common.hpp"

#include "engine/ops/floating.hpp"
#include "engine/ops/product_common.hpp"
#include "engine/ops/twin.hpp"

#include <algorithm>
#include <numeric>

namespace tandem::ops {
namespace {

/// The order of axes that makes A' from A.
std::vector<std::int64_t> axisOrder(const Node& node, std::size_t rank, std::string_view transBatch,
                                    std::string_view trans) {
  std::vector<std::int64_t> order(rank);
  std::iota(order.begin(), order.end(), 0);
  if (rank > 2 && node.attributes.getInt(transBatch, 0) != 0)
    std::rotate(order.begin(), order.begin() + 1, order.end() - 1);
  if (rank > 1 && node.attributes.getInt(trans, 0) != 0) std::swap(order[rank - 1], order[rank - 2]);
  return order;
}

std::vector<std::int64_t> orderOf(const Node& node, std::size_t operand, std::size_t rank) {
  return operand == 0 ? axisOrder(node, rank, "transBatchA", "transA") : axisOrder(node, rank, "transBatchB", "transB");
}

Shape turnedShape(const Node& node, std::size_t operand, const Shape& shape) {
  std::vector<std::int64_t> dims;
  for (std::int64_t axis : orderOf(node, operand, shape.rank())) dims.push_back(shape[static_cast<std::size_t>(axis)]);
  return Shape(std::move(dims));
}

Result<MatMulGeometry> geometryOf(const Node& node, const Shape& a, const Shape& b) {
  return matMulGeometry(node, turnedShape(node, 0, a), turnedShape(node, 1, b));
}

Result<Tensor> turned(const ReferenceContext& context, std::size_t operand) {
  const Tensor& x = context.input(operand);
  const std::vector<std::int64_t> order = orderOf(context.node(), operand, x.shape().rank());
  if (std::is_sorted(order.begin(), order.end())) return x;
  Twin transpose{"Transpose", 13};
  transpose.attributes.set("perm", order);
  return evaluateAs(context, transpose, {x});
}

} // namespace

Result<void> inferFusedMatMul(InferContext& context) {
  const DataType type = context.inputType(0);
  const Shape *a = context.inputShape(0), *b = context.inputShape(1);
  if (!a || !b) return context.setOutputType(0, type), Result<void>{};
  MatMulGeometry geometry = TANDEM_TRY(geometryOf(context.node(), *a, *b));
  context.setOutput(0, type, std::move(geometry.output));
  return {};
}

double fusedMatMulFlops(const Graph& graph, const Node& node) {
  const auto shape = [&](std::size_t i) -> const Shape& { return graph.value(node.inputs[i]).desc.shape; };
  const auto geometry = geometryOf(node, shape(0), shape(1));
  if (!geometry.ok()) return 0;
  return 2 * static_cast<double>(geometry->output.elements()) * static_cast<double>(geometry->depth);
}

Result<void> fusedMatMul(ReferenceContext& context, const Activation& activation) {
  TANDEM_TRY(requireSameType(context, 0, 1));
  const Tensor a = TANDEM_TRY(turned(context, 0));
  const Tensor b = TANDEM_TRY(turned(context, 1));
  const Tensor product = TANDEM_TRY(evaluateAs(context, {"MatMul", 13}, {a, b}));
  Tensor y = TANDEM_TRY(makeOutput(context, 0, product.type(), product.shape()));
  const float alpha = context.attributes().getFloat("alpha", 1.0f);
  const bool known = visitCompute(product.type(), [&]<class C>(TypeTag<C>) {
    const Elements<C> source(product);
    Results<C> result(y);
    for (std::int64_t i = 0; i < product.elements(); ++i)
      result.data()[i] = applyActivation(activation, source[i] * static_cast<C>(alpha));
    result.store();
  });
  if (!known) return unsupportedType(context, product.type());
  return {};
}

} // namespace tandem::ops
