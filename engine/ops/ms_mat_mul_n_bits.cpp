// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/checked.hpp"
#include "engine/ops/product_common.hpp"
#include "engine/ops/quantization.hpp"
#include "engine/ops/window.hpp"

#include <algorithm>

namespace tandem::ops {
namespace {

/// Attributes of the packed right operand: a matrix [N x K] whose rows are cut into blocks with a scale each.
struct Packing {
  std::int64_t k = 0, n = 0, bits = 4, block = 32;
  std::int64_t blocks() const { return (k + block - 1) / block; }
  std::int64_t blockBytes() const { return block * bits / 8; }
  /// Of the whole operand; nullopt where that overflows.
  std::optional<std::int64_t> bytes() const {
    const auto perRow = checkedMul(blocks(), blockBytes());
    return perRow ? checkedMul(*perRow, n) : std::nullopt;
  }
  std::int64_t zeroBytes() const { return (blocks() * bits + 7) / 8; } ///< packed zero points of one row
};

Result<Packing> packingOf(const Node& node) {
  Packing packing{node.attributes.getInt("K", 0), node.attributes.getInt("N", 0), node.attributes.getInt("bits", 4),
                  node.attributes.getInt("block_size", 0)};
  constexpr std::int64_t kMost = std::int64_t{1} << 30;
  if (packing.k < 1 || packing.k > kMost || packing.n < 1 || packing.n > kMost)
    return nodeError(node, "K is " + std::to_string(packing.k) + " and N is " + std::to_string(packing.n));
  if (packing.bits != 2 && packing.bits != 4 && packing.bits != 8)
    return nodeError(node, "bits is " + std::to_string(packing.bits) + "; 2, 4 and 8 are supported");
  if (packing.block < 16 || packing.block > kMost || (packing.block & (packing.block - 1)) != 0)
    return nodeError(node, "block_size " + std::to_string(packing.block) + " is not a power of two from 16 on");
  if (node.attributes.getInt("weight_prepacked", 0) != 0)
    return nodeError(node, "the weights are packed for one kind of GPU; export them with weight_prepacked = 0");
  return packing;
}

/// Shapes count as [rows x K] and [K x N].
Result<MatMulGeometry> geometryOf(const Node& node, const Shape& a, const Packing& packing) {
  return matMulGeometry(node, a, Shape{packing.k, packing.n});
}

Result<void> infer(InferContext& context) {
  const Packing packing = TANDEM_TRY(packingOf(context.node()));
  // N alone says how large the result is: the weights must back it.
  const Shape* packed = context.inputShape(1);
  if (packed && packed->isStatic() && packing.bytes() != packed->checkedElements())
    return context.fail("weights of shape " + packed->toString() + " do not go with K, N, bits and block_size");
  const Shape* a = context.inputShape(0);
  if (!a) return context.setOutputType(0, context.inputType(0)), Result<void>{};
  MatMulGeometry geometry = TANDEM_TRY(geometryOf(context.node(), *a, packing));
  context.setOutput(0, context.inputType(0), std::move(geometry.output));
  return {};
}

double flops(const Graph& graph, const Node& node) {
  const auto packing = packingOf(node);
  if (!packing.ok()) return 0;
  return 2 * static_cast<double>(graph.value(node.outputs[0]).desc.shape.elements()) * static_cast<double>(packing->k);
}

float unpacked(const std::uint8_t* bytes, std::int64_t index, std::int64_t bits) {
  const std::int64_t perByte = 8 / bits;
  return static_cast<float>(bytes[index / perByte] >> (index % perByte * bits) & ((1 << bits) - 1));
}

Result<void> checkInputs(const ReferenceContext& context, const Packing& packing) {
  const auto has = [&](std::size_t index, std::int64_t elements) {
    return context.input(index).elements() == elements;
  };
  const auto wrong = [&](std::string_view what, std::size_t index) {
    return context.fail(std::string(what) + " of shape " + context.input(index).desc().toString() +
                        " do not go with K, N, bits and block_size");
  };
  if (context.input(1).type() != DataType::UInt8 || packing.bytes() != context.input(1).elements())
    return wrong("weights", 1);
  const std::int64_t scales = packing.n * packing.blocks();
  if (!isFloating(context.input(2).type()) || !has(2, scales)) return wrong("scales", 2);
  if (context.hasInput(3)) {
    const bool packed = context.input(3).type() == DataType::UInt8;
    if (!packed && !isFloating(context.input(3).type())) return wrong("zero points", 3);
    if (!has(3, packed ? packing.n * packing.zeroBytes() : scales)) return wrong("zero points", 3);
  }
  if (context.hasInput(4) && (!isInteger(context.input(4).type()) || context.input(4).elements() < packing.k))
    return wrong("group indices", 4);
  if (context.hasInput(5) && (!isFloating(context.input(5).type()) || !has(5, packing.n))) return wrong("bias", 5);
  return {};
}

/// Rows [first, last) of the right operand as real numbers: (q - zero point) * scale.
Result<void> unpackRows(const ReferenceContext& context, const Packing& packing, const Elements<float>& scales,
                        const Elements<float>* zeros, std::int64_t first, std::int64_t last, float* out) {
  const std::uint8_t* bytes = context.input(1).as<std::uint8_t>().data();
  const bool packedZeros = context.hasInput(3) && context.input(3).type() == DataType::UInt8;
  const std::int64_t blocks = packing.blocks(), rowBytes = blocks * packing.blockBytes();
  const float middle = static_cast<float>(1 << (packing.bits - 1));
  for (std::int64_t row = first; row < last; ++row)
    for (std::int64_t p = 0; p < packing.k; ++p) {
      const std::int64_t block = context.hasInput(4) ? context.input(4).asInt(p) : p / packing.block;
      if (block < 0 || block >= blocks) return context.fail("a group index is " + std::to_string(block));
      float zero = middle;
      if (packedZeros)
        zero = unpacked(context.input(3).as<std::uint8_t>().data() + row * packing.zeroBytes(), block, packing.bits);
      else if (zeros)
        zero = (*zeros)[row * blocks + block];
      *out++ = (unpacked(bytes + row * rowBytes, p, packing.bits) - zero) * scales[row * blocks + block];
    }
  return {};
}

Result<void> reference(ReferenceContext& context) {
  const Tensor& a = context.input(0);
  if (!isFloating(a.type())) return unsupportedType(context, a.type());
  const Packing packing = TANDEM_TRY(packingOf(context.node()));
  const MatMulGeometry geometry = TANDEM_TRY(geometryOf(context.node(), a.shape(), packing));
  TANDEM_TRY(checkInputs(context, packing));
  const std::int64_t rows = a.elements() / packing.k;
  const Elements<float> left(a), scales(context.input(2));
  std::optional<Elements<float>> zeros, bias;
  if (context.hasInput(3) && context.input(3).type() != DataType::UInt8) zeros.emplace(context.input(3));
  if (context.hasInput(5)) bias.emplace(context.input(5));
  Results<float> y(TANDEM_TRY(makeOutput(context, 0, a.type(), geometry.output)));
  // A few megabytes of unpacked weights at a time.
  const std::int64_t step = std::max<std::int64_t>(1, (1 << 20) / packing.k);
  std::vector<float> weights, sums;
  for (std::int64_t first = 0; first < packing.n; first += step) {
    const std::int64_t count = std::min(step, packing.n - first);
    weights.resize(static_cast<std::size_t>(count * packing.k));
    sums.resize(static_cast<std::size_t>(rows * count));
    TANDEM_TRY(unpackRows(context, packing, scales, zeros ? &*zeros : nullptr, first, first + count, weights.data()));
    multiply(rows, count, packing.k, left.data(), weights.data(), true, sums.data());
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < count; ++j)
        y[i * packing.n + first + j] = sums[static_cast<std::size_t>(i * count + j)] + (bias ? (*bias)[first + j] : 0);
  }
  y.store();
  return {};
}

} // namespace

// com.microsoft MatMulNBits: A, B packed to 2, 4 or 8 bits (low bits first), scales, zero points (packed like B, or
// real numbers; the middle of the range without), g_idx, bias; attributes K, N, bits, block_size.
extern const OpDef kMsMatMulNBits = {.type = "MatMulNBits",
                                     .domain = "com.microsoft",
                                     .versions = {1},
                                     .minInputs = 3,
                                     .maxInputs = 6,
                                     .infer = infer,
                                     .flops = flops,
                                     .reference = reference};

} // namespace tandem::ops
