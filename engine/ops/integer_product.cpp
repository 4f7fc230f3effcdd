// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/integer_product.hpp"

#include <algorithm>

namespace tandem::ops {
namespace {

// 255 * 255 * 2^14 stays below 2^31.
constexpr std::int64_t kExactTerms = std::int64_t{1} << 14;

/// Four dot products of up to kExactTerms terms that share `a`.
void fourDots(std::int64_t k, const std::int16_t* a, const std::int16_t* b, std::int64_t rowB, std::int32_t* sums) {
  const std::int16_t *b1 = b + rowB, *b2 = b1 + rowB, *b3 = b2 + rowB;
  std::int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  for (std::int64_t p = 0; p < k; ++p) {
    s0 += static_cast<std::int32_t>(a[p]) * b[p];
    s1 += static_cast<std::int32_t>(a[p]) * b1[p];
    s2 += static_cast<std::int32_t>(a[p]) * b2[p];
    s3 += static_cast<std::int32_t>(a[p]) * b3[p];
  }
  sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
}

std::int32_t oneDot(std::int64_t k, const std::int16_t* a, const std::int16_t* b) {
  std::int32_t sum = 0;
  for (std::int64_t p = 0; p < k; ++p) sum += static_cast<std::int32_t>(a[p]) * b[p];
  return sum;
}

template <class T, class Read>
Result<PerMatrixLine<T>> readLines(const ReferenceContext& context, std::size_t index, std::int64_t matrices,
                                   std::int64_t lines, Read&& read) {
  PerMatrixLine<T> result;
  result.lines = lines;
  if (!context.hasInput(index)) return result;
  const Tensor& tensor = context.input(index);
  const std::int64_t count = tensor.elements();
  if (count != 1 && count != lines && count != matrices * lines)
    return context.fail("input " + std::to_string(index) + " of shape " + tensor.shape().toString() +
                        " has neither one element nor one for each of " + std::to_string(lines) + " rows or columns");
  result.values.resize(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) result.values[static_cast<std::size_t>(i)] = read(tensor, i);
  return result;
}

bool isNarrow(DataType type) { return type == DataType::Int8 || type == DataType::UInt8; }

/// Rows of the left operand, centred row by row.
template <class Q>
void centreRows(const Q* src, std::int64_t matrices, std::int64_t rows, std::int64_t k,
                const PerMatrixLine<std::int32_t>& zero, std::int16_t* out) {
  for (std::int64_t matrix = 0; matrix < matrices; ++matrix)
    for (std::int64_t i = 0; i < rows; ++i) {
      const std::int32_t offset = zero.at(matrix, i);
      for (std::int64_t p = 0; p < k; ++p, ++src) *out++ = static_cast<std::int16_t>(*src - offset);
    }
}

/// Columns of the right operand, centred and turned to [columns x k].
template <class Q>
void centreColumns(const Q* src, std::int64_t matrices, std::int64_t columns, std::int64_t k,
                   const PerMatrixLine<std::int32_t>& zero, std::int16_t* out) {
  for (std::int64_t matrix = 0; matrix < matrices; ++matrix, src += k * columns)
    for (std::int64_t j = 0; j < columns; ++j) {
      const std::int32_t offset = zero.at(matrix, j);
      for (std::int64_t p = 0; p < k; ++p) *out++ = static_cast<std::int16_t>(src[p * columns + j] - offset);
    }
}

} // namespace

void multiplyCentred(std::int64_t m, std::int64_t n, std::int64_t k, const std::int16_t* a, const std::int16_t* b,
                     std::int32_t* y) {
  const auto add = [](std::int32_t x, std::int32_t z) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(x) + static_cast<std::uint32_t>(z));
  };
  std::fill_n(y, m * n, 0);
  for (std::int64_t first = 0; first < k; first += kExactTerms) {
    const std::int64_t terms = std::min(kExactTerms, k - first);
    for (std::int64_t i = 0; i < m; ++i) {
      std::int32_t* row = y + i * n;
      std::int64_t j = 0;
      for (; j + 4 <= n; j += 4) {
        std::int32_t sums[4];
        fourDots(terms, a + i * k + first, b + j * k + first, k, sums);
        for (std::int64_t q = 0; q < 4; ++q) row[j + q] = add(row[j + q], sums[q]);
      }
      for (; j < n; ++j) row[j] = add(row[j], oneDot(terms, a + i * k + first, b + j * k + first));
    }
  }
}

Result<PerMatrixLine<std::int32_t>> lineZeroPoints(const ReferenceContext& context, std::size_t index,
                                                   std::int64_t matrices, std::int64_t lines) {
  if (context.hasInput(index) && !isNarrow(context.input(index).type()))
    return context.fail("input " + std::to_string(index) + ", a zero point, is " +
                        context.input(index).desc().toString());
  return readLines<std::int32_t>(context, index, matrices, lines, [](const Tensor& tensor, std::int64_t i) {
    return static_cast<std::int32_t>(tensor.asInt(i));
  });
}

Result<PerMatrixLine<float>> lineScales(const ReferenceContext& context, std::size_t index, std::int64_t matrices,
                                        std::int64_t lines) {
  if (!context.hasInput(index) || !isFloating(context.input(index).type()))
    return context.fail("input " + std::to_string(index) + " must be a floating point scale");
  return readLines<float>(context, index, matrices, lines,
                          [](const Tensor& tensor, std::int64_t i) { return static_cast<float>(tensor.asDouble(i)); });
}

Result<IntegerProduct> integerMatMul(const ReferenceContext& context, QuantizedOperand a, QuantizedOperand b) {
  const Tensor& left = context.input(a.value);
  const MatMulGeometry geometry =
      TANDEM_TRY(matMulGeometry(context.node(), left.shape(), context.input(b.value).shape()));
  const auto zero = TANDEM_TRY(lineZeroPoints(context, a.zeroPoint, geometry.batchA.elements(), geometry.rows));
  return integerMatMul(context, left, zero, b);
}

Result<IntegerProduct> integerMatMul(const ReferenceContext& context, const Tensor& left,
                                     const PerMatrixLine<std::int32_t>& zeroLeft, QuantizedOperand b) {
  const Tensor& right = context.input(b.value);
  if (!isNarrow(left.type())) return unsupportedType(context, left.type());
  if (!isNarrow(right.type())) return unsupportedType(context, right.type());
  IntegerProduct product;
  product.geometry = TANDEM_TRY(matMulGeometry(context.node(), left.shape(), right.shape()));
  const MatMulGeometry& geometry = product.geometry;
  const std::int64_t m = geometry.rows, n = geometry.columns, k = geometry.depth;
  const std::int64_t matricesA = geometry.batchA.elements(), matricesB = geometry.batchB.elements();
  const auto zeroRight = TANDEM_TRY(lineZeroPoints(context, b.zeroPoint, matricesB, n));
  std::vector<std::int16_t> rows(static_cast<std::size_t>(left.elements()));
  std::vector<std::int16_t> columns(static_cast<std::size_t>(right.elements()));
  visitOneOf(NarrowTypes{}, left.type(),
             [&]<class Q>(TypeTag<Q>) { centreRows(left.as<Q>().data(), matricesA, m, k, zeroLeft, rows.data()); });
  visitOneOf(NarrowTypes{}, right.type(), [&]<class Q>(TypeTag<Q>) {
    centreColumns(right.as<Q>().data(), matricesB, n, k, zeroRight, columns.data());
  });
  const std::int64_t count = geometry.batch.elements();
  TANDEM_TRY(checkSums(context, geometry.output));
  product.sums.resize(static_cast<std::size_t>(geometry.output.elements()));
  for (std::int64_t i = 0; i < count; ++i) {
    product.matrixA.push_back(matrixOf(geometry.batchA, geometry.batch, i));
    product.matrixB.push_back(matrixOf(geometry.batchB, geometry.batch, i));
    multiplyCentred(m, n, k, rows.data() + product.matrixA.back() * m * k,
                    columns.data() + product.matrixB.back() * n * k, product.sums.data() + i * m * n);
  }
  return product;
}

Result<Tensor> scaledProduct(const ReferenceContext& context, const IntegerProduct& product,
                             const PerMatrixLine<float>& scaleA, const PerMatrixLine<float>& scaleB, std::size_t bias) {
  const MatMulGeometry& geometry = product.geometry;
  const std::int64_t m = geometry.rows, n = geometry.columns;
  std::optional<Elements<float>> added;
  if (context.hasInput(bias)) {
    if (context.input(bias).elements() != n || !isFloating(context.input(bias).type()))
      return context.fail("the bias " + context.input(bias).desc().toString() +
                          " does not have one number for each of " + std::to_string(n) + " columns");
    added.emplace(context.input(bias));
  }
  Tensor y = Tensor::uninitialized({DataType::Float32, geometry.output});
  float* out = y.mutableAs<float>().data();
  const std::int32_t* sums = product.sums.data();
  for (std::size_t matrix = 0; matrix < product.matrixA.size(); ++matrix)
    for (std::int64_t i = 0; i < m; ++i) {
      const float rowScale = scaleA.at(product.matrixA[matrix], i);
      for (std::int64_t j = 0; j < n; ++j)
        *out++ = static_cast<float>(*sums++) * (rowScale * scaleB.at(product.matrixB[matrix], j)) +
                 (added ? (*added)[j] : 0.0f);
    }
  return y;
}

Result<void> checkSums(const ReferenceContext& context, const Shape& shape) {
  const auto elements = shape.checkedElements();
  if (elements && *elements <= (std::int64_t{4} << 30)) return {};
  return context.fail("the sums of the result " + shape.toString() + " would be larger than 16 GiB");
}

Result<void> inferIntegerMatMul(InferContext& context, std::size_t a, std::size_t b, DataType type) {
  const Shape *left = context.inputShape(a), *right = context.inputShape(b);
  if (!left || !right) return context.setOutputType(0, type), Result<void>{};
  MatMulGeometry geometry = TANDEM_TRY(matMulGeometry(context.node(), *left, *right));
  context.setOutput(0, type, std::move(geometry.output));
  return {};
}

double integerMatMulFlops(const Graph& graph, const Node& node, std::size_t a, std::size_t b) {
  const auto shape = [&](std::size_t i) -> const Shape& { return graph.value(node.inputs[i]).desc.shape; };
  const auto geometry = matMulGeometry(node, shape(a), shape(b));
  if (!geometry.ok()) return 0;
  return 2 * static_cast<double>(geometry->output.elements()) * static_cast<double>(geometry->depth);
}

bool centre(const Tensor& x, std::int32_t zeroPoint, std::int16_t* out) {
  return visitOneOf(NarrowTypes{}, x.type(), [&]<class Q>(TypeTag<Q>) {
    const auto src = x.as<Q>();
    std::transform(src.begin(), src.end(), out,
                   [zeroPoint](Q value) { return static_cast<std::int16_t>(value - zeroPoint); });
  });
}

} // namespace tandem::ops
