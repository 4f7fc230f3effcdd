// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/resample.hpp"

#include "engine/tensor/visit.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace tandem::ops {
namespace {

/// Position in the input that output position `o` shows: the formulas of attribute coordinate_transformation_mode.
/// "length_resized" is scale * input there, not rounded.
double sourcePosition(CoordinateMode mode, const ResampleAxis& axis, std::int64_t o) {
  const double x = static_cast<double>(o), last = static_cast<double>(axis.input - 1);
  const double resized = axis.scale * static_cast<double>(axis.input);
  switch (mode) {
  case CoordinateMode::HalfPixel: return (x + 0.5) / axis.scale - 0.5;
  case CoordinateMode::HalfPixelSymmetric: {
    const double adjustment = static_cast<double>(axis.output) / resized;
    const double center = static_cast<double>(axis.input) / 2;
    return center * (1 - adjustment) + (x + 0.5) / axis.scale - 0.5;
  }
  case CoordinateMode::PytorchHalfPixel: return axis.output == 1 ? -0.5 : (x + 0.5) / axis.scale - 0.5;
  case CoordinateMode::AlignCorners: return resized == 1 ? 0 : x * last / (resized - 1);
  case CoordinateMode::Asymmetric: return x / axis.scale;
  case CoordinateMode::TfHalfPixelForNn: return (x + 0.5) / axis.scale;
  case CoordinateMode::TfCropAndResize: {
    const double size = axis.roiEnd - axis.roiBegin;
    return axis.roiBegin * last + (resized == 1 ? size * last / 2 : x * size * last / (resized - 1));
  }
  }
  return x;
}

std::int64_t nearestOffset(NearestMode mode, double ratio, double scale) {
  if (ratio == 0) return 0;
  switch (mode) {
  case NearestMode::RoundPreferFloor: return ratio > 0.5 ? 1 : 0;
  case NearestMode::RoundPreferCeil: return ratio >= 0.5 ? 1 : 0;
  case NearestMode::Floor: return 0;
  case NearestMode::Ceil: return 1;
  case NearestMode::FloorUpCeilDown: return scale < 1 ? 1 : 0;
  }
  return 0;
}

/// Keys' cubic convolution kernel with parameter a.
double cubic(double x, double a) {
  x = std::fabs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

/// Taps lie at floor(position) + first ... for this many entries.
struct Footprint {
  std::int64_t first = 0;
  std::int64_t count = 1;
  double stretch = 1; ///< the kernel is widened by 1 / stretch when antialiasing
};

Footprint footprintOf(const ResampleGeometry& geometry, const ResampleAxis& axis) {
  if (geometry.mode == ResampleMode::Nearest) return {0, 1, 1};
  const std::int64_t radius = geometry.mode == ResampleMode::Linear ? 1 : 2;
  Footprint footprint{1 - radius, 2 * radius, 1};
  if (!geometry.antialias || axis.scale >= 1) return footprint;
  footprint.stretch = axis.scale;
  // A kernel wider than both padded sides of the input reads edges only; more taps would not change the result.
  const double reach = std::min(static_cast<double>(radius) / axis.scale, 2.0 * static_cast<double>(axis.input) + 4);
  footprint.first = static_cast<std::int64_t>(std::floor(-reach)) + 1;
  footprint.count = 2 - 2 * footprint.first;
  return footprint;
}

void addTaps(const ResampleGeometry& geometry, const ResampleAxis& axis, const Footprint& footprint, std::int64_t o,
             ResampleTaps& taps) {
  const double position = sourcePosition(geometry.coordinates, axis, o);
  const double last = static_cast<double>(axis.input - 1);
  taps.outside.push_back(geometry.coordinates == CoordinateMode::TfCropAndResize && (position < 0 || position > last));
  // Far outside, all taps repeat an edge; clamping keeps the conversion to an integer defined.
  const double reach = static_cast<double>(footprint.count) + 2;
  const double clamped = std::isnan(position) ? 0 : std::clamp(position, -reach, last + reach);
  const double base = std::floor(clamped);
  const double ratio = clamped - base;
  const std::size_t start = taps.weights.size();
  double sum = 0;
  for (std::int64_t k = 0; k < footprint.count; ++k) {
    std::int64_t index = static_cast<std::int64_t>(base) + footprint.first + k;
    double weight = 1;
    if (geometry.mode == ResampleMode::Nearest) {
      index += nearestOffset(geometry.nearest, ratio, axis.scale);
    } else {
      const double distance = (static_cast<double>(footprint.first + k) - ratio) * footprint.stretch;
      weight = geometry.mode == ResampleMode::Linear ? std::max(0.0, 1 - std::fabs(distance))
                                                     : cubic(distance, geometry.cubicA);
      if (geometry.excludeOutside && (index < 0 || index >= axis.input)) weight = 0;
    }
    sum += weight;
    taps.weights.push_back(weight);
    taps.indices.push_back(std::clamp<std::int64_t>(index, 0, axis.input - 1));
  }
  const bool normalizes = geometry.excludeOutside || footprint.stretch < 1;
  if (normalizes && sum != 0)
    for (std::size_t i = start; i < taps.weights.size(); ++i) taps.weights[i] /= sum;
}

/// One pass along axis `index`: src is [outer][input][inner], the result [outer][output][inner].
template <class C>
std::vector<C> resampleAlong(const std::vector<C>& src, std::int64_t outer, std::int64_t inner,
                             const ResampleAxis& axis, const ResampleTaps& taps) {
  std::vector<C> dst(static_cast<std::size_t>(outer * axis.output * inner), C(0));
  for (std::int64_t i = 0; i < outer; ++i)
    for (std::int64_t o = 0; o < axis.output; ++o) {
      C* to = dst.data() + (i * axis.output + o) * inner;
      for (std::size_t k = 0; k < taps.taps; ++k) {
        const std::size_t tap = static_cast<std::size_t>(o) * taps.taps + k;
        const C weight = static_cast<C>(taps.weights[tap]);
        if (weight == C(0)) continue;
        const C* from = src.data() + (i * axis.input + taps.indices[tap]) * inner;
        for (std::int64_t j = 0; j < inner; ++j) to[j] += weight * from[j];
      }
    }
  return dst;
}

template <class C>
void fillOutside(std::vector<C>& values, const ResampleGeometry& geometry, const std::vector<ResampleTaps>& taps) {
  std::int64_t inner = 1;
  const std::int64_t total = static_cast<std::int64_t>(values.size());
  for (std::size_t axis = geometry.axes.size(); axis-- > 0;) {
    const std::int64_t extent = geometry.axes[axis].output;
    for (std::int64_t block = 0; block < total / inner; ++block)
      if (taps[axis].outside[static_cast<std::size_t>(block % extent)])
        std::fill_n(values.begin() + block * inner, inner, static_cast<C>(geometry.extrapolation));
    inner *= extent;
  }
}

template <class T, class C> T fromReal(C value) {
  if constexpr (std::is_same_v<T, bool>)
    return value != C(0);
  else if constexpr (std::is_integral_v<T>) {
    // Beyond the type's range a conversion would be undefined; the range's ends are not exact in C for 64 bits.
    constexpr double low = static_cast<double>(std::numeric_limits<T>::min());
    constexpr double high = static_cast<double>(std::numeric_limits<T>::max());
    const double real = std::nearbyint(static_cast<double>(value)); // to even
    if (!(real > low)) return std::numeric_limits<T>::min();
    return real >= high ? std::numeric_limits<T>::max() : static_cast<T>(real);
  } else
    return static_cast<T>(static_cast<ComputeTypeOf<T>>(value));
}

template <class T>
void interpolate(const Tensor& x, Tensor& y, const ResampleGeometry& geometry, const std::vector<ResampleTaps>& taps) {
  using C = std::conditional_t<std::is_same_v<T, float> || std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>,
                               float, double>;
  const auto source = x.as<T>();
  std::vector<C> values(source.size());
  std::transform(source.begin(), source.end(), values.begin(),
                 [](T value) { return static_cast<C>(static_cast<ComputeTypeOf<T>>(value)); });
  std::int64_t outer = 1, inner = x.elements();
  for (std::size_t i = 0; i < geometry.axes.size(); ++i) {
    const ResampleAxis& axis = geometry.axes[i];
    inner /= axis.input;
    if (!taps[i].isIdentity) values = resampleAlong(values, outer, inner, axis, taps[i]);
    outer *= axis.output;
  }
  if (geometry.coordinates == CoordinateMode::TfCropAndResize) fillOutside(values, geometry, taps);
  auto target = y.mutableAs<T>();
  std::transform(values.begin(), values.end(), target.begin(), fromReal<T, C>);
}

/// Copies elements without looking at them, for any type: one tap of weight 1 per position.
void pick(const Tensor& x, Tensor& y, const ResampleGeometry& geometry, const std::vector<ResampleTaps>& taps) {
  const std::size_t size = byteSize(x.type());
  const std::vector<std::int64_t> strides = x.shape().strides();
  const auto* src = static_cast<const std::byte*>(x.data());
  auto* dst = static_cast<std::byte*>(y.mutableData());
  const std::size_t rank = geometry.axes.size();
  std::vector<std::int64_t> at(rank, 0);
  for (std::int64_t i = 0; i < y.elements(); ++i) {
    std::int64_t offset = 0;
    for (std::size_t axis = 0; axis < rank; ++axis)
      offset += taps[axis].indices[static_cast<std::size_t>(at[axis])] * strides[axis];
    std::memcpy(dst + static_cast<std::size_t>(i) * size, src + static_cast<std::size_t>(offset) * size, size);
    for (std::size_t axis = rank; axis-- > 0;) {
      if (++at[axis] < geometry.axes[axis].output) break;
      at[axis] = 0;
    }
  }
}

} // namespace

ResampleTaps resampleTaps(const ResampleGeometry& geometry, const ResampleAxis& axis) {
  const Footprint footprint = footprintOf(geometry, axis);
  ResampleTaps taps;
  taps.taps = static_cast<std::size_t>(footprint.count);
  for (std::int64_t o = 0; o < axis.output; ++o) addTaps(geometry, axis, footprint, o, taps);
  taps.isIdentity = axis.input == axis.output;
  for (std::size_t i = 0; taps.isIdentity && i < taps.weights.size(); ++i) {
    const bool own = taps.indices[i] == static_cast<std::int64_t>(i / taps.taps);
    taps.isIdentity = taps.weights[i] == 0 || (own && taps.weights[i] == 1);
  }
  return taps;
}

Result<void> resample(ReferenceContext& context, const ResampleGeometry& geometry) {
  const Tensor& x = context.input(0);
  Tensor y = context.output(0, x.type(), geometry.outputShape());
  if (y.elements() == 0) return {};
  if (x.elements() == 0) return context.fail("cannot make " + y.shape().toString() + " from an empty tensor");
  std::vector<ResampleTaps> taps;
  for (const ResampleAxis& axis : geometry.axes) taps.push_back(resampleTaps(geometry, axis));
  if (geometry.mode == ResampleMode::Nearest && geometry.coordinates != CoordinateMode::TfCropAndResize) {
    pick(x, y, geometry, taps);
    return {};
  }
  if (!visitType(x.type(), [&]<class T>(TypeTag<T>) { interpolate<T>(x, y, geometry, taps); }))
    return context.fail("cannot resample " + x.desc().toString());
  return {};
}

double resampleFlops(const Graph& graph, const Node& node) {
  const std::string_view mode = node.attributes.getString("mode", "nearest");
  if (mode == "nearest") return 0;
  const double taps = mode == "cubic" ? 4 : 2;
  const Shape& x = graph.value(node.inputs[0]).desc.shape;
  const Shape& y = graph.value(node.outputs[0]).desc.shape;
  double flops = 0, elements = static_cast<double>(x.elements());
  for (std::size_t i = 0; i < std::min(x.rank(), y.rank()); ++i) {
    if (x[i] == y[i] || x[i] == 0) continue;
    elements *= static_cast<double>(y[i]) / static_cast<double>(x[i]);
    flops += 2 * taps * elements;
  }
  return flops;
}

} // namespace tandem::ops
