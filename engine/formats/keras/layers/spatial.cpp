// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/keras/layers/spatial.hpp"

#include <algorithm>

namespace tandem::detail {

SpatialInput spatialInput(LayerCall& call, std::size_t axes) {
  KerasTensor& x = call.input();
  if (x.rank() != axes + 2)
    throw KerasError("the input has the shape " + shapeText(x.shape) + " in place of " + std::to_string(axes + 2) +
                     " dimensions");
  SpatialInput input;
  input.channelsLast = isChannelsLast(call.options);
  input.value = input.channelsLast ? call.b.channelsFirstOf(x) : call.b.plainOf(x);
  input.batch = x.shape[0];
  input.channels = input.channelsLast ? x.shape.back() : x.shape[1];
  const auto begin = x.shape.begin() + (input.channelsLast ? 1 : 2);
  input.positions.assign(begin, begin + static_cast<std::ptrdiff_t>(axes));
  return input;
}

TensorPtr spatialOutput(LayerCall& call, const SpatialInput& input, ValueId value, std::int64_t channels,
                        Ints positions) {
  Ints shape{input.batch};
  if (!input.channelsLast) shape.push_back(channels);
  shape.insert(shape.end(), positions.begin(), positions.end());
  if (input.channelsLast) shape.push_back(channels);
  return input.channelsLast ? call.b.channelsFirst(value, shape) : call.b.plain(value, shape);
}

Window windowOf(const Options& options, std::size_t axes, const char* kernelName) {
  Window window;
  window.kernel = options.integers(kernelName, axes);
  const bool pools = std::string_view(kernelName) == "pool_size";
  window.strides = options.has("strides") ? options.integers("strides", axes) : (pools ? window.kernel : Ints(axes, 1));
  window.dilations = options.integers("dilation_rate", axes, 1);
  window.padding = options.text("padding", "valid");
  for (const Ints* list : {&window.kernel, &window.strides, &window.dilations})
    for (const std::int64_t value : *list)
      if (value < 1 || value > 65'536) throw KerasError("a kernel, stride or dilation of " + std::to_string(value));
  if (window.padding != "valid" && window.padding != "same" && !(window.padding == "causal" && axes == 1))
    throw KerasError("the padding '" + window.padding + "' is unknown");
  return window;
}

Ints Window::outputOf(const Ints& positions) const {
  Ints output(positions.size(), -1);
  for (std::size_t i = 0; i < positions.size(); ++i) {
    if (positions[i] < 0) continue;
    const std::int64_t covered = padding == "valid" ? positions[i] - extent(i) : positions[i] - 1;
    if (covered < 0)
      throw KerasError("a kernel of " + std::to_string(extent(i)) + " does not fit an input of " +
                       std::to_string(positions[i]));
    output[i] = covered / strides[i] + 1;
  }
  return output;
}

std::optional<Ints> Window::padsFor(const Ints& positions) const {
  const std::size_t axes = positions.size();
  Ints pads(2 * axes, 0);
  for (std::size_t i = 0; i < axes; ++i) {
    if (padding == "causal") pads[i] = extent(i) - 1;
    if (padding != "same") continue;
    // The last window ends with the input (TensorFlow, "A guide to convolution arithmetic": tf.nn, notes on padding).
    std::int64_t total = extent(i) - 1;
    if (strides[i] > 1) {
      if (positions[i] < 0) return std::nullopt;
      const std::int64_t outputs = (positions[i] + strides[i] - 1) / strides[i];
      total = std::max<std::int64_t>((outputs - 1) * strides[i] + extent(i) - positions[i], 0);
    }
    pads[i] = total / 2;
    pads[axes + i] = total - total / 2;
  }
  return pads;
}

void Window::describe(Builder::AttributeList& attributes, const Ints& positions, bool withDilations) const {
  attributes.emplace_back("kernel_shape", kernel);
  attributes.emplace_back("strides", strides);
  if (withDilations) attributes.emplace_back("dilations", dilations);
  if (const auto pads = padsFor(positions))
    attributes.emplace_back("pads", *pads);
  else
    attributes.emplace_back("auto_pad", "SAME_UPPER");
}

} // namespace tandem::detail
