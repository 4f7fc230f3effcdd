// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/floating.hpp"
#include "engine/ops/kernel_util.hpp"

#include <cmath>

namespace tandem::ops {
namespace {

Shape batchShape(const Shape& x) { return Shape(std::vector<std::int64_t>(x.begin(), x.end() - 2)); }

template <class Context> Result<void> checkSquare(const Context& context, const Shape& x) {
  const std::size_t rank = x.rank();
  if (rank >= 2 && (x[rank - 1] == x[rank - 2] || x[rank - 1] == kUnknownDim || x[rank - 2] == kUnknownDim)) return {};
  return context.fail(x.toString() + " does not hold square matrices");
}

/// Product of the pivots of an elimination with row exchanges; destroys `a`.
double determinant(std::vector<double>& a, std::size_t n) {
  double result = 1;
  for (std::size_t column = 0; column < n; ++column) {
    std::size_t pivot = column;
    for (std::size_t row = column + 1; row < n; ++row)
      if (std::abs(a[row * n + column]) > std::abs(a[pivot * n + column])) pivot = row;
    const double value = a[pivot * n + column];
    if (value == 0) return 0;
    if (pivot != column) {
      for (std::size_t k = 0; k < n; ++k) std::swap(a[pivot * n + k], a[column * n + k]);
      result = -result;
    }
    result *= value;
    for (std::size_t row = column + 1; row < n; ++row) {
      const double factor = a[row * n + column] / value;
      for (std::size_t k = column; k < n; ++k) a[row * n + k] -= factor * a[column * n + k];
    }
  }
  return result;
}

Result<void> infer(InferContext& context) {
  const DataType type = context.inputType(0);
  const Shape* x = context.inputShape(0);
  if (!x) return context.setOutputType(0, type), Result<void>{};
  TANDEM_TRY(checkSquare(context, *x));
  context.setOutput(0, type, batchShape(*x));
  return {};
}

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  TANDEM_TRY(checkSquare(context, x.shape()));
  if (!isFloating(x.type())) return unsupportedType(context, x.type());
  const Shape shape = batchShape(x.shape());
  const auto n = static_cast<std::size_t>(x.shape()[x.shape().rank() - 1]);
  Tensor y = TANDEM_TRY(makeOutput(context, 0, x.type(), shape));
  visitCompute(x.type(), [&]<class C>(TypeTag<C>) {
    const Elements<C> source(x);
    Results<C> results(y);
    std::vector<double> matrix(n * n);
    for (std::int64_t i = 0; i < shape.elements(); ++i) {
      std::copy_n(source.data() + static_cast<std::size_t>(i) * n * n, n * n, matrix.begin());
      results[i] = static_cast<C>(determinant(matrix, n));
    }
    results.store();
  });
  return {};
}

/// Elimination: two thirds of n cubed per matrix.
double flops(const Graph& graph, const Node& node) {
  const Shape& x = graph.value(node.inputs[0]).desc.shape;
  return static_cast<double>(x.elements()) * static_cast<double>(x[x.rank() - 1]) * 2 / 3;
}

} // namespace

// ONNX Det: determinants of square matrices.
extern const OpDef kDet = {
    .type = "Det", .domain = "", .versions = {11, 22}, .infer = infer, .flops = flops, .reference = reference};

} // namespace tandem::ops
