// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/keras/layers/spatial.hpp"

namespace tandem::detail {
namespace {

template <std::size_t Axes> Outputs pool(LayerCall& call, const char* type) {
  const SpatialInput x = spatialInput(call, Axes);
  const Window window = windowOf(call.options, Axes, "pool_size");
  Builder::AttributeList attributes;
  window.describe(attributes, x.positions, false);
  // Averages leave the padding out, maxima ignore it: ONNX's defaults.
  const ValueId value = call.b.node(type, {x.value}, std::move(attributes));
  return {spatialOutput(call, x, value, x.channels, window.outputOf(x.positions))};
}

template <std::size_t Axes> Outputs maxPool(LayerCall& call) { return pool<Axes>(call, "MaxPool"); }
template <std::size_t Axes> Outputs averagePool(LayerCall& call) { return pool<Axes>(call, "AveragePool"); }

/// The mean of the steps that count.
Outputs maskedAverage(LayerCall& call, KerasTensor& x, bool keep) {
  Builder& b = call.b;
  const ValueId counts = b.unsqueeze(b.cast(b.plainOf(*x.mask), DataType::Float32), {2}); // [N, T, 1]
  const auto sum = [&](ValueId value) {
    return b.node("ReduceSum", {value, b.ints({1})}, {{"keepdims", keep ? 1 : 0}});
  };
  const ValueId total = sum(b.node("Mul", {b.plainOf(x), counts}));
  Ints shape{x.shape[0], x.shape[2]};
  if (keep) shape.insert(shape.begin() + 1, 1);
  return {b.plain(b.node("Div", {total, sum(counts)}), shape)};
}

template <std::size_t Axes> Outputs globalPool(LayerCall& call, const char* pooling, const char* reduction) {
  KerasTensor& x = call.input();
  Builder& b = call.b;
  if (x.rank() != Axes + 2) throw KerasError("the input has the shape " + shapeText(x.shape));
  const bool last = isChannelsLast(call.options), keep = call.options.flag("keepdims", false);
  if (Axes == 1 && last && x.mask && std::string_view(reduction) == "ReduceMean") return maskedAverage(call, x, keep);
  const std::int64_t channels = last ? x.shape.back() : x.shape[1];
  if (last && !x.isChannelsFirst()) {
    Ints axes;
    for (std::size_t i = 0; i < Axes; ++i) axes.push_back(static_cast<std::int64_t>(i) + 1);
    const ValueId value = b.node(reduction, {b.plainOf(x), b.ints(axes)}, {{"keepdims", keep ? 1 : 0}});
    Ints shape{x.shape[0], channels};
    if (keep) shape.insert(shape.begin() + 1, Axes, 1);
    return {b.plain(value, shape)};
  }
  const SpatialInput input = spatialInput(call, Axes);
  const ValueId value = b.node(pooling, {input.value});
  if (keep) return {spatialOutput(call, input, value, channels, Ints(Axes, 1))};
  return {b.plain(b.node("Flatten", {value}, {{"axis", 1}}), {x.shape[0], channels})};
}

template <std::size_t Axes> Outputs globalAverage(LayerCall& call) {
  return globalPool<Axes>(call, "GlobalAveragePool", "ReduceMean");
}
template <std::size_t Axes> Outputs globalMax(LayerCall& call) {
  return globalPool<Axes>(call, "GlobalMaxPool", "ReduceMax");
}

constexpr LayerDef kLayers[] = {
    {"MaxPooling1D", maxPool<1>},
    {"MaxPooling2D", maxPool<2>},
    {"MaxPooling3D", maxPool<3>},
    {"AveragePooling1D", averagePool<1>},
    {"AveragePooling2D", averagePool<2>},
    {"AveragePooling3D", averagePool<3>},
    {"GlobalAveragePooling1D", globalAverage<1>},
    {"GlobalAveragePooling2D", globalAverage<2>},
    {"GlobalAveragePooling3D", globalAverage<3>},
    {"GlobalMaxPooling1D", globalMax<1>},
    {"GlobalMaxPooling2D", globalMax<2>},
    {"GlobalMaxPooling3D", globalMax<3>},
    {"MaxPool1D", maxPool<1>},
    {"MaxPool2D", maxPool<2>},
    {"MaxPool3D", maxPool<3>},
    {"AvgPool1D", averagePool<1>},
    {"AvgPool2D", averagePool<2>},
    {"AvgPool3D", averagePool<3>},
    {"GlobalMaxPool1D", globalMax<1>},
    {"GlobalMaxPool2D", globalMax<2>},
    {"GlobalMaxPool3D", globalMax<3>},
};

} // namespace

std::span<const LayerDef> poolingLayers() { return kLayers; }

} // namespace tandem::detail
