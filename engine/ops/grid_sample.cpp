// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/floating.hpp"
#include "engine/ops/kernel_util.hpp"
#include "engine/ops/op_def.hpp"
#include "engine/ops/window.hpp"

#include <array>
#include <cmath>

namespace tandem::ops {
namespace {

enum class Mode { Nearest, Linear, Cubic };
enum class Padding { Zeros, Border, Reflection };
constexpr std::size_t kMaxSpatial = 3;
constexpr double kCubicA = -0.75; // of the specification

struct Geometry {
  Mode mode = Mode::Linear;
  Padding padding = Padding::Zeros;
  bool alignCorners = false;
  std::size_t spatialRank = 2;
  Shape output;
};

Result<Geometry> readGeometry(const Node& node, const Shape& x, const Shape& grid) {
  Geometry geometry;
  const std::string_view mode = node.attributes.getString("mode", node.version < 20 ? "bilinear" : "linear");
  const std::string_view padding = node.attributes.getString("padding_mode", "zeros");
  if (mode == "linear" || mode == "bilinear")
    geometry.mode = Mode::Linear;
  else if (mode == "cubic" || mode == "bicubic")
    geometry.mode = Mode::Cubic;
  else if (mode == "nearest")
    geometry.mode = Mode::Nearest;
  else
    return nodeError(node, "mode '" + std::string(mode) + "' is not known");
  if (padding == "border")
    geometry.padding = Padding::Border;
  else if (padding == "reflection")
    geometry.padding = Padding::Reflection;
  else if (padding != "zeros")
    return nodeError(node, "padding_mode '" + std::string(padding) + "' is not known");
  geometry.alignCorners = node.attributes.getInt("align_corners", 0) != 0;
  const auto agree = [](std::int64_t a, std::int64_t b) { return a == kUnknownDim || b == kUnknownDim || a == b; };
  geometry.spatialRank = x.rank() < 3 ? 0 : x.rank() - 2;
  if (geometry.spatialRank < 1 || geometry.spatialRank > kMaxSpatial || grid.rank() != x.rank() ||
      !agree(x[0], grid[0]) || !agree(grid[grid.rank() - 1], static_cast<std::int64_t>(geometry.spatialRank)))
    return nodeError(node, "the grid " + grid.toString() + " does not go with the input " + x.toString());
  if (geometry.mode == Mode::Cubic && geometry.spatialRank != 2)
    return nodeError(node, "cubic sampling is defined for two spatial axes only");
  std::vector<std::int64_t> dims{x[0], x[1]};
  dims.insert(dims.end(), grid.begin() + 1, grid.end() - 1);
  geometry.output = Shape(std::move(dims));
  TANDEM_TRY(checkAddressable(node, geometry.output));
  return geometry;
}

/// Mirrors x at low and high until it lies between them.
double reflect(double x, double low, double high) {
  const double range = high - low;
  if (!(range > 0)) return low;
  const double beyond = x < low ? low - x : x - high;
  if (!(beyond > 0)) return x;
  if (!std::isfinite(beyond)) return low;
  const double turns = std::floor(beyond / range), rest = beyond - turns * range;
  const bool even = std::fmod(turns, 2) == 0;
  return (x < low) == even ? low + rest : high - rest;
}

/// The elements along one axis that a sample point reads: index -1 is a zero.
struct Taps {
  std::array<std::int64_t, 4> index{};
  std::array<double, 4> weight{};
  std::size_t count = 0;

  void add(std::int64_t i, double w) {
    index[count] = i;
    weight[count++] = w;
  }
};

double cubic(double x) {
  x = std::fabs(x);
  if (x <= 1) return ((kCubicA + 2) * x - (kCubicA + 3)) * x * x + 1;
  return x < 2 ? ((kCubicA * x - 5 * kCubicA) * x + 8 * kCubicA) * x - 4 * kCubicA : 0;
}

class Axis {
 public:
  Axis(const Geometry& geometry, std::int64_t extent) : m_geometry(geometry), m_extent(extent) {
    m_low = geometry.alignCorners ? 0 : -0.5;
    m_high = static_cast<double>(extent) - (geometry.alignCorners ? 1 : 0.5);
  }

  /// `coordinate` in [-1, 1] spans the axis.
  Taps tapsAt(double coordinate) const {
    const double extent = static_cast<double>(m_extent);
    double x = m_geometry.alignCorners ? (coordinate + 1) / 2 * (extent - 1) : ((coordinate + 1) * extent - 1) / 2;
    if (std::isnan(x)) x = -1;
    if (m_geometry.mode == Mode::Nearest) x = std::nearbyint(x);
    if (x < m_low || x > m_high) {
      if (m_geometry.padding == Padding::Border) x = std::clamp(x, 0.0, extent - 1);
      if (m_geometry.padding == Padding::Reflection) x = reflect(x, m_low, m_high);
    }
    x = std::clamp(x, -8.0, extent + 8); // far outside only zeros are read
    const double base = std::floor(x);
    const auto first = static_cast<std::int64_t>(base);
    Taps taps;
    if (m_geometry.mode == Mode::Nearest) {
      taps.add(padded(first), 1);
    } else if (m_geometry.mode == Mode::Linear) {
      taps.add(padded(first), 1 - (x - base));
      taps.add(padded(first + 1), x - base);
    } else {
      for (std::int64_t k = -1; k <= 2; ++k) taps.add(padded(first + k), cubic(x - base - static_cast<double>(k)));
    }
    return taps;
  }

 private:
  std::int64_t padded(std::int64_t index) const {
    if (index >= 0 && index < m_extent) return index;
    switch (m_geometry.padding) {
    case Padding::Zeros: return -1;
    case Padding::Border: return std::clamp<std::int64_t>(index, 0, m_extent - 1);
    case Padding::Reflection:
      return std::clamp<std::int64_t>(static_cast<std::int64_t>(reflect(static_cast<double>(index), m_low, m_high)), 0,
                                      m_extent - 1);
    }
    return -1;
  }

  const Geometry& m_geometry;
  std::int64_t m_extent;
  double m_low, m_high;
};

/// Sum over all combinations of taps. Unused leading axes have one tap of weight 1.
template <class C>
double gather(const C* plane, const std::array<Taps, kMaxSpatial>& taps,
              const std::array<std::int64_t, kMaxSpatial>& extents) {
  double sum = 0;
  for (std::size_t d = 0; d < taps[0].count; ++d)
    for (std::size_t h = 0; h < taps[1].count; ++h)
      for (std::size_t w = 0; w < taps[2].count; ++w) {
        const std::int64_t i = taps[0].index[d], j = taps[1].index[h], k = taps[2].index[w];
        if (i < 0 || j < 0 || k < 0) continue;
        sum += taps[0].weight[d] * taps[1].weight[h] * taps[2].weight[w] *
               static_cast<double>(plane[(i * extents[1] + j) * extents[2] + k]);
      }
  return sum;
}

template <class C> void sample(ReferenceContext& context, const Geometry& geometry, Tensor result) {
  const Tensor& x = context.input(0);
  const Elements<C> source(x);
  const Elements<double> grid(context.input(1));
  Results<C> y(std::move(result));
  std::array<std::int64_t, kMaxSpatial> extents{1, 1, 1};
  const std::size_t unused = kMaxSpatial - geometry.spatialRank;
  for (std::size_t i = 0; i < geometry.spatialRank; ++i) extents[unused + i] = x.shape()[2 + i];
  const std::int64_t batch = x.shape()[0], channels = x.shape()[1];
  const std::int64_t size = extents[0] * extents[1] * extents[2];
  std::int64_t points = 1;
  for (std::size_t i = 2; i < geometry.output.rank(); ++i) points *= geometry.output[i];
  std::array<Taps, kMaxSpatial> taps;
  for (Taps& one : taps) one.add(0, 1);
  for (std::int64_t n = 0; n < batch; ++n)
    for (std::int64_t p = 0; p < points; ++p) {
      const double* point = grid.data() + (n * points + p) * static_cast<std::int64_t>(geometry.spatialRank);
      // The grid lists coordinates from the last axis to the first.
      for (std::size_t i = 0; i < geometry.spatialRank; ++i)
        taps[unused + i] = Axis(geometry, extents[unused + i]).tapsAt(point[geometry.spatialRank - 1 - i]);
      for (std::int64_t c = 0; c < channels; ++c)
        y[(n * channels + c) * points + p] =
            static_cast<C>(gather(source.data() + (n * channels + c) * size, taps, extents));
    }
  y.store();
}

Result<void> infer(InferContext& context) {
  const Shape *x = context.inputShape(0), *grid = context.inputShape(1);
  if (!x || !grid) return context.setOutputType(0, context.inputType(0)), Result<void>{};
  Geometry geometry = TANDEM_TRY(readGeometry(context.node(), *x, *grid));
  context.setOutput(0, context.inputType(0), std::move(geometry.output));
  return {};
}

Result<void> reference(ReferenceContext& context) {
  const Tensor &x = context.input(0), &grid = context.input(1);
  const Geometry geometry = TANDEM_TRY(readGeometry(context.node(), x.shape(), grid.shape()));
  for (std::size_t i = 2; i < x.shape().rank(); ++i)
    if (x.shape()[i] < 1 && geometry.output.elements() > 0) return context.fail("cannot sample an empty input");
  if (!isFloating(grid.type())) return context.fail("the grid is not floating point");
  Tensor y = TANDEM_TRY(makeOutput(context, 0, x.type(), geometry.output));
  if (visitCompute(x.type(), [&]<class C>(TypeTag<C>) { sample<C>(context, geometry, y); })) return {};
  // Integers and bool: in double, rounded towards zero at the end.
  const Tensor exact = Tensor::uninitialized({DataType::Float64, geometry.output});
  sample<double>(context, geometry, exact);
  const bool known = visitOneOf(AllTypes{}, x.type(), [&]<class T>(TypeTag<T>) {
    const auto values = exact.as<double>();
    std::transform(values.begin(), values.end(), y.mutableAs<T>().begin(), [](double v) { return convert<T>(v); });
  });
  if (!known) return unsupportedType(context, x.type());
  return {};
}

double flops(const Graph& graph, const Node& node) {
  const Shape& y = graph.value(node.outputs[0]).desc.shape;
  const std::string_view mode = node.attributes.getString("mode", "linear");
  const double taps = mode == "nearest" ? 0 : (mode == "cubic" || mode == "bicubic" ? 4 : 2);
  return 2 * std::pow(taps, static_cast<double>(y.rank()) - 2) * static_cast<double>(y.elements());
}

} // namespace

// ONNX GridSample: 16 knows pictures and the modes bilinear and bicubic; 20 adds volumes and renames the modes.
extern const OpDef kGridSample = {.type = "GridSample",
                                  .domain = "",
                                  .versions = {16, 20, 22},
                                  .minInputs = 2,
                                  .maxInputs = 2,
                                  .infer = infer,
                                  .flops = flops,
                                  .reference = reference};

} // namespace tandem::ops
