// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/dnnl_kernel.hpp"
#include "engine/devices/cpu/post_ops.hpp"
#include "engine/ops/product_common.hpp"

namespace tandem::cpu {
namespace {

using dims = dnnl::memory::dims;
using PrimitiveDesc = dnnl::matmul::primitive_desc;
constexpr auto kFloat = dnnl::memory::data_type::f32;

dnnl::memory::desc matrix(std::int64_t rows, std::int64_t columns, bool transposed) {
  return {{rows, columns}, kFloat, transposed ? dims{1, rows} : dims{columns, 1}};
}

/// The right operand: in oneDNN's own layout where it is constant, as it lies otherwise.
dnnl::memory::desc wantedWeights(const NodeView& view, const dnnl::memory::desc& plain) {
  return view.constant(1) ? dnnl::memory::desc(plain.dims(), kFloat, dnnl::memory::format_tag::any) : plain;
}

void addWeights(const NodeView& view, const PrimitiveDesc& desc, const dnnl::memory::desc& plain, KernelPlan& plan,
                std::vector<DnnlArgument>& arguments) {
  if (const Tensor* constant = view.constant(1)) {
    plan.inputs[1].used = false;
    arguments.push_back(weightsArgument(DNNL_ARG_WEIGHTS, desc.weights_desc(),
                                        view.weights().prepare(*constant, plain, desc.weights_desc())));
  } else {
    arguments.push_back(inputArgument(DNNL_ARG_WEIGHTS, plain, 1));
  }
}

void finish(const PrimitiveDesc& desc, std::vector<DnnlArgument> arguments, KernelPlan& plan) {
  DnnlKernelBuilder builder;
  builder.add(desc, dnnl::matmul(desc), std::move(arguments));
  plan.scratchBytes = builder.scratchBytes();
  plan.kernel = builder.finish();
}

/// beta * C as one row of `columns` elements.
Tensor biasRow(const Tensor& c, float beta, std::int64_t columns) {
  Tensor row = Tensor::uninitialized({DataType::Float32, {1, columns}});
  const auto src = c.as<float>();
  const auto dst = row.mutableAs<float>();
  for (std::size_t i = 0; i < dst.size(); ++i) dst[i] = beta * src[src.size() == 1 ? 0 : i];
  return row;
}

/// How C enters a Gemm.
enum class BiasKind { None, Row, ConstantRow, Full, Other };

BiasKind biasKind(const NodeView& view, const ops::GemmGeometry& geometry, float beta) {
  if (!view.hasInput(2) || beta == 0) return BiasKind::None;
  const Shape& shape = view.input(2).shape;
  const bool row = shape == Shape{geometry.columns} || shape == Shape{1, geometry.columns};
  if (view.constant(2) && (row || shape.elements() == 1)) return BiasKind::ConstantRow;
  if (beta != 1) return BiasKind::Other;
  if (row) return BiasKind::Row;
  return shape == Shape{geometry.rows, geometry.columns} ? BiasKind::Full : BiasKind::Other;
}

} // namespace

std::optional<KernelPlan> gemmKernel(const NodeView& view) {
  if (!view.allFloat()) return std::nullopt;
  const auto geometry = ops::gemmGeometry(view.node(), view.input(0).shape, view.input(1).shape,
                                          view.hasInput(2) ? &view.input(2).shape : nullptr);
  const auto activation = ops::activationOf(view.node());
  if (!geometry.ok() || !activation.ok()) return std::nullopt;
  const float alpha = view.attributes().getFloat("alpha", 1), beta = view.attributes().getFloat("beta", 1);
  const BiasKind bias = biasKind(view, *geometry, beta);
  if (bias == BiasKind::Other) return std::nullopt;

  const dnnl::memory::desc src = matrix(geometry->rows, geometry->depth, geometry->transposeA);
  const dnnl::memory::desc plain = matrix(geometry->depth, geometry->columns, geometry->transposeB);
  const dnnl::memory::desc dst = matrix(geometry->rows, geometry->columns, false);
  const dnnl::memory::desc biasDesc = matrix(1, geometry->columns, false);
  const bool hasRow = bias == BiasKind::Row || bias == BiasKind::ConstantRow;
  // alpha scales the product only, so the bias has to come after it.
  const bool biasLast = hasRow && alpha != 1;
  dnnl::primitive_attr attr = DnnlKernelBuilder::attributes();
  dnnl::post_ops after;
  if (alpha != 1) after.append_eltwise(1, dnnl::algorithm::eltwise_linear, alpha, 0);
  if (biasLast) after.append_binary(dnnl::algorithm::binary_add, biasDesc);
  if (bias == BiasKind::Full) after.append_sum();
  appendActivation(after, *activation);
  attr.set_post_ops(after);
  const PrimitiveDesc desc(
      {src, wantedWeights(view, plain), hasRow && !biasLast ? biasDesc : dnnl::memory::desc(), dst}, attr, engine());
  if (isDnnlReference(desc.impl_info_str())) return std::nullopt;

  KernelPlan plan = view.plainPlan(dnnlName(desc.impl_info_str()));
  std::vector<DnnlArgument> arguments{inputArgument(DNNL_ARG_SRC, src, 0), outputArgument(DNNL_ARG_DST, dst, 0)};
  addWeights(view, desc, plain, plan, arguments);
  const int biasId = biasLast ? DNNL_ARG_ATTR_MULTIPLE_POST_OP(1) | DNNL_ARG_SRC_1 : DNNL_ARG_BIAS;
  if (bias == BiasKind::Row) arguments.push_back(inputArgument(biasId, biasDesc, 2));
  if (view.hasInput(2)) plan.inputs[2].used = bias == BiasKind::Row || bias == BiasKind::Full;
  if (bias == BiasKind::ConstantRow)
    arguments.push_back(
        weightsArgument(biasId, biasDesc, view.weights().keep(biasRow(*view.constant(2), beta, geometry->columns))));
  if (bias == BiasKind::Full) plan.accumulates = 2;
  finish(desc, std::move(arguments), plan);
  return plan;
}

std::optional<KernelPlan> matMulKernel(const NodeView& view) {
  if (!view.allFloat()) return std::nullopt;
  const auto geometry = ops::matMulGeometry(view.node(), view.input(0).shape, view.input(1).shape);
  if (!geometry.ok()) return std::nullopt;
  dims a, b, y;
  if (geometry->batchB.elements() == 1) {
    // One right operand for all: the batch is just more rows.
    a = {geometry->batch.elements() * geometry->rows, geometry->depth};
    b = {geometry->depth, geometry->columns};
    y = {a[0], geometry->columns};
  } else {
    auto shaped = [&](const Shape& batch, std::int64_t rows, std::int64_t columns) {
      dims result(geometry->batch.rank() - batch.rank(), 1);
      result.insert(result.end(), batch.begin(), batch.end());
      result.insert(result.end(), {rows, columns});
      return result;
    };
    a = shaped(geometry->batchA, geometry->rows, geometry->depth);
    b = shaped(geometry->batchB, geometry->depth, geometry->columns);
    y = shaped(geometry->batch, geometry->rows, geometry->columns);
  }
  const dnnl::memory::desc src = plainDesc(kFloat, a), plain = plainDesc(kFloat, b), dst = plainDesc(kFloat, y);
  const PrimitiveDesc desc({src, wantedWeights(view, plain), dst}, DnnlKernelBuilder::attributes(), engine());
  if (isDnnlReference(desc.impl_info_str())) return std::nullopt;
  KernelPlan plan = view.plainPlan(dnnlName(desc.impl_info_str()));
  std::vector<DnnlArgument> arguments{inputArgument(DNNL_ARG_SRC, src, 0), outputArgument(DNNL_ARG_DST, dst, 0)};
  addWeights(view, desc, plain, plan, arguments);
  finish(desc, std::move(arguments), plan);
  return plan;
}

} // namespace tandem::cpu
