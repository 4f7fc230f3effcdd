// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/product_common.hpp"

#include "engine/ops/kernel_util.hpp"
#include "engine/ops/matrix.hpp"
#include "engine/ops/window.hpp"

namespace tandem::ops {
namespace {

/// Versions below 7 broadcast C only with attribute broadcast = 1; the shapes it then has are those of later versions.
bool broadcastsTo(const Shape& c, std::int64_t rows, std::int64_t columns) {
  if (c.rank() > 2) return false;
  const auto fits = [](std::int64_t extent, std::int64_t target) {
    return extent == 1 || extent == kUnknownDim || target == kUnknownDim || extent == target;
  };
  return (c.rank() < 1 || fits(c[c.rank() - 1], columns)) && (c.rank() < 2 || fits(c[0], rows));
}

/// The matrix that A is read as.
Shape matrixOfA(const Node& node, const Shape& a) {
  const bool stacks = node.domain == "tandem" && node.attributes.getInt("transA", 0) == 0;
  if (!stacks || a.rank() <= 2) return a;
  std::int64_t rows = 1;
  for (std::size_t i = 0; i + 1 < a.rank(); ++i)
    rows = rows == kUnknownDim || a[i] == kUnknownDim ? kUnknownDim : rows * a[i];
  return Shape{rows, a[a.rank() - 1]};
}

Shape gemmResult(const Shape& a, const GemmGeometry& geometry) {
  if (a.rank() <= 2) return Shape{geometry.rows, geometry.columns};
  Shape result = a;
  result[a.rank() - 1] = geometry.columns;
  return result;
}

template <class C>
void addBias(const Shape& shape, const C* bias, C beta, std::int64_t rows, std::int64_t columns, C* y) {
  const std::int64_t stepColumn = shape.rank() < 1 || shape[shape.rank() - 1] == 1 ? 0 : 1;
  const std::int64_t stepRow = shape.rank() < 2 || shape[0] == 1 ? 0 : shape[1];
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) y[i * columns + j] += beta * bias[i * stepRow + j * stepColumn];
}

/// alpha * y + beta * c for integers, where alpha and beta are not; rounded towards zero. T is the type that the
/// unsigned C stands for.
template <class T, class C>
void scaleIntegers(const Shape* shape, const C* bias, double alpha, double beta, std::int64_t rows,
                   std::int64_t columns, C* y) {
  std::vector<double> sums(static_cast<std::size_t>(rows * columns));
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] = alpha * static_cast<double>(static_cast<T>(y[i]));
  if (shape) {
    std::vector<double> terms(static_cast<std::size_t>(shape->elements()));
    for (std::size_t i = 0; i < terms.size(); ++i) terms[i] = static_cast<double>(static_cast<T>(bias[i]));
    addBias(*shape, terms.data(), beta, rows, columns, sums.data());
  }
  for (std::size_t i = 0; i < sums.size(); ++i) y[i] = static_cast<C>(convert<T>(sums[i]));
}

/// The products are in y.
template <class C> void finishGemm(ReferenceContext& context, std::int64_t rows, std::int64_t columns, C* y) {
  const float alpha = context.attributes().getFloat("alpha", 1.0f), beta = context.attributes().getFloat("beta", 1.0f);
  const Shape* shape = context.hasInput(2) ? &context.input(2).shape() : nullptr;
  const Tensor none = Tensor::zeros({context.input(0).type(), {0}});
  const Elements<C> bias(shape ? context.input(2) : none);
  if constexpr (!std::is_floating_point_v<C>) {
    if (alpha != 1 || (shape && beta != 1)) {
      visitOneOf(IntegerTypes{}, context.input(0).type(), [&]<class T>(TypeTag<T>) {
        scaleIntegers<T>(shape, bias.data(), static_cast<double>(alpha), static_cast<double>(beta), rows, columns, y);
      });
      return;
    }
  }
  if (alpha != 1)
    for (std::int64_t i = 0; i < rows * columns; ++i) y[i] *= static_cast<C>(alpha);
  if (shape) addBias(*shape, bias.data(), static_cast<C>(beta), rows, columns, y);
}

template <class C> void gemm(ReferenceContext& context, const GemmGeometry& geometry, const Activation& activation) {
  const auto [m, n, k, transposeA, transposeB] = geometry;
  const Elements<C> a(context.input(0)), b(context.input(1));
  Results<C> y(context.output(0, context.input(0).type(), gemmResult(context.input(0).shape(), geometry)));
  std::vector<C> turned;
  if (transposeA) turned = transposed(k, m, a.data());
  multiply(m, n, k, transposeA ? turned.data() : a.data(), b.data(), transposeB, y.data());
  finishGemm(context, m, n, y.data());
  if constexpr (std::is_floating_point_v<C>)
    if (activation.kind != ActivationKind::None)
      for (std::int64_t i = 0; i < m * n; ++i) y[i] = applyActivation(activation, y[i]);
  y.store();
}

} // namespace

std::int64_t matrixOf(const Shape& own, const Shape& result, std::int64_t index) {
  std::int64_t matrix = 0, stride = 1;
  for (std::size_t i = 0; i < result.rank(); ++i) {
    const std::int64_t position = index % result[result.rank() - 1 - i];
    index /= result[result.rank() - 1 - i];
    if (i >= own.rank()) continue;
    const std::int64_t extent = own[own.rank() - 1 - i];
    if (extent != 1) matrix += position * stride;
    stride *= extent;
  }
  return matrix;
}

Result<MatMulGeometry> matMulGeometry(const Node& node, const Shape& a, const Shape& b) {
  const auto wrong = [&](std::string_view why) {
    return nodeError(node, "cannot multiply " + a.toString() + " by " + b.toString() + ": " + std::string(why));
  };
  if (a.rank() == 0 || b.rank() == 0) return wrong("a scalar is not a matrix");
  MatMulGeometry geometry;
  geometry.rows = a.rank() == 1 ? 1 : a[a.rank() - 2];
  geometry.columns = b.rank() == 1 ? 1 : b[b.rank() - 1];
  const std::int64_t depthA = a[a.rank() - 1], depthB = b.rank() == 1 ? b[0] : b[b.rank() - 2];
  if (depthA != kUnknownDim && depthB != kUnknownDim && depthA != depthB) return wrong("the inner extents differ");
  geometry.depth = depthA == kUnknownDim ? depthB : depthA;
  const auto leading = [](const Shape& shape) {
    return Shape(std::vector<std::int64_t>(shape.begin(), shape.rank() > 2 ? shape.end() - 2 : shape.begin()));
  };
  geometry.batchA = leading(a);
  geometry.batchB = leading(b);
  auto batch = broadcast(geometry.batchA, geometry.batchB);
  if (!batch) return wrong("the leading extents do not broadcast");
  geometry.batch = *batch;
  std::vector<std::int64_t> dims = batch->dims();
  if (a.rank() > 1) dims.push_back(geometry.rows);
  if (b.rank() > 1) dims.push_back(geometry.columns);
  geometry.output = Shape(std::move(dims));
  TANDEM_TRY(checkAddressable(node, geometry.output));
  return geometry;
}

Result<GemmGeometry> gemmGeometry(const Node& node, const Shape& shapeOfA, const Shape& b, const Shape* c) {
  const Shape a = matrixOfA(node, shapeOfA);
  if (a.rank() != 2 || b.rank() != 2)
    return nodeError(node, "the operands are " + a.toString() + " and " + b.toString() + ", not two matrices");
  GemmGeometry geometry;
  geometry.transposeA = node.attributes.getInt("transA", 0) != 0;
  geometry.transposeB = node.attributes.getInt("transB", 0) != 0;
  geometry.rows = a[geometry.transposeA ? 1 : 0];
  geometry.columns = b[geometry.transposeB ? 0 : 1];
  const std::int64_t depthA = a[geometry.transposeA ? 0 : 1], depthB = b[geometry.transposeB ? 1 : 0];
  if (depthA != kUnknownDim && depthB != kUnknownDim && depthA != depthB)
    return nodeError(node, "the inner extents of " + a.toString() + " and " + b.toString() + " differ");
  geometry.depth = depthA == kUnknownDim ? depthB : depthA;
  if (c && !broadcastsTo(*c, geometry.rows, geometry.columns))
    return nodeError(node, "C of shape " + c->toString() + " does not broadcast to " +
                               Shape{geometry.rows, geometry.columns}.toString());
  TANDEM_TRY(checkAddressable(node, Shape{geometry.rows, geometry.columns}));
  return geometry;
}

Result<void> inferGemm(InferContext& context) {
  const DataType type = context.inputType(0);
  const Shape* a = context.inputShape(0);
  const Shape* b = context.inputShape(1);
  if (!a || !b) return context.setOutputType(0, type), Result<void>{};
  const GemmGeometry geometry = TANDEM_TRY(gemmGeometry(context.node(), *a, *b, context.inputShape(2)));
  context.setOutput(0, type, gemmResult(*a, geometry));
  return {};
}

double gemmFlops(const Graph& graph, const Node& node) {
  const auto shape = [&](std::size_t i) -> const Shape& { return graph.value(node.inputs[i]).desc.shape; };
  const auto geometry = gemmGeometry(node, shape(0), shape(1), nullptr);
  if (!geometry.ok()) return 0;
  const double outputs = static_cast<double>(geometry->rows) * static_cast<double>(geometry->columns);
  const bool hasC = node.inputs.size() > 2 && node.inputs[2].valid();
  return outputs * (2 * static_cast<double>(geometry->depth) + (hasC ? 1 : 0));
}

Result<void> gemmReference(ReferenceContext& context, const Activation& activation) {
  const Tensor& a = context.input(0);
  const Shape* c = context.hasInput(2) ? &context.input(2).shape() : nullptr;
  const GemmGeometry geometry = TANDEM_TRY(gemmGeometry(context.node(), a.shape(), context.input(1).shape(), c));
  for (std::size_t i = 1; i < context.inputCount(); ++i)
    if (context.hasInput(i) && context.input(i).type() != a.type()) return context.fail("the operands differ in type");
  if (!visitProductType(a.type(), [&]<class C>(TypeTag<C>) { gemm<C>(context, geometry, activation); }))
    return context.fail("cannot multiply " + a.desc().toString());
  return {};
}

template <class C>
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, const C* a, const C* b, bool transposedB, C* y) {
  if (n == 1 || (transposedB && m < 8)) { // too few rows to pay for turning b
    const bool rows = transposedB || n == 1;
    TANDEM_ASSERT(rows);
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j) y[i * n + j] = dotProduct(k, a + i * k, b + j * k);
    return;
  }
  std::vector<C> turned;
  if (transposedB) turned = transposed(n, k, b);
  std::fill_n(y, m * n, C(0));
  addProduct(m, n, k, a, k, transposedB ? turned.data() : b, n, y, n);
}
template void multiply<float>(std::int64_t, std::int64_t, std::int64_t, const float*, const float*, bool, float*);
template void multiply<double>(std::int64_t, std::int64_t, std::int64_t, const double*, const double*, bool, double*);
template void multiply<std::uint32_t>(std::int64_t, std::int64_t, std::int64_t, const std::uint32_t*,
                                      const std::uint32_t*, bool, std::uint32_t*);
template void multiply<std::uint64_t>(std::int64_t, std::int64_t, std::int64_t, const std::uint64_t*,
                                      const std::uint64_t*, bool, std::uint64_t*);

} // namespace tandem::ops
