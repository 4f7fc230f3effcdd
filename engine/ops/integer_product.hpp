// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/product_common.hpp"
#include "engine/ops/quantization.hpp"

namespace tandem::ops {

/// y[m x n] = a[m x k] * b[n x k] transposed, sums modulo 2^32. Elements must lie in [-255, 255]: differences of two
/// 8 bit numbers.
void multiplyCentred(std::int64_t m, std::int64_t n, std::int64_t k, const std::int16_t* a, const std::int16_t* b,
                     std::int32_t* y);

/// One operand of a quantized matrix product, as inputs of the node.
struct QuantizedOperand {
  std::size_t value = 0;
  std::size_t zeroPoint = 0;
};

/// Zero points or scales of the rows (left operand) or columns (right operand) of one matrix out of `matrices`.
template <class T> struct PerMatrixLine {
  std::vector<T> values{T(0)};
  std::int64_t lines = 1;
  T at(std::int64_t matrix, std::int64_t line) const {
    const auto count = static_cast<std::int64_t>(values.size());
    if (count == 1) return values[0];
    return values[static_cast<std::size_t>(count == lines ? line : matrix * lines + line)];
  }
};

/// From an input that holds one number, one per line, or one per matrix and line; `fallback` where it is left out.
/// Fails with InputRejected for any other count.
Result<PerMatrixLine<std::int32_t>> lineZeroPoints(const ReferenceContext& context, std::size_t index,
                                                   std::int64_t matrices, std::int64_t lines);
Result<PerMatrixLine<float>> lineScales(const ReferenceContext& context, std::size_t index, std::int64_t matrices,
                                        std::int64_t lines);

/// The sums of a product of two 8 bit tensors whose zero points have been taken off: MatMul of numpy.
struct IntegerProduct {
  MatMulGeometry geometry;
  std::vector<std::int32_t> sums;             ///< as many as the output has elements
  std::vector<std::int64_t> matrixA, matrixB; ///< which matrix of each operand made matrix i of the result
};
Result<IntegerProduct> integerMatMul(const ReferenceContext& context, QuantizedOperand a, QuantizedOperand b);

/// The same for a left operand that is not an input of the node.
Result<IntegerProduct> integerMatMul(const ReferenceContext& context, const Tensor& left,
                                     const PerMatrixLine<std::int32_t>& zeroLeft, QuantizedOperand b);

/// The sums as real numbers: times both scales, plus the bias of input `bias` (one per column) where the node has it.
Result<Tensor> scaledProduct(const ReferenceContext& context, const IntegerProduct& product,
                             const PerMatrixLine<float>& scaleA, const PerMatrixLine<float>& scaleB, std::size_t bias);

/// Fails where 32 bit sums of this shape would take more than 16 GiB.
Result<void> checkSums(const ReferenceContext& context, const Shape& shape);

/// Shape inference of a matrix product of inputs `a` and `b`; unknown ranks give the type only.
Result<void> inferIntegerMatMul(InferContext& context, std::size_t a, std::size_t b, DataType type);
double integerMatMulFlops(const Graph& graph, const Node& node, std::size_t a, std::size_t b);

/// The elements of an 8 bit tensor minus a zero point. False, and nothing written, for another type.
bool centre(const Tensor& x, std::int32_t zeroPoint, std::int16_t* out);

} // namespace tandem::ops
