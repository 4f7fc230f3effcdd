// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernels/byte_product.hpp"

#include "engine/devices/cpu/dnnl_kernel.hpp"

#include <algorithm>

namespace tandem::cpu {
namespace {

using Type = dnnl::memory::data_type;

/// Unsigned bytes less 128, so that all weights are signed.
Tensor asSigned(const Tensor& weights) {
  if (weights.type() == DataType::Int8) return weights;
  Tensor shifted = Tensor::uninitialized({DataType::Int8, weights.shape()});
  const auto source = weights.as<std::uint8_t>();
  std::transform(source.begin(), source.end(), shifted.mutableAs<std::int8_t>().begin(),
                 [](std::uint8_t value) { return static_cast<std::int8_t>(value - 128); });
  return shifted;
}

std::vector<std::int32_t> sumsOfColumns(const Tensor& weights) {
  const std::int64_t depth = weights.shape()[0], columns = weights.shape()[1];
  std::vector<std::int32_t> sums(static_cast<std::size_t>(columns));
  const std::int8_t* element = weights.as<std::int8_t>().data();
  for (std::int64_t k = 0; k < depth; ++k)
    for (std::int32_t& sum : sums) sum += *element++;
  return sums;
}

/// Zero points of the columns for weights that asSigned() has changed; nullopt where they are not constants that fit.
std::optional<std::vector<std::int32_t>> zerosOfColumns(const NodeView& view, const ByteOperands& operands,
                                                        DataType weights, std::int64_t columns) {
  const std::int32_t shift = weights == DataType::UInt8 ? 128 : 0;
  std::vector<std::int32_t> zeros(static_cast<std::size_t>(columns), -shift);
  if (view.hasInput(operands.rightZero)) {
    const Tensor* given = view.constant(operands.rightZero);
    if (!given || !isByte(given->type()) || (given->elements() != 1 && given->elements() != columns))
      return std::nullopt;
    for (std::int64_t i = 0; i < columns; ++i)
      zeros[static_cast<std::size_t>(i)] =
          static_cast<std::int32_t>(given->asInt(given->elements() == 1 ? 0 : i)) - shift;
  }
  if (std::all_of(zeros.begin(), zeros.end(), [](std::int32_t zero) { return zero == 0; })) zeros.clear();
  return zeros;
}

} // namespace

bool sumsOfBytesAreExact() {
  switch (dnnl::get_effective_cpu_isa()) {
  case dnnl::cpu_isa::avx2_vnni:
  case dnnl::cpu_isa::avx512_core_vnni:
  case dnnl::cpu_isa::avx512_core_bf16:
  case dnnl::cpu_isa::avx512_core_amx: return true;
  default: return false;
  }
}

bool isByte(DataType type) { return type == DataType::Int8 || type == DataType::UInt8; }

std::optional<ByteScale> constantScale(const NodeView& view, std::size_t scale, std::size_t zeroPoint) {
  const Tensor* factor = view.constant(scale);
  if (!factor || factor->type() != DataType::Float32 || factor->elements() != 1) return std::nullopt;
  ByteScale result{factor->as<float>()[0], 0};
  if (!view.hasInput(zeroPoint)) return result;
  const Tensor* zero = view.constant(zeroPoint);
  if (!zero || zero->elements() != 1) return std::nullopt;
  result.zeroPoint = static_cast<std::int32_t>(zero->asInt(0));
  return result;
}

std::optional<ByteProduct> ByteProduct::of(const NodeView& view, const ByteOperands& operands, DataType leftType,
                                           KernelPlan& plan) {
  const Tensor* weights = view.constant(operands.right);
  const Shape& left = view.input(operands.left).shape;
  if (!sumsOfBytesAreExact() || !weights || !isByte(weights->type()) || !isByte(leftType)) return std::nullopt;
  if (left.rank() < 2 || weights->shape().rank() != 2 || left.elements() == 0 || weights->elements() == 0)
    return std::nullopt;
  ByteProduct product;
  product.hasLeftZero = view.hasInput(operands.leftZero);
  if (product.hasLeftZero &&
      (view.input(operands.leftZero).shape.elements() != 1 || view.input(operands.leftZero).type != leftType))
    return std::nullopt;
  product.depth = weights->shape()[0];
  product.columns = weights->shape()[1];
  product.rows = left.elements() / product.depth;
  product.leftIsSigned = leftType == DataType::Int8;
  product.left = operands.left;
  product.leftZero = operands.leftZero;
  product.threads = view.threads();
  auto zeros = zerosOfColumns(view, operands, weights->type(), product.columns);
  if (!zeros) return std::nullopt;
  product.rightZeros = std::move(*zeros);

  const dnnl::memory::desc src = plainDesc(dnnlType(leftType), {product.rows, product.depth});
  const dnnl::memory::desc dst = plainDesc(Type::s32, {product.rows, product.columns});
  const dnnl::memory::desc any({product.depth, product.columns}, Type::s8, dnnl::memory::format_tag::any);
  const dnnl::matmul::primitive_desc desc(dnnl::matmul::desc(src, any, dst), DnnlKernelBuilder::attributes(), engine());
  if (isDnnlReference(desc.impl_info_str())) return std::nullopt;
  const Tensor bytes = asSigned(*weights);
  product.columnSums = sumsOfColumns(bytes);
  DnnlKernelBuilder builder;
  builder.add(desc, dnnl::matmul(desc),
              {inputArgument(DNNL_ARG_SRC, src, operands.left), outputArgument(DNNL_ARG_DST, dst, 0),
               weightsArgument(DNNL_ARG_WEIGHTS, desc.weights_desc(),
                               view.weights().prepare(bytes, plainDesc(Type::s8, {product.depth, product.columns}),
                                                      desc.weights_desc()))});
  product.name = dnnlName(desc.impl_info_str());
  product.scratchBytes = builder.scratchBytes();
  product.kernel = builder.finish();
  plan.inputs[operands.right].used = false;
  if (view.hasInput(operands.rightZero)) plan.inputs[operands.rightZero].used = false;
  return product;
}

void ByteProduct::offsetsFor(std::int32_t zeroPoint, std::int32_t* offsets) const {
  const auto zero = static_cast<std::uint32_t>(zeroPoint);
  const auto count = static_cast<std::uint32_t>(depth);
  for (std::size_t i = 0; i < columnSums.size(); ++i) {
    const std::uint32_t right = rightZeros.empty() ? 0 : static_cast<std::uint32_t>(rightZeros[i]);
    offsets[i] = static_cast<std::int32_t>(zero * (count * right - static_cast<std::uint32_t>(columnSums[i])));
  }
}

void ByteProduct::finishRow(const void* leftBytes, std::int64_t row, const std::int32_t* offsets,
                            std::int32_t* sums) const {
  if (rightZeros.empty()) {
    offsetSums(offsets, 0, nullptr, sums, columns);
    return;
  }
  const std::int32_t rowSum = leftIsSigned ? byteSum(static_cast<const std::int8_t*>(leftBytes) + row * depth, depth)
                                           : byteSum(static_cast<const std::uint8_t*>(leftBytes) + row * depth, depth);
  offsetSums(offsets, rowSum, rightZeros.data(), sums, columns);
}

} // namespace tandem::cpu
