// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/keras/layers/spatial.hpp"

namespace tandem::detail {
namespace {

using Attributes = Builder::AttributeList;

/// How TensorFlow 2 resizes (half-pixel centres, no antialiasing), in ONNX's words.
Attributes resizeAttributes(const std::string& interpolation) {
  if (interpolation == "nearest")
    return {
        {"mode", "nearest"}, {"coordinate_transformation_mode", "half_pixel"}, {"nearest_mode", "round_prefer_ceil"}};
  if (interpolation == "bilinear") return {{"mode", "linear"}, {"coordinate_transformation_mode", "half_pixel"}};
  // Keys' kernel with a = -0.5, the weights of missing neighbours given to the others.
  if (interpolation == "bicubic")
    return {{"mode", "cubic"},
            {"coordinate_transformation_mode", "half_pixel"},
            {"cubic_coeff_a", -0.5},
            {"exclude_outside", 1}};
  throw KerasError("the interpolation '" + interpolation + "' is not supported");
}

ValueId scalesFor(Builder& b, const Ints& factors) {
  std::string name = "scales";
  std::vector<float> scales{1, 1};
  for (const std::int64_t factor : factors) {
    scales.push_back(static_cast<float>(factor));
    name += "_" + std::to_string(factor);
  }
  return b.weight(name, [&] {
    return Tensor::of<float>(Shape{static_cast<std::int64_t>(scales.size())}, std::span<const float>(scales));
  });
}

template <std::size_t Axes> Outputs upSampling(LayerCall& call) {
  const SpatialInput x = spatialInput(call, Axes);
  const Ints factors = call.options.integers("size", Axes, 2);
  Ints positions = x.positions;
  for (std::size_t i = 0; i < Axes; ++i) {
    if (factors[i] < 1 || factors[i] > 4096)
      throw KerasError("the size " + std::to_string(factors[i]) + " is out of range");
    if (positions[i] >= 0) positions[i] *= factors[i];
  }
  const std::string interpolation = call.options.text("interpolation", "nearest");
  // Whole factors repeat every element.
  const Attributes attributes =
      interpolation == "nearest"
          ? Attributes{{"mode", "nearest"}, {"coordinate_transformation_mode", "asymmetric"}, {"nearest_mode", "floor"}}
          : resizeAttributes(interpolation);
  const ValueId value = call.b.node("Resize", {x.value, {}, scalesFor(call.b, factors)}, attributes);
  return {spatialOutput(call, x, value, x.channels, positions)};
}

Ints targetOf(const Options& options, const char* height, const char* width) {
  const Ints target{options.integer(height), options.integer(width)};
  for (const std::int64_t extent : target)
    if (extent < 1 || extent > 65'536) throw KerasError("the size " + std::to_string(extent) + " is out of range");
  return target;
}

Outputs resizing(LayerCall& call) {
  if (call.options.flag("crop_to_aspect_ratio", false) || call.options.flag("pad_to_aspect_ratio", false) ||
      call.options.flag("antialias", false))
    throw KerasError("keeping the aspect ratio and antialiasing are not supported");
  const SpatialInput x = spatialInput(call, 2);
  const Ints target = targetOf(call.options, "height", "width");
  Builder& b = call.b;
  const ValueId head = b.node("Shape", {x.value}, {{"start", 0}, {"end", 2}});
  const ValueId sizes = b.concat({head, b.ints(target)}, 0);
  const ValueId value =
      b.node("Resize", {x.value, {}, {}, sizes}, resizeAttributes(call.options.text("interpolation", "bilinear")));
  return {spatialOutput(call, x, value, x.channels, target)};
}

Outputs centerCrop(LayerCall& call) {
  const SpatialInput x = spatialInput(call, 2);
  const Ints target = targetOf(call.options, "height", "width");
  Ints begins, ends;
  for (std::size_t i = 0; i < 2; ++i) {
    if (x.positions[i] < 0) throw KerasError("the size of the input is not known");
    if (x.positions[i] < target[i]) throw KerasError("an input smaller than the crop is not supported");
    begins.push_back((x.positions[i] - target[i]) / 2);
    ends.push_back(begins.back() + target[i]);
  }
  Builder& b = call.b;
  const ValueId value = b.node("Slice", {x.value, b.ints(begins), b.ints(ends), b.ints({2, 3})});
  return {spatialOutput(call, x, value, x.channels, target)};
}

constexpr LayerDef kLayers[] = {
    {"UpSampling1D", upSampling<1>}, {"UpSampling2D", upSampling<2>}, {"UpSampling3D", upSampling<3>},
    {"Resizing", resizing},          {"CenterCrop", centerCrop},
};

} // namespace

std::span<const LayerDef> imageLayers() { return kLayers; }

} // namespace tandem::detail
