// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/byte_loops.hpp"
#include "engine/devices/cpu/kernels/byte_product.hpp"
#include "engine/devices/cpu/loops.hpp"
#include "engine/ops/quantization.hpp"

#include <array>

namespace tandem::cpu {
namespace {

constexpr std::size_t kNone = SIZE_MAX;

/// What becomes of the sums.
struct Ending {
  DataType type = DataType::Int32;
  /// One per column: the right operand's scales for float32, both operands' over the result's for bytes.
  std::vector<float> columnScales;
  std::size_t leftScaleInput = kNone; ///< read at every run; the scale of an operand quantized here otherwise
  std::size_t biasInput = kNone;      ///< float32, one per column
  std::int32_t zeroPoint = 0;
  bool quantizesLeft = false; ///< the left operand is float32 and quantized as DynamicQuantizeLinear does it
};

/// Memory of one run beside the primitive's own.
struct Scratch {
  std::int64_t sums = 0, offsets = 0, left = 0, bytes = 0;
};

Scratch planScratch(const ByteProduct& product, const Ending& ending) {
  constexpr std::int64_t kAlignment = 64;
  Scratch scratch{.bytes = product.scratchBytes};
  const auto reserve = [&](std::int64_t bytes) {
    const std::int64_t at = (scratch.bytes + kAlignment - 1) / kAlignment * kAlignment;
    scratch.bytes = at + bytes;
    return at;
  };
  scratch.offsets = reserve(product.columns * 4);
  if (ending.type != DataType::Int32) scratch.sums = reserve(product.rows * product.columns * 4);
  if (ending.quantizesLeft) scratch.left = reserve(product.rows * product.depth);
  return scratch;
}

/// One instance's product: quantize the left operand where asked to, multiply, take off zero points, scale.
class ProductStep final : public Step {
 public:
  ProductStep(std::shared_ptr<const ByteProduct> product, std::shared_ptr<const Ending> ending, const Scratch& scratch,
              const Binding& binding)
      : m_product(std::move(product)),
        m_ending(std::move(ending)),
        m_input(binding.inputs[m_product->left]),
        m_output(binding.outputs[0]) {
    auto* memory = static_cast<std::byte*>(binding.scratch);
    m_offsets = reinterpret_cast<std::int32_t*>(memory + scratch.offsets);
    m_left = m_ending->quantizesLeft ? memory + scratch.left : m_input;
    m_sums = static_cast<std::int32_t*>(m_ending->type == DataType::Int32 ? m_output : memory + scratch.sums);
    if (m_product->hasLeftZero) m_leftZero = binding.inputs[m_product->leftZero];
    if (m_ending->leftScaleInput != kNone)
      m_leftScale = static_cast<const float*>(binding.inputs[m_ending->leftScaleInput]);
    if (m_ending->biasInput != kNone) m_bias = static_cast<const float*>(binding.inputs[m_ending->biasInput]);
    Binding inner = binding;
    inner.inputs[m_product->left] = m_left;
    inner.outputs[0] = m_sums;
    m_multiply = m_product->kernel->bind(inner);
  }

  Result<void> run() override {
    ops::ScalarQuantization left{m_leftScale ? *m_leftScale : 1.0f, zeroOfLeft()};
    if (m_ending->quantizesLeft) left = quantizeLeft();
    TANDEM_TRY(m_multiply->run());
    m_product->offsetsFor(left.zeroPoint, m_offsets);
    inPieces(m_product->threads, m_product->rows, m_product->rows * m_product->columns * 8,
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t row = begin; row < end; ++row) finishRow(row, left.scale);
             });
    return {};
  }

 private:
  std::int32_t zeroOfLeft() const {
    if (!m_leftZero) return 0;
    return m_product->leftIsSigned ? *static_cast<const std::int8_t*>(m_leftZero)
                                   : *static_cast<const std::uint8_t*>(m_leftZero);
  }

  ops::ScalarQuantization quantizeLeft() const {
    const auto* x = static_cast<const float*>(m_input);
    const std::int64_t count = m_product->rows * m_product->depth;
    const auto [low, high] = rangeWithZero(x, count);
    const ops::ScalarQuantization quantization = ops::dynamicQuantization(std::array{low, high});
    inPieces(m_product->threads, count, count * 5, [&](std::int64_t begin, std::int64_t end) {
      quantizeRow(x + begin, quantization.scale, quantization.zeroPoint, static_cast<std::uint8_t*>(m_left) + begin,
                  end - begin);
    });
    return quantization;
  }

  void finishRow(std::int64_t row, float leftScale) const {
    const std::int64_t first = row * m_product->columns;
    std::int32_t* sums = m_sums + first;
    m_product->finishRow(m_left, row, m_offsets, sums);
    const float* scales = m_ending->columnScales.data();
    switch (m_ending->type) {
    case DataType::Float32:
      scaleSums(sums, leftScale, scales, m_bias, static_cast<float*>(m_output) + first, m_product->columns);
      break;
    case DataType::Int8:
      requantizeSums(sums, nullptr, scales, m_ending->zeroPoint, static_cast<std::int8_t*>(m_output) + first,
                     m_product->columns);
      break;
    case DataType::UInt8:
      requantizeSums(sums, nullptr, scales, m_ending->zeroPoint, static_cast<std::uint8_t*>(m_output) + first,
                     m_product->columns);
      break;
    default: break; // the sums are the result
    }
  }

  std::shared_ptr<const ByteProduct> m_product;
  std::shared_ptr<const Ending> m_ending;
  void* m_input;
  void* m_output;
  void* m_left = nullptr; ///< bytes
  std::int32_t* m_offsets = nullptr;
  std::int32_t* m_sums = nullptr;
  const void* m_leftZero = nullptr;
  const float* m_leftScale = nullptr;
  const float* m_bias = nullptr;
  std::unique_ptr<Step> m_multiply;
};

class ProductKernel final : public Kernel {
 public:
  ProductKernel(ByteProduct product, Ending ending)
      : m_product(std::make_shared<const ByteProduct>(std::move(product))),
        m_ending(std::make_shared<const Ending>(std::move(ending))),
        m_scratch(planScratch(*m_product, *m_ending)) {}
  std::int64_t scratchBytes() const { return m_scratch.bytes; }
  std::unique_ptr<Step> bind(const Binding& binding) const override {
    return std::make_unique<ProductStep>(m_product, m_ending, m_scratch, binding);
  }

 private:
  std::shared_ptr<const ByteProduct> m_product;
  std::shared_ptr<const Ending> m_ending;
  Scratch m_scratch;
};

KernelPlan finish(KernelPlan plan, ByteProduct product, Ending ending) {
  plan.name = product.name;
  auto kernel = std::make_shared<const ProductKernel>(std::move(product), std::move(ending));
  plan.scratchBytes = kernel->scratchBytes();
  plan.kernel = std::move(kernel);
  return plan;
}

/// A constant scale: one number per column, or one for all; empty where it is not that.
std::vector<float> columnScales(const NodeView& view, std::size_t input, std::int64_t columns) {
  const Tensor* scale = view.constant(input);
  if (!scale || scale->type() != DataType::Float32 || (scale->elements() != 1 && scale->elements() != columns))
    return {};
  std::vector<float> scales(scale->as<float>().begin(), scale->as<float>().end());
  scales.resize(static_cast<std::size_t>(columns), scales.front());
  return scales;
}

bool isOneFloat(const NodeView& view, std::size_t input) {
  return view.hasInput(input) && view.input(input).type == DataType::Float32 && view.input(input).shape.elements() == 1;
}

/// The bias, where there is one; false where it is not one float32 per column.
bool takeBias(const NodeView& view, std::size_t input, std::int64_t columns, Ending& ending) {
  if (!view.hasInput(input)) return true;
  if (view.input(input).type != DataType::Float32 || view.input(input).shape.elements() != columns) return false;
  ending.biasInput = input;
  return true;
}

} // namespace

std::optional<KernelPlan> matMulIntegerKernel(const NodeView& view) {
  KernelPlan plan = view.plainPlan({});
  auto product = ByteProduct::of(view, {0, 2, 1, 3}, view.input(0).type, plan);
  if (!product) return std::nullopt;
  return finish(std::move(plan), std::move(*product), {});
}

std::optional<KernelPlan> qLinearMatMulKernel(const NodeView& view) {
  KernelPlan plan = view.plainPlan({});
  const auto left = constantScale(view, 1, 2), result = constantScale(view, 6, 7);
  if (!left || !result) return std::nullopt;
  auto product = ByteProduct::of(view, {0, 2, 3, 5}, view.input(0).type, plan);
  if (!product || !isByte(view.output(0).type)) return std::nullopt;
  Ending ending;
  ending.type = view.output(0).type;
  ending.columnScales = columnScales(view, 4, product->columns);
  if (ending.columnScales.empty()) return std::nullopt;
  for (float& scale : ending.columnScales) scale = left->scale * scale / result->scale;
  ending.zeroPoint = result->zeroPoint;
  for (std::size_t input : {1, 4, 6, 7}) plan.inputs[input].used = false;
  return finish(std::move(plan), std::move(*product), std::move(ending));
}

std::optional<KernelPlan> matMulIntegerToFloatKernel(const NodeView& view) {
  KernelPlan plan = view.plainPlan({});
  if (!isOneFloat(view, 2) || view.output(0).type != DataType::Float32) return std::nullopt;
  auto product = ByteProduct::of(view, {0, 4, 1, 5}, view.input(0).type, plan);
  if (!product) return std::nullopt;
  Ending ending;
  ending.type = DataType::Float32;
  ending.columnScales = columnScales(view, 3, product->columns);
  ending.leftScaleInput = 2;
  if (ending.columnScales.empty() || !takeBias(view, 6, product->columns, ending)) return std::nullopt;
  plan.inputs[3].used = false;
  return finish(std::move(plan), std::move(*product), std::move(ending));
}

std::optional<KernelPlan> dynamicQuantizeMatMulKernel(const NodeView& view) {
  KernelPlan plan = view.plainPlan({});
  if (view.input(0).type != DataType::Float32) return std::nullopt;
  auto product = ByteProduct::of(view, {0, kNone, 1, 3}, DataType::UInt8, plan);
  if (!product) return std::nullopt;
  Ending ending;
  ending.type = DataType::Float32;
  ending.quantizesLeft = true;
  ending.columnScales = columnScales(view, 2, product->columns);
  if (ending.columnScales.empty() || !takeBias(view, 4, product->columns, ending)) return std::nullopt;
  plan.inputs[2].used = false;
  return finish(std::move(plan), std::move(*product), std::move(ending));
}

} // namespace tandem::cpu
