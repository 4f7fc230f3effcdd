// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/keras/layers/spatial.hpp"

#include <algorithm>
#include <numeric>

// Keras stores kernels as [positions..., in, out]; ONNX wants [out, in, positions...] and [in, out, positions...] for
// the transposed convolution.
namespace tandem::detail {
namespace {

/// The last axis, the one before it, then the positions.
Ints outInPositions(std::size_t axes) {
  Ints permutation{static_cast<std::int64_t>(axes) + 1, static_cast<std::int64_t>(axes)};
  for (std::size_t i = 0; i < axes; ++i) permutation.push_back(static_cast<std::int64_t>(i));
  return permutation;
}

Shape kernelShape(const Ints& positions, std::int64_t in, std::int64_t out) {
  Ints dims = positions;
  dims.push_back(in);
  dims.push_back(out);
  return Shape(dims);
}

std::int64_t knownChannels(const SpatialInput& x) {
  if (x.channels < 1) throw KerasError("the number of input channels is not known");
  return x.channels;
}

/// A positive option of a size that products of it cannot overflow.
std::int64_t countOption(const Options& options, const char* name, std::int64_t fallback) {
  const std::int64_t value = options.integer(name, fallback);
  if (value < 1 || value > (1 << 24))
    throw KerasError(std::string("the option '") + name + "' is " + std::to_string(value));
  return value;
}

ValueId convNode(LayerCall& call, std::vector<ValueId> inputs, const Window& window, const Ints& positions,
                 std::int64_t groups) {
  if (call.options.flag("use_bias", true))
    inputs.push_back(call.weight("bias", {call.b.graph().value(inputs[1]).desc.shape[0]}));
  Builder::AttributeList attributes;
  window.describe(attributes, positions, true);
  attributes.emplace_back("group", groups);
  return call.b.node("Conv", std::move(inputs), std::move(attributes));
}

Outputs finish(LayerCall& call, const SpatialInput& x, ValueId value, std::int64_t channels, Ints positions) {
  return {applyActivation(call, spatialOutput(call, x, value, channels, std::move(positions)),
                          call.options.find("activation"))};
}

template <std::size_t Axes> Outputs convolution(LayerCall& call) {
  const SpatialInput x = spatialInput(call, Axes);
  const Window window = windowOf(call.options, Axes, "kernel_size");
  const std::int64_t filters = countOption(call.options, "filters", 0), groups = countOption(call.options, "groups", 1);
  const std::int64_t channels = knownChannels(x);
  if (channels % groups || filters % groups)
    throw KerasError(std::to_string(channels) + " channels and " + std::to_string(filters) +
                     " filters do not divide into " + std::to_string(groups) + " groups");
  const ValueId kernel = call.weight("kernel", kernelShape(window.kernel, channels / groups, filters),
                                     [](Tensor t) { return permuted(t, outInPositions(Axes)); });
  const ValueId value = convNode(call, {x.value, kernel}, window, x.positions, groups);
  return finish(call, x, value, filters, window.outputOf(x.positions));
}

/// [positions..., channels, multiplier] to [channels * multiplier, 1, positions...].
Tensor depthwiseKernel(const Tensor& tensor, std::size_t axes) {
  Ints permutation{static_cast<std::int64_t>(axes), static_cast<std::int64_t>(axes) + 1};
  for (std::size_t i = 0; i < axes; ++i) permutation.push_back(static_cast<std::int64_t>(i));
  const Tensor moved = permuted(tensor, permutation);
  Ints dims{moved.shape()[0] * moved.shape()[1], 1};
  dims.insert(dims.end(), moved.shape().begin() + 2, moved.shape().end());
  return moved.reshaped(Shape(dims));
}

template <std::size_t Axes> Outputs depthwise(LayerCall& call) {
  const SpatialInput x = spatialInput(call, Axes);
  const Window window = windowOf(call.options, Axes, "kernel_size");
  const std::int64_t multiplier = countOption(call.options, "depth_multiplier", 1), channels = knownChannels(x);
  // Keras 2 calls it depthwise_kernel, Keras 3 kernel.
  const ValueId kernel = call.weight("kernel", kernelShape(window.kernel, channels, multiplier),
                                     [](const Tensor& t) { return depthwiseKernel(t, Axes); });
  const ValueId value = convNode(call, {x.value, kernel}, window, x.positions, channels);
  return finish(call, x, value, channels * multiplier, window.outputOf(x.positions));
}

template <std::size_t Axes> Outputs separable(LayerCall& call) {
  const SpatialInput x = spatialInput(call, Axes);
  const Window window = windowOf(call.options, Axes, "kernel_size");
  const std::int64_t multiplier = countOption(call.options, "depth_multiplier", 1), channels = knownChannels(x);
  const std::int64_t filters = countOption(call.options, "filters", 0);
  const ValueId depth = call.weight("depthwise_kernel", kernelShape(window.kernel, channels, multiplier),
                                    [](const Tensor& t) { return depthwiseKernel(t, Axes); });
  const ValueId point = call.weight("pointwise_kernel", kernelShape(Ints(Axes, 1), channels * multiplier, filters),
                                    [](const Tensor& t) { return permuted(t, outInPositions(Axes)); });
  Builder::AttributeList attributes;
  window.describe(attributes, x.positions, true);
  attributes.emplace_back("group", channels);
  const ValueId first = call.b.node("Conv", {x.value, depth}, std::move(attributes));
  const Ints positions = window.outputOf(x.positions);
  const Window one{Ints(Axes, 1), Ints(Axes, 1), Ints(Axes, 1), "valid"};
  return finish(call, x, convNode(call, {first, point}, one, positions, 1), filters, positions);
}

/// Extents and pads of a transposed convolution as Keras defines them (keras/src/layers/convolutional/
/// base_conv_transpose.py and backend/common/backend_utils.py): TensorFlow's gradient of a convolution whose padding
/// is "SAME" or "VALID" and whose input has the extents of our output.
struct TransposedGeometry {
  Ints pads;
  Ints outputPadding;
  Ints output;
};

TransposedGeometry transposedGeometry(const Window& window, const std::optional<Ints>& given, const Ints& positions) {
  const std::size_t axes = positions.size();
  TransposedGeometry geometry{Ints(2 * axes, 0), Ints(axes, 0), Ints(axes, -1)};
  for (std::size_t i = 0; i < axes; ++i) {
    const std::int64_t extent = window.extent(i), stride = window.strides[i];
    const bool same = window.padding == "same";
    // What the result has more or less than (n - 1) * stride, for an input of n positions.
    std::int64_t rest = same ? stride : std::max(extent, stride);
    if (given) rest = extent - (same ? 2 * (extent / 2) : 0) + (*given)[i];
    const std::int64_t cut = extent - rest;
    if (cut >= 0) {
      geometry.pads[i] = same ? cut / 2 : 0;
      geometry.pads[axes + i] = cut - geometry.pads[i];
    } else {
      geometry.outputPadding[i] = -cut;
    }
    if (positions[i] >= 0) geometry.output[i] = (positions[i] - 1) * stride + rest;
  }
  return geometry;
}

template <std::size_t Axes> Outputs transposed(LayerCall& call) {
  const SpatialInput x = spatialInput(call, Axes);
  const Window window = windowOf(call.options, Axes, "kernel_size");
  if (window.padding == "causal") throw KerasError("the padding 'causal' is not supported");
  const std::int64_t filters = countOption(call.options, "filters", 0), channels = knownChannels(x);
  // Stored as [positions..., out, in].
  const ValueId kernel = call.weight("kernel", kernelShape(window.kernel, filters, channels),
                                     [](const Tensor& t) { return permuted(t, outInPositions(Axes)); });
  std::optional<Ints> given;
  if (call.options.has("output_padding")) given = call.options.integers("output_padding", Axes);
  const TransposedGeometry geometry = transposedGeometry(window, given, x.positions);
  std::vector<ValueId> inputs{x.value, kernel};
  if (call.options.flag("use_bias", true)) inputs.push_back(call.weight("bias", {filters}));
  const ValueId value = call.b.node("ConvTranspose", inputs,
                                    {{"kernel_shape", window.kernel},
                                     {"strides", window.strides},
                                     {"dilations", window.dilations},
                                     {"pads", geometry.pads},
                                     {"output_padding", geometry.outputPadding}});
  return finish(call, x, value, filters, geometry.output);
}

constexpr LayerDef kLayers[] = {
    {"Conv1D", convolution<1>},         {"Conv2D", convolution<2>},         {"Conv3D", convolution<3>},
    {"DepthwiseConv1D", depthwise<1>},  {"DepthwiseConv2D", depthwise<2>},  {"SeparableConv1D", separable<1>},
    {"SeparableConv2D", separable<2>},  {"Conv1DTranspose", transposed<1>}, {"Conv2DTranspose", transposed<2>},
    {"Conv3DTranspose", transposed<3>},
};

} // namespace

std::span<const LayerDef> convolutionLayers() { return kLayers; }

} // namespace tandem::detail
