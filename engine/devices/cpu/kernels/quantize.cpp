// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/byte_loops.hpp"
#include "engine/devices/cpu/kernels/byte_product.hpp"
#include "engine/devices/cpu/loops.hpp"
#include "engine/ops/quantization.hpp"

#include <array>

namespace tandem::cpu {
namespace {

constexpr std::size_t kScale = 1;
constexpr std::size_t kZeroPoint = 2;
/// Rows shorter than this are left to the operator's own loops.
constexpr std::int64_t kLeastInner = 8;

/// One scale and zero point for every piece of `inner` elements; pieces take turns in `parameters` of them.
struct Pieces {
  std::int64_t inner = 0;
  std::int64_t pieces = 0;
  std::int64_t parameters = 1;
};

/// Nullopt for blocks, for parameters that do not fit and for types that these loops do not have.
std::optional<Pieces> piecesOf(const NodeView& view, DataType real, DataType quantized) {
  const TensorDesc &x = view.input(0), &scale = view.input(kScale);
  const Attributes& attributes = view.attributes();
  if (real != DataType::Float32 || scale.type != DataType::Float32 || !isByte(quantized) || x.shape.elements() == 0)
    return std::nullopt;
  if (attributes.getInt("block_size", 0) != 0 || attributes.getInt("precision", 1) > 1) return std::nullopt;
  const std::int64_t count = scale.shape.elements();
  if (view.hasInput(kZeroPoint) &&
      (view.input(kZeroPoint).type != quantized || view.input(kZeroPoint).shape.elements() != count))
    return std::nullopt;
  if (scale.shape.rank() <= 1 && count == 1) return Pieces{x.shape.elements(), 1, 1};
  const auto axis = normalizeAxis(attributes.getInt("axis", 1), x.shape.rank());
  if (!axis || scale.shape.rank() != 1 || count != x.shape[*axis]) return std::nullopt;
  Pieces pieces{1, 1, count};
  for (std::size_t i = 0; i <= *axis; ++i) pieces.pieces *= x.shape[i];
  for (std::size_t i = *axis + 1; i < x.shape.rank(); ++i) pieces.inner *= x.shape[i];
  return pieces;
}

/// Where all elements have the same parameters, their order does not matter.
KernelPlan planFor(const NodeView& view, const Pieces& pieces) {
  KernelPlan plan = view.plainPlan("rows");
  if (pieces.parameters != 1 || !view.compiled()) return plan;
  const Layout kept = retyped(view.layout(0), view.output(0).type);
  if (kept.isPlain()) return plan;
  plan.inputs[0].layout = view.layout(0);
  plan.outputs[0] = kept;
  return plan;
}

/// row(x, scale, zero point, out, count) for every piece; a single piece is split among the threads.
template <class From, class To, class Quantized, class Row>
std::shared_ptr<const Kernel> pieceKernel(const NodeView& view, const Pieces& pieces, Row row) {
  const bool hasZero = view.hasInput(kZeroPoint);
  return makeKernel([=, threads = view.threads()](const Binding& binding) {
    const auto* x = static_cast<const From*>(binding.inputs[0]);
    const auto* scale = static_cast<const float*>(binding.inputs[kScale]);
    const auto* zero = hasZero ? static_cast<const Quantized*>(binding.inputs[kZeroPoint]) : nullptr;
    auto* out = static_cast<To*>(binding.outputs[0]);
    const std::int64_t bytes = pieces.inner * pieces.pieces * static_cast<std::int64_t>(sizeof(From) + sizeof(To));
    return [=] {
      const auto one = [&](std::int64_t piece, std::int64_t begin, std::int64_t end) {
        const std::int64_t parameter = piece % pieces.parameters, first = piece * pieces.inner + begin;
        row(x + first, scale[parameter], zero ? static_cast<std::int32_t>(zero[parameter]) : 0, out + first,
            end - begin);
      };
      if (pieces.pieces == 1)
        inPieces(threads, pieces.inner, bytes, [&](std::int64_t begin, std::int64_t end) { one(0, begin, end); });
      else
        inPieces(threads, pieces.pieces, bytes, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t piece = begin; piece < end; ++piece) one(piece, 0, pieces.inner);
        });
    };
  });
}

template <class Q> std::shared_ptr<const Kernel> quantizer(const NodeView& view, const Pieces& pieces) {
  return pieceKernel<float, Q, Q>(view, pieces,
                                  [](const float* x, float scale, std::int32_t zero, Q* out, std::int64_t n) {
                                    quantizeRow(x, scale, zero, out, n);
                                  });
}

template <class Q> std::shared_ptr<const Kernel> dequantizer(const NodeView& view, const Pieces& pieces) {
  return pieceKernel<Q, float, Q>(view, pieces,
                                  [](const Q* x, float scale, std::int32_t zero, float* out, std::int64_t n) {
                                    dequantizeRow(x, scale, zero, out, n);
                                  });
}

} // namespace

std::optional<KernelPlan> quantizeKernel(const NodeView& view) {
  const auto pieces = piecesOf(view, view.input(0).type, view.output(0).type);
  if (!pieces || (pieces->parameters > 1 && pieces->inner < kLeastInner)) return std::nullopt;
  KernelPlan plan = planFor(view, *pieces);
  plan.kernel = view.output(0).type == DataType::Int8 ? quantizer<std::int8_t>(view, *pieces)
                                                      : quantizer<std::uint8_t>(view, *pieces);
  return plan;
}

std::optional<KernelPlan> dequantizeKernel(const NodeView& view) {
  const auto pieces = piecesOf(view, view.output(0).type, view.input(0).type);
  if (!pieces || (pieces->parameters > 1 && pieces->inner < kLeastInner)) return std::nullopt;
  KernelPlan plan = planFor(view, *pieces);
  plan.kernel = view.input(0).type == DataType::Int8 ? dequantizer<std::int8_t>(view, *pieces)
                                                     : dequantizer<std::uint8_t>(view, *pieces);
  return plan;
}

std::optional<KernelPlan> dynamicQuantizeKernel(const NodeView& view) {
  if (view.input(0).type != DataType::Float32) return std::nullopt;
  KernelPlan plan = planFor(view, {.parameters = 1});
  const std::int64_t count = view.input(0).shape.elements();
  plan.kernel = makeKernel([=, threads = view.threads()](const Binding& binding) {
    const auto* x = static_cast<const float*>(binding.inputs[0]);
    auto* y = static_cast<std::uint8_t*>(binding.outputs[0]);
    auto* scale = binding.outputs.size() > 1 ? static_cast<float*>(binding.outputs[1]) : nullptr;
    auto* zero = binding.outputs.size() > 2 ? static_cast<std::uint8_t*>(binding.outputs[2]) : nullptr;
    return [=] {
      const auto [low, high] = rangeWithZero(x, count);
      const ops::ScalarQuantization quantization = ops::dynamicQuantization(std::array{low, high});
      inPieces(threads, count, count * 5, [&](std::int64_t begin, std::int64_t end) {
        quantizeRow(x + begin, quantization.scale, quantization.zeroPoint, y + begin, end - begin);
      });
      if (scale) *scale = quantization.scale;
      if (zero) *zero = static_cast<std::uint8_t>(quantization.zeroPoint);
    };
  });
  return plan;
}

} // namespace tandem::cpu
