// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/moments.hpp"
#include "engine/ops/normalize_common.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::opencl {
namespace {

int lanes(const Lowering& lowering) { return lowering.gpuStyle() ? 64 : 1; }

void setRows(Lowering& lowering, Step& step, std::int64_t rows) {
  const auto count = static_cast<std::size_t>(lanes(lowering));
  step.options += " -DLX=" + std::to_string(count);
  step.global = {count * static_cast<std::size_t>(rows), 1, 1};
  step.local = {count, 1, 1};
}

// --- BatchNormalization

Support checkBatch(const NodeView& view) {
  if (const Support support = floatInputs(view); !support.ok()) return support;
  const Attributes& a = view.node.attributes;
  if (view.node.version >= 14 && a.getInt("training_mode", 0) != 0)
    return noAttribute("BatchNormalization in training mode");
  if (view.node.version < 7 && a.getInt("is_test", 0) == 0) return noAttribute("BatchNormalization in training mode");
  if (view.node.version < 9 && a.getInt("spatial", 1) == 0) return noAttribute("BatchNormalization with spatial = 0");
  for (std::size_t i = 1; i < view.node.outputs.size(); ++i)
    if (view.wantsOutput(i)) return noAttribute("BatchNormalization whose training outputs are used");
  if (view.input(0).rankKnown && view.input(0).desc.shape.rank() < 2)
    return noAttribute("BatchNormalization of a vector");
  return Support::yes();
}

/// With known statistics: one multiply-add per element, in whatever storage the input has.
void foldedBatch(Lowering& lowering, float epsilon) {
  const TensorDesc& out = lowering.outputDesc(0);
  const std::int64_t channels = out.shape[1];
  const auto padded = static_cast<std::size_t>(ceilDivide(channels, 16) * 16);
  std::vector<float> factor(padded, 0.0f), shift(padded, 0.0f);
  const auto scale = lowering.inputTensor(1).as<float>(), bias = lowering.inputTensor(2).as<float>();
  const auto mean = lowering.inputTensor(3).as<float>(), variance = lowering.inputTensor(4).as<float>();
  for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c) {
    const double f =
        static_cast<double>(scale[c]) / std::sqrt(static_cast<double>(variance[c]) + static_cast<double>(epsilon));
    factor[c] = static_cast<float>(f);
    shift[c] = static_cast<float>(static_cast<double>(bias[c]) - static_cast<double>(mean[c]) * f);
  }
  const Ref factors = lowering.weights(factor), shifts = lowering.weights(shift);
  if (lowering.inputIsBlocked(0) && lowering.canBlock(lowering.node().outputs[0])) {
    const BlockedView x = lowering.blockedInput(0);
    const BlockedView y = lowering.blockedOutput(0);
    const std::vector<std::int64_t> perChannel{0, 16, 0, 0, 1};
    emitElementwise(lowering, "MulAdd", blockedDims(y), blockedRef(y),
                    {blockedRef(x), {factors, DataType::Float32, perChannel}, {shifts, DataType::Float32, perChannel}});
    return;
  }
  std::vector<std::int64_t> perChannel(out.shape.rank(), 0);
  perChannel[1] = 1;
  emitElementwise(lowering, "MulAdd", out.shape.dims(), rowMajor(lowering.output(0), out),
                  {rowMajor(lowering.input(0), out),
                   {factors, DataType::Float32, perChannel},
                   {shifts, DataType::Float32, perChannel}});
}

Result<void> lowerBatch(Lowering& lowering) {
  const float epsilon = lowering.node().attributes.getFloat("epsilon", 1e-5f);
  bool known = true;
  for (std::size_t i = 1; i < 5; ++i) known = known && lowering.inputIsConstant(i);
  if (known) return foldedBatch(lowering, epsilon), Result<void>();
  const Shape& shape = lowering.outputDesc(0).shape;
  const std::int64_t count = shape.elements();
  Step step = perElement("norm", "batch_norm", "", count);
  for (std::size_t i = 0; i < 5; ++i) step.args.emplace_back(lowering.input(i));
  step.args.emplace_back(lowering.output(0));
  const std::int64_t plane = count == 0 ? 1 : count / (shape[0] * shape[1]);
  for (std::int64_t value : {count, shape[1], plane}) step.args.emplace_back(toInt(value));
  step.args.emplace_back(epsilon);
  lowering.launch(std::move(step));
  return {};
}

// --- LayerNormalization, InstanceNormalization

/// The usual LayerNormalization, for which there is a fast kernel.
bool isPlainLayer(const Lowering& lowering, const ops::NormalizedAxes& axes) {
  const NodeView view{lowering.graph(), lowering.node()};
  bool plain = lowering.inputDesc(0).type == DataType::Float32 && !view.wantsOutput(1) && !view.wantsOutput(2);
  for (std::size_t i = 1; i <= 2; ++i)
    if (lowering.hasInput(i)) plain = plain && lowering.inputDesc(i).shape.elements() == axes.count;
  return plain;
}

Step normalizeStep(Lowering& lowering, int kind, std::int64_t rows, std::int64_t length, std::int64_t channels,
                   std::int64_t parameters) {
  Step step;
  step.source = "rows";
  step.kernel = "normalize_row";
  step.options = "-DNORMALIZE=" + std::to_string(kind);
  const Ref bias = lowering.hasInput(2)
                       ? lowering.input(2)
                       : lowering.weights(std::vector<float>(static_cast<std::size_t>(parameters), 0.0f));
  step.args = {lowering.input(0),
               lowering.input(1),
               bias,
               lowering.output(0),
               toInt(length),
               toInt(channels),
               lowering.node().attributes.getFloat("epsilon", 1e-5f)};
  setRows(lowering, step, rows);
  return step;
}

Result<void> lowerLayer(Lowering& lowering) {
  const auto axes = ops::normalizedAxes(lowering.node(), lowering.inputDesc(0).shape);
  TANDEM_ASSERT(axes.has_value());
  if (!isPlainLayer(lowering, *axes)) return lowerLayerInGeneral(lowering);
  if (axes->count > 0) lowering.launch(normalizeStep(lowering, 1, axes->rows, axes->count, 1, axes->count));
  return {};
}

Support checkInstance(const NodeView& view) {
  if (const Support support = floatInputs(view); !support.ok()) return support;
  if (view.input(0).rankKnown && view.input(0).desc.shape.rank() < 3)
    return noAttribute("InstanceNormalization on rank below 3");
  return Support::yes();
}

Result<void> lowerInstance(Lowering& lowering) {
  const Shape& shape = lowering.inputDesc(0).shape;
  const std::int64_t rows = shape[0] * shape[1];
  if (shape.elements() == 0) return lowering.output(0), Result<void>();
  lowering.launch(normalizeStep(lowering, 2, rows, shape.elements() / rows, shape[1], shape[1]));
  return {};
}

constexpr KernelDef kTable[] = {
    {"", "BatchNormalization", checkBatch, lowerBatch, nullptr, true},
    {"", "LayerNormalization", checkLayerInGeneral, lowerLayer, nullptr, true},
    {"", "InstanceNormalization", checkInstance, lowerInstance, nullptr, true},
};

} // namespace

std::span<const KernelDef> normalizationKernels();
std::span<const KernelDef> normalizationKernels() { return kTable; }

} // namespace tandem::opencl
