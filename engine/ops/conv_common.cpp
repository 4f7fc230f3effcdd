// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/conv_common.hpp"

#include "engine/ops/matrix.hpp"

#include <algorithm>

namespace tandem::ops {
namespace {

std::int64_t product(const WindowAxes& axes, std::int64_t WindowAxis::*member) {
  std::int64_t result = 1;
  for (const WindowAxis& axis : axes) result *= axis.*member;
  return result;
}

/// Checks ranks, group and channels; `channelAxis` of the weights is the one that every group shares the input by.
Result<ConvGeometry> channelGeometry(const Node& node, const Shape& x, const Shape& weights, bool transposed) {
  ConvGeometry geometry;
  if (x.rank() < 3 || x.rank() > 2 + kWindowAxes)
    return nodeError(node, "the input has shape " + x.toString() + "; 1, 2 or 3 spatial axes are supported");
  if (weights.rank() != x.rank())
    return nodeError(node, "weights " + weights.toString() + " do not go with the input " + x.toString());
  geometry.spatialRank = x.rank() - 2;
  geometry.batch = x[0];
  geometry.groups = node.attributes.getInt("group", 1);
  if (geometry.groups < 1 || geometry.groups > kMaxWindowExtent)
    return nodeError(node, "group is " + std::to_string(geometry.groups));
  const std::int64_t perGroup = weights[1];
  if (perGroup > kMaxWindowExtent) return nodeError(node, "weights " + weights.toString() + " are too large");
  const std::int64_t total = perGroup == kUnknownDim ? kUnknownDim : perGroup * geometry.groups;
  geometry.inputChannels = transposed ? weights[0] : total;
  geometry.outputChannels = transposed ? total : weights[0];
  if (geometry.inputChannels == kUnknownDim) geometry.inputChannels = x[1];
  if (x[1] != kUnknownDim && x[1] != geometry.inputChannels)
    return nodeError(node, "the input has " + std::to_string(x[1]) + " channels, the weights " + weights.toString() +
                               " with group " + std::to_string(geometry.groups) + " take " +
                               std::to_string(geometry.inputChannels));
  const std::int64_t divided = transposed ? geometry.inputChannels : geometry.outputChannels;
  if (divided != kUnknownDim && divided % geometry.groups != 0)
    return nodeError(node, std::to_string(divided) + " channels do not divide into " + std::to_string(geometry.groups) +
                               " groups");
  return geometry;
}

Result<WindowAttributes> convAttributes(const Node& node, const Shape& x, const Shape& weights) {
  std::vector<std::int64_t> kernel(weights.begin() + 2, weights.end());
  WindowAttributes window = TANDEM_TRY(windowAttributes(node, x.rank() - 2, kernel));
  for (std::size_t i = 0; i < kernel.size(); ++i) {
    if (kernel[i] == kUnknownDim) continue;
    if (kernel[i] < 1 || kernel[i] > kMaxWindowExtent || kernel[i] != window.kernel[i])
      return nodeError(node, "kernel_shape does not go with the weights " + weights.toString());
  }
  return window;
}

/// The axis of `geometry.axes` that spatial axis i of the tensors uses, with the sizes that are plain attributes.
WindowAxis& setAxis(ConvGeometry& geometry, const WindowAttributes& window, const Shape& x, std::size_t i) {
  WindowAxis& axis = geometry.axes[kWindowAxes - geometry.spatialRank + i];
  axis.input = x[2 + i];
  axis.kernel = window.kernel[i];
  axis.stride = window.strides[i];
  axis.dilation = window.dilations[i];
  return axis;
}

/// Pads and output of a transposed axis: ONNX ConvTranspose, "total_padding[i] = stride[i] * (input_size[i] - 1) +
/// output_padding[i] + ((kernel_shape[i] - 1) * dilations[i] + 1) - output_shape[i]".
Result<void> placeTransposed(const Node& node, WindowAxis& axis, const WindowAttributes& window, std::size_t i,
                             std::int64_t outputPadding, std::int64_t wanted) {
  axis.padBegin = window.autoPad == AutoPad::NotSet ? window.padsBegin[i] : 0;
  axis.padEnd = window.autoPad == AutoPad::NotSet ? window.padsEnd[i] : 0;
  axis.output = wanted > 0 ? wanted : kUnknownDim;
  if (axis.input == kUnknownDim || axis.kernel == kUnknownDim) return {};
  if (axis.input < 1 || axis.input > kMaxWindowExtent)
    return nodeError(node, "an input extent is " + std::to_string(axis.input));
  const bool same = window.autoPad == AutoPad::SameUpper || window.autoPad == AutoPad::SameLower;
  if (wanted <= 0 && same) wanted = axis.input * axis.stride;
  const std::int64_t natural = axis.stride * (axis.input - 1) + outputPadding + axis.span();
  if (wanted > 0) {
    const std::int64_t total = std::max<std::int64_t>(0, natural - wanted);
    axis.padBegin = window.autoPad == AutoPad::SameUpper ? total / 2 : total - total / 2;
    axis.padEnd = total - axis.padBegin;
    axis.output = wanted;
  } else {
    axis.output = natural - axis.padBegin - axis.padEnd;
  }
  if (axis.output < 1 || axis.output > kMaxWindowExtent)
    return nodeError(node, "the output would have the extent " + std::to_string(axis.output));
  return {};
}

/// Copies what tap (kd, kh, kw) of one input channel contributes to the outputs [first, last) into `column`.
template <class C>
void gatherTap(const ConvGeometry& geometry, const C* channel, const std::array<std::int64_t, 3>& tap,
               std::int64_t first, std::int64_t last, C* column) {
  const auto& [depth, height, width] = geometry.axes;
  const IndexRange inside = outputsOfTap(width, tap[2]);
  const std::int64_t shift = tap[2] * width.dilation - width.padBegin;
  for (std::int64_t p = first; p < last;) {
    const std::int64_t row = p / width.output;
    const std::int64_t begin = p % width.output;
    const std::int64_t end = std::min(width.output, begin + (last - p));
    const std::int64_t d = (row / height.output) * depth.stride + tap[0] * depth.dilation - depth.padBegin;
    const std::int64_t h = (row % height.output) * height.stride + tap[1] * height.dilation - height.padBegin;
    const bool outside = d < 0 || d >= depth.input || h < 0 || h >= height.input;
    const std::int64_t from = outside ? end : std::clamp(inside.begin, begin, end);
    const std::int64_t to = outside ? end : std::clamp(inside.end, from, end);
    C* dst = column + (p - first) - begin;
    const C* src = channel + (outside ? 0 : (d * height.input + h) * width.input);
    std::fill(dst + begin, dst + from, C(0));
    if (width.stride == 1)
      std::copy(src + from + shift, src + to + shift, dst + from);
    else
      for (std::int64_t o = from; o < to; ++o) dst[o] = src[o * width.stride + shift];
    std::fill(dst + to, dst + end, C(0));
    p += end - begin;
  }
}

template <class C>
void gatherColumns(const ConvGeometry& geometry, const C* x, std::int64_t first, std::int64_t last, C* columns) {
  const auto& [depth, height, width] = geometry.axes;
  for (std::int64_t c = 0; c < geometry.inputChannelsPerGroup(); ++c) {
    const C* channel = x + c * geometry.inputPositions();
    for (std::int64_t kd = 0; kd < depth.kernel; ++kd)
      for (std::int64_t kh = 0; kh < height.kernel; ++kh)
        for (std::int64_t kw = 0; kw < width.kernel; ++kw) {
          gatherTap(geometry, channel, {kd, kh, kw}, first, last, columns);
          columns += last - first;
        }
  }
}

} // namespace

std::int64_t ConvGeometry::inputPositions() const { return product(axes, &WindowAxis::input); }
std::int64_t ConvGeometry::outputPositions() const { return product(axes, &WindowAxis::output); }
std::int64_t ConvGeometry::kernelPositions() const { return product(axes, &WindowAxis::kernel); }

bool ConvGeometry::isPointwise() const {
  return std::all_of(axes.begin(), axes.end(), [](const WindowAxis& axis) {
    return axis.kernel == 1 && axis.stride == 1 && axis.padBegin == 0 && axis.padEnd == 0;
  });
}

Shape ConvGeometry::outputShape() const {
  std::vector<std::int64_t> dims{batch, outputChannels};
  for (std::size_t i = kWindowAxes - spatialRank; i < kWindowAxes; ++i) dims.push_back(axes[i].output);
  return Shape(std::move(dims));
}

Result<ConvGeometry> convGeometry(const Node& node, const Shape& x, const Shape& weights) {
  ConvGeometry geometry = TANDEM_TRY(channelGeometry(node, x, weights, false));
  const WindowAttributes window = TANDEM_TRY(convAttributes(node, x, weights));
  for (std::size_t i = 0; i < geometry.spatialRank; ++i) {
    WindowAxis& axis = setAxis(geometry, window, x, i);
    TANDEM_TRY(placeWindow(node, axis, window.autoPad, window.padsBegin[i], window.padsEnd[i], false));
  }
  TANDEM_TRY(checkAddressable(node, geometry.outputShape()));
  return geometry;
}

Result<ConvGeometry> convTransposeGeometry(const Node& node, const Shape& x, const Shape& weights) {
  ConvGeometry geometry = TANDEM_TRY(channelGeometry(node, x, weights, true));
  const WindowAttributes window = TANDEM_TRY(convAttributes(node, x, weights));
  std::vector<std::int64_t> extra = node.attributes.getInts("output_padding");
  std::vector<std::int64_t> wanted = node.attributes.getInts("output_shape");
  if (extra.empty()) extra.assign(geometry.spatialRank, 0);
  // Some exporters write the whole output shape, batch and channels included.
  if (wanted.size() == x.rank()) wanted.erase(wanted.begin(), wanted.begin() + 2);
  if (wanted.empty()) wanted.assign(geometry.spatialRank, 0);
  if (extra.size() != geometry.spatialRank || wanted.size() != geometry.spatialRank)
    return nodeError(node, "output_padding or output_shape does not have one entry per spatial axis");
  for (std::size_t i = 0; i < geometry.spatialRank; ++i) {
    if (extra[i] < 0 || extra[i] > kMaxWindowExtent || wanted[i] < 0 || wanted[i] > kMaxWindowExtent)
      return nodeError(node, "output_padding or output_shape is out of range");
    WindowAxis& axis = setAxis(geometry, window, x, i);
    TANDEM_TRY(placeTransposed(node, axis, window, i, extra[i], wanted[i]));
  }
  TANDEM_TRY(checkAddressable(node, geometry.outputShape()));
  return geometry;
}

Result<void> inferConv(InferContext& context) {
  const DataType type = context.inputType(0);
  const Shape* x = context.inputShape(0);
  const Shape* weights = context.inputShape(1);
  if (!x || !weights) return context.setOutputType(0, type), Result<void>{};
  const bool transposed = context.node().type == "ConvTranspose";
  const ConvGeometry geometry = TANDEM_TRY(transposed ? convTransposeGeometry(context.node(), *x, *weights)
                                                      : convGeometry(context.node(), *x, *weights));
  if (const Shape* bias = context.inputShape(2); bias && geometry.outputChannels != kUnknownDim) {
    const bool fits = bias->rank() == 1 && ((*bias)[0] == kUnknownDim || (*bias)[0] == geometry.outputChannels);
    if (!fits)
      return context.fail("the bias " + bias->toString() + " does not have one entry for each of the " +
                          std::to_string(geometry.outputChannels) + " output channels");
  }
  context.setOutput(0, type, geometry.outputShape());
  return {};
}

double convFlops(const Graph& graph, const Node& node) {
  const Shape& x = graph.value(node.inputs[0]).desc.shape;
  const Shape& weights = graph.value(node.inputs[1]).desc.shape;
  const bool transposed = node.type == "ConvTranspose";
  auto geometry = transposed ? convTransposeGeometry(node, x, weights) : convGeometry(node, x, weights);
  if (!geometry.ok()) return 0;
  const auto real = [](std::int64_t n) { return static_cast<double>(n); };
  const double outputs = real(geometry->batch) * real(geometry->outputChannels) * real(geometry->outputPositions());
  const double windows =
      real(geometry->batch) * real(transposed ? geometry->inputPositions() * geometry->inputChannels
                                              : geometry->outputPositions() * geometry->outputChannels);
  const double perWindow = 2.0 * real(geometry->kernelPositions()) *
                           real(transposed ? geometry->outputChannelsPerGroup() : geometry->inputChannelsPerGroup());
  const bool hasBias = node.inputs.size() > 2 && node.inputs[2].valid();
  return windows * perWindow + (hasBias ? outputs : 0);
}

template <class C> void convolve(const ConvGeometry& geometry, const C* x, const C* weights, const C* bias, C* y) {
  const std::int64_t positions = geometry.outputPositions();
  const std::int64_t taps = geometry.inputChannelsPerGroup() * geometry.kernelPositions();
  const std::int64_t perGroup = geometry.outputChannelsPerGroup();
  // 128 Ki elements of columns stay in the second-level cache; at least 64 wide so that the inner loop has some length.
  const std::int64_t block =
      std::min(positions, std::max<std::int64_t>(64, (128 << 10) / std::max<std::int64_t>(1, taps)));
  std::vector<C> columns(static_cast<std::size_t>(taps * block));
  for (std::int64_t n = 0; n < geometry.batch; ++n)
    for (std::int64_t g = 0; g < geometry.groups; ++g) {
      const C* source = x + (n * geometry.groups + g) * geometry.inputChannelsPerGroup() * geometry.inputPositions();
      C* target = y + (n * geometry.groups + g) * perGroup * positions;
      for (std::int64_t m = 0; m < perGroup; ++m)
        std::fill_n(target + m * positions, positions, bias ? bias[g * perGroup + m] : C(0));
      for (std::int64_t first = 0; first < positions; first += block) {
        const std::int64_t last = std::min(positions, first + block);
        gatherColumns(geometry, source, first, last, columns.data());
        addProduct(perGroup, last - first, taps, weights + g * perGroup * taps, taps, columns.data(), last - first,
                   target + first, positions);
      }
    }
}
template void convolve<float>(const ConvGeometry&, const float*, const float*, const float*, float*);
template void convolve<double>(const ConvGeometry&, const double*, const double*, const double*, double*);

} // namespace tandem::ops
