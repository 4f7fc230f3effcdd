// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/conv_reference.hpp"
#include "engine/ops/floating.hpp"

namespace tandem::ops {
namespace {

/// The inputs i for which output i * stride + tap * dilation - padBegin exists.
IndexRange inputsOfTap(const WindowAxis& axis, std::int64_t tap) {
  const std::int64_t offset = tap * axis.dilation - axis.padBegin;
  return {std::max<std::int64_t>(0, ceilDiv(-offset, axis.stride)),
          std::min(axis.input, ceilDiv(axis.output - offset, axis.stride))};
}

/// Adds one input channel, weighted by one kernel, to one output channel.
template <class C> void scatterChannel(const WindowAxes& axes, const C* x, const C* kernel, C* y) {
  const auto& [depth, height, width] = axes;
  for (std::int64_t kd = 0; kd < depth.kernel; ++kd)
    for (std::int64_t kh = 0; kh < height.kernel; ++kh)
      for (std::int64_t kw = 0; kw < width.kernel; ++kw) {
        const C weight = *kernel++;
        const IndexRange ds = inputsOfTap(depth, kd), hs = inputsOfTap(height, kh), ws = inputsOfTap(width, kw);
        for (std::int64_t d = ds.begin; d < ds.end; ++d)
          for (std::int64_t h = hs.begin; h < hs.end; ++h) {
            const std::int64_t yd = d * depth.stride + kd * depth.dilation - depth.padBegin;
            const std::int64_t yh = h * height.stride + kh * height.dilation - height.padBegin;
            const C* src = x + (d * height.input + h) * width.input;
            C* dst = y + (yd * height.output + yh) * width.output;
            const std::int64_t shift = kw * width.dilation - width.padBegin;
            for (std::int64_t w = ws.begin; w < ws.end; ++w) dst[w * width.stride + shift] += weight * src[w];
          }
      }
}

template <class C> void convTranspose(const ConvGeometry& geometry, const C* x, const C* weights, const C* bias, C* y) {
  const std::int64_t inputs = geometry.inputChannelsPerGroup(), outputs = geometry.outputChannelsPerGroup();
  const std::int64_t kernel = geometry.kernelPositions();
  for (std::int64_t n = 0; n < geometry.batch; ++n)
    for (std::int64_t m = 0; m < geometry.outputChannels; ++m) {
      const std::int64_t group = m / outputs;
      C* dst = y + (n * geometry.outputChannels + m) * geometry.outputPositions();
      std::fill_n(dst, geometry.outputPositions(), bias ? bias[m] : C(0));
      for (std::int64_t c = group * inputs; c < (group + 1) * inputs; ++c)
        scatterChannel(geometry.axes, x + (n * geometry.inputChannels + c) * geometry.inputPositions(),
                       weights + (c * outputs + m % outputs) * kernel, dst);
    }
}

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  const Tensor& weights = context.input(1);
  const ConvGeometry geometry = TANDEM_TRY(convTransposeGeometry(context.node(), x.shape(), weights.shape()));
  TANDEM_TRY(checkBias(context, 2, geometry.outputChannels));
  Tensor y = context.output(0, x.type(), geometry.outputShape());
  const bool known = visitCompute(x.type(), [&]<class C>(TypeTag<C>) {
    const Elements<C> source(x), kernel(weights);
    std::optional<Elements<C>> bias;
    if (context.hasInput(2)) bias.emplace(context.input(2));
    Results<C> result(y);
    convTranspose(geometry, source.data(), kernel.data(), bias ? bias->data() : nullptr, result.data());
    result.store();
  });
  if (!known) return context.fail("cannot convolve " + x.desc().toString());
  return {};
}

} // namespace

// ONNX ConvTranspose: version 11 spells out the defaults, 22 adds bfloat16.
extern const OpDef kConvTranspose = {.type = "ConvTranspose",
                                     .domain = "",
                                     .versions = {1, 11, 22},
                                     .minInputs = 2,
                                     .maxInputs = 3,
                                     .infer = inferConv,
                                     .flops = convFlops,
                                     .reference = reference};

} // namespace tandem::ops
