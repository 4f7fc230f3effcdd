// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/integer_conv.hpp"

#include "engine/ops/channels_last.hpp"

#include <algorithm>

namespace tandem::ops {
namespace {

/// All taps of the windows of outputs [first, last), one row of taps per output; padding is 0.
void gatherWindows(const ConvGeometry& geometry, const std::int16_t* x, std::int64_t first, std::int64_t last,
                   std::int16_t* rows) {
  const auto& [depth, height, width] = geometry.axes;
  const std::int64_t taps = geometry.kernelPositions();
  const std::int64_t rowTaps = geometry.inputChannelsPerGroup() * taps;
  std::fill_n(rows, (last - first) * rowTaps, std::int16_t{0});
  for (std::int64_t p = first; p < last; ++p, rows += rowTaps) {
    const std::int64_t od = p / width.output / height.output, oh = p / width.output % height.output;
    const std::int64_t ow = p % width.output;
    const IndexRange kds = tapsInside(depth, od), khs = tapsInside(height, oh), kws = tapsInside(width, ow);
    for (std::int64_t kd = kds.begin; kd < kds.end; ++kd)
      for (std::int64_t kh = khs.begin; kh < khs.end; ++kh) {
        const std::int64_t d = od * depth.stride + kd * depth.dilation - depth.padBegin;
        const std::int64_t h = oh * height.stride + kh * height.dilation - height.padBegin;
        const std::int64_t w = ow * width.stride - width.padBegin;
        for (std::int64_t c = 0; c < geometry.inputChannelsPerGroup(); ++c) {
          const std::int16_t* src = x + c * geometry.inputPositions() + (d * height.input + h) * width.input + w;
          std::int16_t* dst = rows + c * taps + (kd * height.kernel + kh) * width.kernel;
          for (std::int64_t kw = kws.begin; kw < kws.end; ++kw) dst[kw] = src[kw * width.dilation];
        }
      }
  }
}

/// Outputs of one group of one picture: [channels of the group][positions].
void convolveGroup(const ConvGeometry& geometry, const std::int16_t* x, const std::int16_t* weights,
                   std::vector<std::int16_t>& rows, std::vector<std::int32_t>& block, std::int32_t* y) {
  const std::int64_t positions = geometry.outputPositions();
  const std::int64_t taps = geometry.inputChannelsPerGroup() * geometry.kernelPositions();
  const std::int64_t channels = geometry.outputChannelsPerGroup();
  // A quarter of a megabyte of windows stays in the second-level cache.
  const std::int64_t step =
      std::min(positions, std::max<std::int64_t>(16, (128 << 10) / std::max<std::int64_t>(1, taps)));
  rows.resize(static_cast<std::size_t>(step * taps));
  block.resize(static_cast<std::size_t>(step * channels));
  for (std::int64_t first = 0; first < positions; first += step) {
    const std::int64_t count = std::min(step, positions - first);
    gatherWindows(geometry, x, first, first + count, rows.data());
    multiplyCentred(channels, count, taps, weights, rows.data(), block.data());
    for (std::int64_t c = 0; c < channels; ++c) std::copy_n(block.data() + c * count, count, y + c * positions + first);
  }
}

Result<std::vector<std::int16_t>> centredWeights(const ReferenceContext& context, const Tensor& weights,
                                                 std::size_t zeroPoint, std::int64_t channels) {
  const auto zero = TANDEM_TRY(lineZeroPoints(context, zeroPoint, 1, channels));
  std::vector<std::int16_t> centred(static_cast<std::size_t>(weights.elements()));
  const std::int64_t perChannel = channels == 0 ? 0 : weights.elements() / channels;
  const bool known = visitOneOf(NarrowTypes{}, weights.type(), [&]<class Q>(TypeTag<Q>) {
    const Q* src = weights.as<Q>().data();
    std::int16_t* out = centred.data();
    for (std::int64_t m = 0; m < channels; ++m)
      for (std::int64_t i = 0; i < perChannel; ++i) *out++ = static_cast<std::int16_t>(*src++ - zero.at(0, m));
  });
  if (!known) return unsupportedType(context, weights.type());
  return centred;
}

Result<IntegerConv> integerConvOf(const ReferenceContext& context, const Tensor& x, const IntegerConvInputs& inputs) {
  const Tensor& weights = context.input(inputs.weights);
  IntegerConv conv;
  conv.geometry = TANDEM_TRY(convGeometry(context.node(), x.shape(), weights.shape()));
  const ConvGeometry& geometry = conv.geometry;
  const auto zero = TANDEM_TRY(lineZeroPoints(context, inputs.xZero, 1, 1));
  const std::vector<std::int16_t> kernel =
      TANDEM_TRY(centredWeights(context, weights, inputs.weightsZero, geometry.outputChannels));
  std::vector<std::int16_t> source(static_cast<std::size_t>(x.elements()));
  if (!centre(x, zero.at(0, 0), source.data())) return unsupportedType(context, x.type());
  TANDEM_TRY(checkSums(context, geometry.outputShape()));
  conv.sums.resize(static_cast<std::size_t>(geometry.outputShape().elements()));
  const std::int64_t groupInput = geometry.inputChannelsPerGroup() * geometry.inputPositions();
  const std::int64_t groupOutput = geometry.outputChannelsPerGroup() * geometry.outputPositions();
  const std::int64_t groupWeights =
      geometry.outputChannelsPerGroup() * geometry.inputChannelsPerGroup() * geometry.kernelPositions();
  std::vector<std::int16_t> rows;
  std::vector<std::int32_t> block;
  for (std::int64_t i = 0; i < geometry.batch * geometry.groups; ++i)
    convolveGroup(geometry, source.data() + i * groupInput, kernel.data() + i % geometry.groups * groupWeights, rows,
                  block, conv.sums.data() + i * groupOutput);
  return conv;
}

} // namespace

Result<IntegerConv> integerConv(const ReferenceContext& context, const IntegerConvInputs& inputs) {
  return integerConvOf(context, context.input(inputs.x), inputs);
}

Result<void> inferIntegerConv(InferContext& context, std::size_t x, std::size_t weights, DataType type,
                              bool channelsLast) {
  const Shape *source = context.inputShape(x), *kernel = context.inputShape(weights);
  if (!source || !kernel) return context.setOutputType(0, type), Result<void>{};
  const Shape first = channelsLast ? toChannelsFirst(*source) : *source;
  const ConvGeometry geometry = TANDEM_TRY(convGeometry(context.node(), first, *kernel));
  context.setOutput(0, type, channelsLast ? toChannelsLast(geometry.outputShape()) : geometry.outputShape());
  return {};
}

double integerConvFlops(const Graph& graph, const Node& node, std::size_t x, std::size_t weights, bool channelsLast) {
  const auto shape = [&](std::size_t i) -> const Shape& { return graph.value(node.inputs[i]).desc.shape; };
  const auto geometry = convGeometry(node, channelsLast ? toChannelsFirst(shape(x)) : shape(x), shape(weights));
  if (!geometry.ok()) return 0;
  const auto real = [](std::int64_t n) { return static_cast<double>(n); };
  return 2 * real(geometry->outputShape().elements()) * real(geometry->kernelPositions()) *
         real(geometry->inputChannelsPerGroup());
}

Result<void> qLinearConv(ReferenceContext& context, bool channelsLast) {
  const Tensor& input = context.input(0);
  if (channelsLast && input.shape().rank() < 3) return context.fail("the input has no spatial axis");
  const IntegerConv conv =
      TANDEM_TRY(integerConvOf(context, channelsLast ? toChannelsFirst(input) : input, {0, 3, 2, 5}));
  const ConvGeometry& geometry = conv.geometry;
  const std::int64_t channels = geometry.outputChannels, positions = geometry.outputPositions();
  const ScalarQuantization source = TANDEM_TRY(scalarQuantization(context, 1, 2));
  const ScalarQuantization result = TANDEM_TRY(scalarQuantization(context, 6, 7));
  const auto scales = TANDEM_TRY(lineScales(context, 4, 1, channels));
  const bool hasBias = context.hasInput(8);
  if (hasBias && (context.input(8).type() != DataType::Int32 || context.input(8).elements() != channels))
    return context.fail("the bias " + context.input(8).desc().toString() + " is not int32 with one entry for each of " +
                        std::to_string(channels) + " channels");
  Tensor y = TANDEM_TRY(makeOutput(context, 0, context.input(7).type(),
                                   channelsLast ? toChannelsLast(geometry.outputShape()) : geometry.outputShape()));
  Tensor planes = channelsLast ? Tensor::uninitialized({y.type(), geometry.outputShape()}) : y;
  const bool known = visitOneOf(NarrowTypes{}, y.type(), [&]<class Q>(TypeTag<Q>) {
    Q* out = planes.mutableAs<Q>().data();
    const std::int32_t* sums = conv.sums.data();
    for (std::int64_t plane = 0; plane < geometry.batch * channels; ++plane) {
      const std::int64_t m = plane % channels;
      const float factor = source.scale * scales.at(0, m) / result.scale;
      const std::int64_t bias = hasBias ? context.input(8).as<std::int32_t>()[static_cast<std::size_t>(m)] : 0;
      for (std::int64_t i = 0; i < positions; ++i)
        *out++ = quantizeValue<Q>(static_cast<float>(*sums++ + bias) * factor, result.zeroPoint);
    }
  });
  if (!known) return unsupportedType(context, y.type());
  if (channelsLast) {
    const Tensor turned = toChannelsLast(planes);
    std::copy_n(static_cast<const std::byte*>(turned.data()), turned.bytes(), static_cast<std::byte*>(y.mutableData()));
  }
  return {};
}

} // namespace tandem::ops
