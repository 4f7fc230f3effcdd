// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/integer_product.hpp"
#include "engine/ops/twin.hpp"
#include "engine/ops/window.hpp"

namespace tandem::ops {
namespace {

/// The type of the result: float32 unless a zero point of the result says otherwise.
DataType resultType(DataType zeroPoint) { return zeroPoint == DataType::Undefined ? DataType::Float32 : zeroPoint; }

Twin twinOf(const Node& node) { return {"Gemm", 13, node.attributes, {0, 3, 6}}; }

Result<void> infer(InferContext& context) {
  return inferAs(context, twinOf(context.node()), resultType(context.inputType(8)), DataType::Float32);
}
double flops(const Graph& graph, const Node& node) { return flopsAs(graph, node, twinOf(node)); }

Result<std::vector<std::int16_t>> centredMatrix(const ReferenceContext& context, std::size_t index,
                                                const PerMatrixLine<std::int32_t>& zero, std::int64_t lines,
                                                std::int64_t depth, bool linesFirst) {
  const Tensor& x = context.input(index);
  std::vector<std::int16_t> centred(static_cast<std::size_t>(x.elements()));
  const bool known = visitOneOf(NarrowTypes{}, x.type(), [&]<class Q>(TypeTag<Q>) {
    const Q* src = x.as<Q>().data();
    std::int16_t* out = centred.data();
    for (std::int64_t line = 0; line < lines; ++line)
      for (std::int64_t p = 0; p < depth; ++p)
        *out++ = static_cast<std::int16_t>(src[linesFirst ? line * depth + p : p * lines + line] - zero.at(0, line));
  });
  if (!known) return unsupportedType(context, x.type());
  return centred;
}

/// alpha * a_scale * b_scale * (sum + C), as real numbers.
Result<Tensor> product(const ReferenceContext& context, const GemmGeometry& geometry) {
  const auto [m, n, k, transposeA, transposeB] = geometry;
  const auto zeroA = TANDEM_TRY(lineZeroPoints(context, 2, 1, 1));
  const auto zeroB = TANDEM_TRY(lineZeroPoints(context, 5, 1, n));
  const auto a = TANDEM_TRY(centredMatrix(context, 0, zeroA, m, k, !transposeA));
  const auto b = TANDEM_TRY(centredMatrix(context, 3, zeroB, n, k, transposeB));
  const auto scaleA = TANDEM_TRY(lineScales(context, 1, 1, 1));
  const auto scaleB = TANDEM_TRY(lineScales(context, 4, 1, n));
  TANDEM_TRY(checkSums(context, Shape{m, n}));
  std::vector<std::int32_t> sums(static_cast<std::size_t>(m * n));
  multiplyCentred(m, n, k, a.data(), b.data(), sums.data());
  std::span<const std::int32_t> bias;
  std::int64_t stepRow = 0, stepColumn = 0;
  if (context.hasInput(6)) {
    const Tensor& c = context.input(6);
    if (c.type() != DataType::Int32) return context.fail("C is " + c.desc().toString() + ", not int32");
    bias = c.as<std::int32_t>();
    stepColumn = c.shape().rank() < 1 || c.shape()[c.shape().rank() - 1] == 1 ? 0 : 1;
    stepRow = c.shape().rank() < 2 || c.shape()[0] == 1 ? 0 : c.shape()[1];
  }
  const float alpha = context.attributes().getFloat("alpha", 1.0f) * scaleA.at(0, 0);
  Tensor y = Tensor::uninitialized({DataType::Float32, Shape{m, n}});
  float* out = y.mutableAs<float>().data();
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      const std::int64_t added = bias.empty() ? 0 : bias[static_cast<std::size_t>(i * stepRow + j * stepColumn)];
      *out++ = static_cast<float>(sums[static_cast<std::size_t>(i * n + j)] + added) * (alpha * scaleB.at(0, j));
    }
  return y;
}

Result<void> reference(ReferenceContext& context) {
  const Shape* c = context.hasInput(6) ? &context.input(6).shape() : nullptr;
  const GemmGeometry geometry =
      TANDEM_TRY(gemmGeometry(context.node(), context.input(0).shape(), context.input(3).shape(), c));
  const Tensor y = TANDEM_TRY(product(context, geometry));
  if (context.hasInput(8)) return storeQuantized(context, y, context.input(8).type(), {7, 8});
  return storeOutput(context, 0, y);
}

} // namespace

// com.microsoft QGemm: A, B with scales and zero points, C (int32 in units of both scales), Y's scale and zero point
// (without them Y is float32); attributes alpha, transA, transB.
extern const OpDef kMsQGemm = {.type = "QGemm",
                               .domain = "com.microsoft",
                               .versions = {1},
                               .minInputs = 6,
                               .maxInputs = 9,
                               .infer = infer,
                               .flops = flops,
                               .reference = reference};

} // namespace tandem::ops
