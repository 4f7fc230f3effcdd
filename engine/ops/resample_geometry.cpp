// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/resample.hpp"
#include "engine/ops/window.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::ops {
namespace {

template <class Value> struct Named {
  std::string_view name;
  Value value;
};
constexpr Named<ResampleMode> kModes[] = {{"nearest", ResampleMode::Nearest},
                                          {"linear", ResampleMode::Linear},
                                          {"bilinear", ResampleMode::Linear}, // Upsample-1
                                          {"cubic", ResampleMode::Cubic}};
constexpr Named<CoordinateMode> kCoordinates[] = {{"half_pixel", CoordinateMode::HalfPixel},
                                                  {"half_pixel_symmetric", CoordinateMode::HalfPixelSymmetric},
                                                  {"pytorch_half_pixel", CoordinateMode::PytorchHalfPixel},
                                                  {"align_corners", CoordinateMode::AlignCorners},
                                                  {"asymmetric", CoordinateMode::Asymmetric},
                                                  {"tf_half_pixel_for_nn", CoordinateMode::TfHalfPixelForNn},
                                                  {"tf_crop_and_resize", CoordinateMode::TfCropAndResize}};
constexpr Named<NearestMode> kNearest[] = {{"round_prefer_floor", NearestMode::RoundPreferFloor},
                                           {"round_prefer_ceil", NearestMode::RoundPreferCeil},
                                           {"floor", NearestMode::Floor},
                                           {"ceil", NearestMode::Ceil}};

template <class Value, std::size_t N>
Result<Value> lookUp(const Node& node, std::string_view attribute, std::string_view fallback,
                     const Named<Value> (&table)[N]) {
  const std::string_view name = node.attributes.getString(attribute, fallback);
  for (const Named<Value>& entry : table)
    if (entry.name == name) return entry.value;
  return nodeError(node, std::string(attribute) + " '" + std::string(name) + "' is not known");
}

Result<void> setScale(const Node& node, ResampleAxis& axis, double scale) {
  // The extent is rounded down in single precision, in which scales are given: 10 * 0.7f is 7 then, not 6.999.
  const float extent = std::floor(static_cast<float>(axis.input) * static_cast<float>(scale));
  if (!(scale > 0) || !(extent <= static_cast<float>(kMaxWindowExtent)))
    return nodeError(node, "scale " + std::to_string(scale) + " is out of range");
  axis.scale = scale;
  axis.output = static_cast<std::int64_t>(extent);
  return {};
}

Result<void> setSizes(const Node& node, ResampleGeometry& geometry, const std::vector<std::size_t>& axes,
                      const std::vector<std::int64_t>& sizes) {
  const std::string_view policy = node.attributes.getString("keep_aspect_ratio_policy", "stretch");
  if (policy != "stretch" && policy != "not_larger" && policy != "not_smaller")
    return nodeError(node, "keep_aspect_ratio_policy '" + std::string(policy) + "' is not known");
  std::optional<double> common;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    ResampleAxis& axis = geometry.axes[axes[i]];
    if (sizes[i] < 0 || sizes[i] > kMaxWindowExtent || (axis.input == 0 && sizes[i] > 0))
      return nodeError(node, "size " + std::to_string(sizes[i]) + " cannot be made from " + std::to_string(axis.input));
    axis.output = sizes[i];
    axis.scale = axis.input == 0 ? 1.0 : static_cast<double>(sizes[i]) / static_cast<double>(axis.input);
    common = !common                  ? axis.scale
             : policy == "not_larger" ? std::min(*common, axis.scale)
                                      : std::max(*common, axis.scale);
  }
  if (policy == "stretch") return {};
  for (std::size_t i : axes) {
    ResampleAxis& axis = geometry.axes[i];
    axis.scale = *common;
    const double extent = std::floor(*common * static_cast<double>(axis.input) + 0.5);
    if (extent > static_cast<double>(kMaxWindowExtent)) return nodeError(node, "the result is too large");
    axis.output = static_cast<std::int64_t>(extent);
  }
  return {};
}

Result<std::vector<std::size_t>> resizedAxes(const Node& node, std::size_t rank) {
  std::vector<std::size_t> axes;
  const std::vector<std::int64_t> given = node.attributes.getInts("axes");
  if (given.empty() || node.version < 18) {
    for (std::size_t i = 0; i < rank; ++i) axes.push_back(i);
    return axes;
  }
  for (std::int64_t axis : given) {
    const auto index = normalizeAxis(axis, rank);
    if (!index || std::find(axes.begin(), axes.end(), *index) != axes.end())
      return nodeError(node, "axes holds " + std::to_string(axis));
    axes.push_back(*index);
  }
  return axes;
}

std::vector<double> toDoubles(const Tensor& tensor) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < tensor.elements(); ++i) values.push_back(tensor.asDouble(i));
  return values;
}

ResampleGeometry unscaled(const Shape& x) {
  ResampleGeometry geometry;
  for (std::int64_t extent : x) geometry.axes.push_back({extent, extent, 1, 0, 1});
  return geometry;
}

Result<void> readModes(const Node& node, ResampleGeometry& geometry) {
  geometry.mode = TANDEM_TRY(lookUp(node, "mode", "nearest", kModes));
  if (node.version < 11) {
    geometry.coordinates = CoordinateMode::Asymmetric;
    geometry.nearest = NearestMode::FloorUpCeilDown;
    return {};
  }
  geometry.coordinates = TANDEM_TRY(lookUp(node, "coordinate_transformation_mode", "half_pixel", kCoordinates));
  geometry.nearest = TANDEM_TRY(lookUp(node, "nearest_mode", "round_prefer_floor", kNearest));
  geometry.cubicA = static_cast<double>(node.attributes.getFloat("cubic_coeff_a", -0.75f));
  geometry.excludeOutside = node.attributes.getInt("exclude_outside", 0) != 0;
  geometry.antialias = node.version >= 18 && node.attributes.getInt("antialias", 0) != 0;
  geometry.extrapolation = static_cast<double>(node.attributes.getFloat("extrapolation_value", 0.0f));
  return {};
}

} // namespace

Shape ResampleGeometry::outputShape() const {
  std::vector<std::int64_t> dims;
  for (const ResampleAxis& axis : axes) dims.push_back(axis.output);
  return Shape(std::move(dims));
}

Result<ResampleGeometry> resizeGeometry(const Node& node, const Shape& x, const ResampleOperands& operands) {
  ResampleGeometry geometry = unscaled(x);
  TANDEM_TRY(readModes(node, geometry));
  const std::vector<std::size_t> axes = TANDEM_TRY(resizedAxes(node, x.rank()));
  for (const ResampleAxis& axis : geometry.axes)
    if (axis.input > kMaxWindowExtent) return nodeError(node, "the input " + x.toString() + " is too large");
  const bool hasSizes = operands.sizes && operands.sizes->elements() > 0;
  const bool hasScales = operands.scales && operands.scales->elements() > 0;
  if (!hasSizes && !hasScales) return nodeError(node, "neither scales nor sizes are given");
  const Tensor& steering = hasSizes ? *operands.sizes : *operands.scales;
  if (steering.elements() != static_cast<std::int64_t>(axes.size()))
    return nodeError(node, std::string(hasSizes ? "sizes" : "scales") + " does not have one entry for each of " +
                               std::to_string(axes.size()) + " axes");
  if (hasSizes) {
    TANDEM_TRY(setSizes(node, geometry, axes, steering.toInts()));
  } else {
    const std::vector<double> scales = toDoubles(steering);
    for (std::size_t i = 0; i < axes.size(); ++i) TANDEM_TRY(setScale(node, geometry.axes[axes[i]], scales[i]));
  }
  if (geometry.coordinates == CoordinateMode::TfCropAndResize) {
    if (!operands.roi || operands.roi->elements() != 2 * static_cast<std::int64_t>(axes.size()))
      return nodeError(node, "tf_crop_and_resize needs two entries of roi per axis");
    const std::vector<double> roi = toDoubles(*operands.roi);
    for (std::size_t i = 0; i < axes.size(); ++i) {
      geometry.axes[axes[i]].roiBegin = roi[i];
      geometry.axes[axes[i]].roiEnd = roi[axes.size() + i];
    }
  }
  TANDEM_TRY(checkAddressable(node, geometry.outputShape()));
  return geometry;
}

Result<ResampleGeometry> upsampleGeometry(const Node& node, const Shape& x, const Tensor* scales) {
  ResampleGeometry geometry = unscaled(x);
  geometry.mode = TANDEM_TRY(lookUp(node, "mode", "nearest", kModes));
  geometry.coordinates = CoordinateMode::Asymmetric;
  geometry.nearest = NearestMode::Floor;
  std::vector<double> factors;
  if (scales) {
    factors = toDoubles(*scales);
  } else if (node.version < 7) {
    factors.assign(x.rank(), 1);
    if (x.rank() < 2) return nodeError(node, "the input " + x.toString() + " has no height and width");
    factors[x.rank() - 2] = static_cast<double>(node.attributes.getFloat("height_scale", 1.0f));
    factors[x.rank() - 1] = static_cast<double>(node.attributes.getFloat("width_scale", 1.0f));
  } else {
    for (float factor : node.attributes.getFloats("scales")) factors.push_back(static_cast<double>(factor));
  }
  if (factors.size() != x.rank()) return nodeError(node, "scales does not have one entry per axis");
  for (std::size_t i = 0; i < factors.size(); ++i) {
    if (x[i] > kMaxWindowExtent) return nodeError(node, "the input " + x.toString() + " is too large");
    TANDEM_TRY(setScale(node, geometry.axes[i], factors[i]));
  }
  TANDEM_TRY(checkAddressable(node, geometry.outputShape()));
  return geometry;
}

} // namespace tandem::ops
