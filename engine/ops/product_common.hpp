// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/activation.hpp"
#include "engine/ops/floating.hpp"
#include "engine/ops/op_def.hpp"

namespace tandem::ops {

/// What a matrix product computes in, and how tensors turn into arrays of it: float types as visitCompute() says;
/// integers as unsigned ones, whose overflow wraps as the specification's reference does.
template <class Visit> bool visitProductType(DataType type, Visit&& visit) {
  switch (type) {
  case DataType::Int8:
  case DataType::UInt8:
  case DataType::Int16:
  case DataType::UInt16:
  case DataType::Int32:
  case DataType::UInt32: visit(TypeTag<std::uint32_t>{}); return true;
  case DataType::Int64:
  case DataType::UInt64: visit(TypeTag<std::uint64_t>{}); return true;
  default: return visitCompute(type, visit);
  }
}

/// MatMul of numpy: a vector is a row (left) or a column (right) whose axis is dropped from the result; leading axes
/// broadcast. Unknown dims allowed: they give kUnknownDim.
struct MatMulGeometry {
  Shape batchA, batchB, batch; ///< leading axes of the operands and of the result
  std::int64_t rows = 1;       ///< M
  std::int64_t columns = 1;    ///< N
  std::int64_t depth = 1;      ///< K
  Shape output;
};
/// Fails with ModelRejected where the shapes do not go together.
Result<MatMulGeometry> matMulGeometry(const Node& node, const Shape& a, const Shape& b);

/// Which matrix of an operand with leading axes `own` belongs to matrix `index` of a result with leading axes `result`.
std::int64_t matrixOf(const Shape& own, const Shape& result, std::int64_t index);

/// M, N and K of a Gemm or FusedGemm; dims may be kUnknownDim. Where A of a FusedGemm has more than two axes and is not
/// transposed, the leading ones are rows, in the result as well.
struct GemmGeometry {
  std::int64_t rows = 1;    ///< M
  std::int64_t columns = 1; ///< N
  std::int64_t depth = 1;   ///< K
  bool transposeA = false;
  bool transposeB = false;
};
/// Fails with ModelRejected where the shapes do not go together. `c` is null where left out or not known.
Result<GemmGeometry> gemmGeometry(const Node& node, const Shape& a, const Shape& b, const Shape* c);
Result<void> inferGemm(InferContext& context);
double gemmFlops(const Graph& graph, const Node& node);
/// Reference kernel of Gemm and FusedGemm: activation(alpha * A' * B' + beta * C).
Result<void> gemmReference(ReferenceContext& context, const Activation& activation);

/// y[m x n] = a[m x k] * b, where b is [k x n], or [n x k] if `transposedB`; contiguous.
template <class C>
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, const C* a, const C* b, bool transposedB, C* y);

} // namespace tandem::ops
