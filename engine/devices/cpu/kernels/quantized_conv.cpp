// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/dnnl_kernel.hpp"
#include "engine/devices/cpu/kernels/byte_product.hpp"
#include "engine/devices/cpu/kernels/conv_window.hpp"
#include "engine/devices/cpu/loops.hpp"
#include "engine/ops/quantization.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace tandem::cpu {
namespace {

using Type = dnnl::memory::data_type;
using dims = dnnl::memory::dims;
using PrimitiveDesc = dnnl::convolution_forward::primitive_desc;

/// Constant weights as signed bytes without a zero point; nullopt where the node's have one that is not the middle.
std::optional<Tensor> signedWeights(const NodeView& view, std::size_t weights, std::size_t zeroPoint) {
  const Tensor* constant = view.constant(weights);
  if (!constant || !isByte(constant->type())) return std::nullopt;
  const std::int64_t middle = constant->type() == DataType::UInt8 ? 128 : 0;
  if (view.hasInput(zeroPoint)) {
    const Tensor* zero = view.constant(zeroPoint);
    if (!zero) return std::nullopt;
    for (std::int64_t i = 0; i < zero->elements(); ++i)
      if (zero->asInt(i) != middle) return std::nullopt;
  } else if (middle != 0) {
    return std::nullopt;
  }
  if (middle == 0) return *constant;
  Tensor shifted = Tensor::uninitialized({DataType::Int8, constant->shape()});
  const auto source = constant->as<std::uint8_t>();
  std::transform(source.begin(), source.end(), shifted.mutableAs<std::int8_t>().begin(),
                 [](std::uint8_t value) { return static_cast<std::int8_t>(value - 128); });
  return shifted;
}

/// oneDNN brings its sums through float32, which is exact up to this number.
constexpr std::int64_t kExactInFloat = std::int64_t{1} << 24;
/// So that a sum and a bias of this size do not overflow.
constexpr std::int64_t kLargestTerm = std::int64_t{1} << 30;

/// True where no sum of products can be larger. Inputs without their zero point are at most 255.
bool sumsBelow(const Tensor& weights, std::int64_t limit) {
  const std::int64_t channels = weights.shape()[0];
  const std::int64_t taps = channels == 0 ? 0 : weights.elements() / channels;
  const std::int8_t* element = weights.as<std::int8_t>().data();
  for (std::int64_t m = 0; m < channels; ++m) {
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < taps; ++i) sum += std::abs(static_cast<int>(*element++));
    if (sum * 255 > limit) return false;
  }
  return true;
}

struct ConvRequest {
  std::size_t weights = 1;
  ops::ConvGeometry geometry;
};

PrimitiveDesc makeDesc(const NodeView& view, const ConvRequest& request, const dims& weights,
                       const dnnl::primitive_attr& attr) {
  const ConvWindow window = windowOf(request.geometry);
  const TensorDesc sums{DataType::Int32, view.output(0).shape};
  return PrimitiveDesc({dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
                        channelsLastDesc(view.input(0)),
                        dnnl::memory::desc(weights, Type::s8, dnnl::memory::format_tag::any), channelsLastDesc(sums),
                        window.strides, window.dilations, window.padsBegin, window.padsEnd},
                       attr, engine());
}

/// The zero point of the input may be computed (DynamicQuantizeLinear): the primitive then reads it at every run.
void addZeroPoint(const NodeView& view, std::size_t input, dnnl::primitive_attr& attr, DnnlKernelBuilder& builder,
                  KernelPlan& plan, std::vector<DnnlArgument>& arguments) {
  if (!view.hasInput(input)) return;
  if (const Tensor* constant = view.constant(input)) {
    plan.inputs[input].used = false;
    if (constant->asInt(0) != 0) attr.set_zero_points(DNNL_ARG_SRC, 0, {static_cast<std::int32_t>(constant->asInt(0))});
    return;
  }
  attr.set_zero_points(DNNL_ARG_SRC, 0, {DNNL_RUNTIME_S32_VAL});
  arguments.push_back(builder.reorderedInput(DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_SRC,
                                             plainDesc(dnnlType(view.input(input).type), {1}),
                                             plainDesc(Type::s32, {1}), input));
}

std::optional<ConvRequest> requestOf(const NodeView& view, std::size_t weights, std::size_t zeroPoint) {
  if (!sumsOfBytesAreExact() || !isByte(view.input(0).type) || view.output(0).shape.elements() == 0)
    return std::nullopt;
  if (view.hasInput(zeroPoint) && view.input(zeroPoint).shape.elements() != 1) return std::nullopt;
  const auto geometry = ops::convGeometry(view.node(), view.input(0).shape, view.input(weights).shape);
  if (!geometry.ok()) return std::nullopt;
  return ConvRequest{weights, *geometry};
}

std::optional<KernelPlan> finishPlan(const NodeView& view, const ConvRequest& request, const Tensor& weights,
                                     const dnnl::primitive_attr& attr, KernelPlan plan, DnnlKernelBuilder& builder,
                                     std::vector<DnnlArgument> arguments) {
  const dims shape = weightDims(request.geometry, weights.shape());
  const PrimitiveDesc desc = makeDesc(view, request, shape, attr);
  if (isDnnlReference(desc.impl_info_str())) return std::nullopt;
  plan.name = dnnlName(desc.impl_info_str());
  plan.inputs[0].layout = Layout::of(desc.src_desc());
  plan.outputs[0] = Layout::of(channelsLastDesc(view.output(0)));
  plan.inputs[request.weights].used = false;
  arguments.push_back(inputArgument(DNNL_ARG_SRC, desc.src_desc(), 0));
  arguments.push_back(outputArgument(DNNL_ARG_DST, desc.dst_desc(), 0));
  arguments.push_back(
      weightsArgument(DNNL_ARG_WEIGHTS, desc.weights_desc(),
                      view.weights().prepare(weights, plainDesc(Type::s8, shape), desc.weights_desc())));
  builder.add(desc, dnnl::convolution_forward(desc), std::move(arguments));
  plan.scratchBytes = builder.scratchBytes();
  plan.kernel = builder.finish();
  return plan;
}

/// x_scale * w_scale / y_scale, one or one per output channel; empty where they are not constants that fit or
/// not finite.
std::vector<float> outputScales(const NodeView& view, std::int64_t channels) {
  const Tensor *x = view.constant(1), *w = view.constant(4), *y = view.constant(6);
  if (!x || !w || !y || x->elements() != 1 || y->elements() != 1) return {};
  if (w->elements() != 1 && w->elements() != channels) return {};
  std::vector<float> scales;
  for (std::int64_t i = 0; i < w->elements(); ++i)
    scales.push_back(static_cast<float>(x->asDouble(0)) * static_cast<float>(w->asDouble(i)) /
                     static_cast<float>(y->asDouble(0)));
  const bool finite = std::all_of(scales.begin(), scales.end(), [](float scale) { return std::isfinite(scale); });
  return finite ? scales : std::vector<float>();
}

bool isSmallBias(const Tensor* bias, std::int64_t channels) {
  if (!bias || bias->type() != DataType::Int32 || bias->elements() != channels) return false;
  const auto elements = bias->as<std::int32_t>();
  return std::all_of(elements.begin(), elements.end(),
                     [](std::int32_t x) { return std::abs(std::int64_t{x}) < kLargestTerm; });
}

/// What turns sums with the channels last into bytes, as the reference kernel does it.
struct Requantization {
  std::vector<float> scales; ///< one per channel
  std::int32_t zeroPoint = 0;
  std::int64_t rows = 1;
  bool hasBias = false;
  int threads = 1;

  template <class Q> void run(const std::int32_t* sums, const std::int32_t* bias, Q* out) const {
    const auto channels = static_cast<std::int64_t>(scales.size());
    inPieces(threads, rows, rows * channels * 4, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row)
        requantizeSums(sums + row * channels, bias, scales.data(), zeroPoint, out + row * channels, channels);
    });
  }
};

/// The plan of the sums, with the bytes made from them behind it; the sums lie in scratch memory.
KernelPlan requantized(const NodeView& view, KernelPlan sums, Requantization requantization) {
  constexpr std::int64_t kAlignment = 64;
  const std::int64_t offset = (sums.scratchBytes + kAlignment - 1) / kAlignment * kAlignment;
  KernelPlan plan = std::move(sums);
  plan.scratchBytes = offset + view.output(0).shape.elements() * static_cast<std::int64_t>(sizeof(std::int32_t));
  const bool isSigned = view.output(0).type == DataType::Int8;
  auto shared = std::make_shared<const Requantization>(std::move(requantization));
  plan.kernel = makeKernel([inner = plan.kernel, shared, offset, isSigned](const Binding& binding) {
    Binding product = binding;
    void* sumsOf = static_cast<std::byte*>(binding.scratch) + offset;
    product.outputs[0] = sumsOf;
    std::shared_ptr<Step> step = inner->bind(product);
    const auto* bias = shared->hasBias ? static_cast<const std::int32_t*>(binding.inputs[8]) : nullptr;
    return [step, shared, sumsOf, bias, isSigned, out = binding.outputs[0]]() -> Result<void> {
      TANDEM_TRY(step->run());
      if (isSigned)
        shared->run(static_cast<const std::int32_t*>(sumsOf), bias, static_cast<std::int8_t*>(out));
      else
        shared->run(static_cast<const std::int32_t*>(sumsOf), bias, static_cast<std::uint8_t*>(out));
      return {};
    };
  });
  return plan;
}

} // namespace

std::optional<KernelPlan> qLinearConvKernel(const NodeView& view) {
  auto request = requestOf(view, 3, 2);
  if (!request || !isByte(view.output(0).type) || view.attributes().getInt("channels_last", 0) != 0)
    return std::nullopt;
  const std::int64_t channels = request->geometry.outputChannels;
  const std::optional<Tensor> weights = signedWeights(view, 3, 5);
  Requantization requantization;
  requantization.scales = outputScales(view, channels);
  const Tensor* zero = view.constant(7);
  // Beyond 2^24 sums are rounded to float32, as they are anyway on their way to bytes.
  if (!weights || !sumsBelow(*weights, kLargestTerm) || requantization.scales.empty()) return std::nullopt;
  if (!zero || zero->elements() != 1 || !view.constant(2)) return std::nullopt;
  if (view.hasInput(8) && !isSmallBias(view.constant(8), channels)) return std::nullopt;
  requantization.scales.resize(static_cast<std::size_t>(channels), requantization.scales.front());
  requantization.zeroPoint = static_cast<std::int32_t>(zero->asInt(0));
  requantization.rows = view.output(0).shape.elements() / channels;
  requantization.hasBias = view.hasInput(8);
  requantization.threads = view.threads();
  KernelPlan plan = view.plainPlan("");
  DnnlKernelBuilder builder;
  std::vector<DnnlArgument> arguments;
  dnnl::primitive_attr attr = DnnlKernelBuilder::attributes();
  addZeroPoint(view, 2, attr, builder, plan, arguments);
  for (std::size_t i : {std::size_t{1}, std::size_t{4}, std::size_t{5}, std::size_t{6}, std::size_t{7}})
    plan.inputs[i].used = false;
  auto sums = finishPlan(view, *request, *weights, attr, std::move(plan), builder, std::move(arguments));
  if (!sums) return std::nullopt;
  return requantized(view, std::move(*sums), std::move(requantization));
}

std::optional<KernelPlan> convIntegerKernel(const NodeView& view) {
  const auto request = requestOf(view, 1, 2);
  if (!request) return std::nullopt;
  const std::optional<Tensor> weights = signedWeights(view, 1, 3);
  if (!weights || !sumsBelow(*weights, kExactInFloat)) return std::nullopt;
  KernelPlan plan = view.plainPlan("");
  DnnlKernelBuilder builder;
  std::vector<DnnlArgument> arguments;
  dnnl::primitive_attr attr = DnnlKernelBuilder::attributes();
  addZeroPoint(view, 2, attr, builder, plan, arguments);
  if (view.hasInput(3)) plan.inputs[3].used = false;
  return finishPlan(view, *request, *weights, attr, std::move(plan), builder, std::move(arguments));
}

} // namespace tandem::cpu
