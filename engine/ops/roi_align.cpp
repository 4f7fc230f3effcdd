// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/floating.hpp"
#include "engine/ops/op_def.hpp"
#include "engine/ops/window.hpp"

#include <cmath>

namespace tandem::ops {
namespace {

/// More sample points per cell than this are refused: regions come from the data and may be of any size.
constexpr double kMaxSamples = 4096;

struct Geometry {
  std::int64_t height = 1, width = 1; ///< of the result
  std::int64_t samplingRatio = 0;     ///< 0: as many samples as input elements fit
  double scale = 1;
  bool halfPixel = true;
  bool takesMaximum = false;
  Shape output;
};

Result<Geometry> readGeometry(const Node& node, const Shape& x, const Shape& rois, const Shape* indices) {
  const auto wrong = [&] {
    return nodeError(node, "regions " + rois.toString() + " do not go with the input " + x.toString());
  };
  if (x.rank() != 4 || rois.rank() != 2 || (rois[1] != kUnknownDim && rois[1] != 4)) return wrong();
  if (indices && (indices->rank() != 1 || (indices->isStatic() && rois.isStatic() && (*indices)[0] != rois[0])))
    return wrong();
  Geometry geometry;
  geometry.height = node.attributes.getInt("output_height", 1);
  geometry.width = node.attributes.getInt("output_width", 1);
  geometry.samplingRatio = node.attributes.getInt("sampling_ratio", 0);
  geometry.scale = static_cast<double>(node.attributes.getFloat("spatial_scale", 1.0f));
  geometry.halfPixel =
      node.version >= 16 && node.attributes.getString("coordinate_transformation_mode", "half_pixel") == "half_pixel";
  const std::string_view mode = node.attributes.getString("mode", "avg");
  if (mode != "avg" && mode != "max") return nodeError(node, "mode '" + std::string(mode) + "' is not known");
  geometry.takesMaximum = mode == "max";
  for (std::int64_t extent : {geometry.height, geometry.width})
    if (extent < 1 || extent > kMaxWindowExtent) return nodeError(node, "the output extents are out of range");
  if (geometry.samplingRatio < 0 || static_cast<double>(geometry.samplingRatio) > kMaxSamples)
    return nodeError(node, "sampling_ratio is out of range");
  geometry.output =
      Shape{rois[0] == kUnknownDim && indices ? (*indices)[0] : rois[0], x[1], geometry.height, geometry.width};
  TANDEM_TRY(checkAddressable(node, geometry.output));
  return geometry;
}

/// The two neighbours of a position along one axis; outside the input both weights are zero.
struct Pair {
  std::int64_t low = 0, high = 0;
  double weightLow = 0, weightHigh = 0;
};

Pair neighbours(double position, std::int64_t extent) {
  if (!(position >= -1) || position > static_cast<double>(extent)) return {};
  position = std::max(position, 0.0);
  const auto low = static_cast<std::int64_t>(position);
  if (low >= extent - 1) return {extent - 1, extent - 1, 1, 0};
  const double fraction = position - static_cast<double>(low);
  return {low, low + 1, 1 - fraction, fraction};
}

/// Where the samples of one region lie along one axis: [cell][sample].
struct RegionAxis {
  std::int64_t samples = 1; ///< per cell
  std::vector<Pair> pairs;
};

std::optional<RegionAxis> regionAxis(const Geometry& geometry, double from, double to, std::int64_t cells,
                                     std::int64_t extent) {
  const double offset = geometry.halfPixel ? 0.5 : 0;
  const double start = from * geometry.scale - offset;
  double size = to * geometry.scale - offset - start;
  if (!geometry.halfPixel) size = std::max(size, 1.0);
  const double cell = size / static_cast<double>(cells);
  const double samples = geometry.samplingRatio > 0 ? static_cast<double>(geometry.samplingRatio) : std::ceil(cell);
  if (!std::isfinite(start) || !(samples <= kMaxSamples)) return std::nullopt;
  RegionAxis axis;
  axis.samples = std::max<std::int64_t>(0, static_cast<std::int64_t>(samples));
  for (std::int64_t c = 0; c < cells; ++c)
    for (std::int64_t s = 0; s < axis.samples; ++s)
      axis.pairs.push_back(neighbours(start + static_cast<double>(c) * cell +
                                          (static_cast<double>(s) + 0.5) * cell / static_cast<double>(axis.samples),
                                      extent));
  return axis;
}

/// The greatest weighted corner, which is what the reference takes for the maximum.
template <class C>
double cellMaximum(const C* plane, std::int64_t width, const RegionAxis& rows, const RegionAxis& columns,
                   std::int64_t row, std::int64_t column) {
  std::optional<double> most;
  for (std::int64_t i = 0; i < rows.samples; ++i)
    for (std::int64_t j = 0; j < columns.samples; ++j) {
      const Pair& y = rows.pairs[static_cast<std::size_t>(row * rows.samples + i)];
      const Pair& x = columns.pairs[static_cast<std::size_t>(column * columns.samples + j)];
      for (const double part : {y.weightLow * x.weightLow * static_cast<double>(plane[y.low * width + x.low]),
                                y.weightLow * x.weightHigh * static_cast<double>(plane[y.low * width + x.high]),
                                y.weightHigh * x.weightLow * static_cast<double>(plane[y.high * width + x.low]),
                                y.weightHigh * x.weightHigh * static_cast<double>(plane[y.high * width + x.high])})
        most = std::max(most.value_or(part), part);
    }
  return most.value_or(0);
}

/// An average along one axis.
struct Weighted {
  std::int64_t index;
  double weight;
};

/// All samples of a cell together: neighbouring samples mostly share what they read.
std::vector<Weighted> averageOf(const RegionAxis& axis, std::int64_t cell) {
  std::vector<Weighted> parts;
  const auto add = [&](std::int64_t index, double weight) {
    if (weight == 0) return;
    const auto recent = parts.end() - std::min<std::ptrdiff_t>(2, std::ssize(parts));
    const auto same = std::find_if(recent, parts.end(), [&](const Weighted& each) { return each.index == index; });
    if (same != parts.end())
      same->weight += weight / static_cast<double>(axis.samples);
    else
      parts.push_back({index, weight / static_cast<double>(axis.samples)});
  };
  for (std::int64_t s = 0; s < axis.samples; ++s) {
    const Pair& pair = axis.pairs[static_cast<std::size_t>(cell * axis.samples + s)];
    add(pair.low, pair.weightLow);
    add(pair.high, pair.weightHigh);
  }
  return parts;
}

template <class C>
double cellAverage(const C* plane, std::int64_t width, std::span<const Weighted> rows,
                   std::span<const Weighted> columns) {
  double sum = 0;
  for (const Weighted& y : rows) {
    double line = 0;
    for (const Weighted& x : columns) line += x.weight * static_cast<double>(plane[y.index * width + x.index]);
    sum += y.weight * line;
  }
  return sum;
}

template <class C> Result<void> align(ReferenceContext& context, const Geometry& geometry) {
  const Tensor &x = context.input(0), &rois = context.input(1);
  const std::vector<std::int64_t> pictures = context.input(2).toInts();
  const std::int64_t channels = x.shape()[1], height = x.shape()[2], width = x.shape()[3];
  const Elements<C> source(x);
  Results<C> y(context.output(0, x.type(), geometry.output));
  const std::int64_t cells = geometry.height * geometry.width;
  for (std::int64_t r = 0; r < geometry.output[0]; ++r) {
    const std::int64_t picture = pictures[static_cast<std::size_t>(r)];
    if (picture < 0 || picture >= x.shape()[0])
      return context.fail("region " + std::to_string(r) + " names picture " + std::to_string(picture));
    const auto columns = regionAxis(geometry, rois.asDouble(r * 4), rois.asDouble(r * 4 + 2), geometry.width, width);
    const auto rows = regionAxis(geometry, rois.asDouble(r * 4 + 1), rois.asDouble(r * 4 + 3), geometry.height, height);
    if (!rows || !columns) return context.fail("region " + std::to_string(r) + " is too large");
    const auto planeOf = [&](std::int64_t c) { return source.data() + (picture * channels + c) * height * width; };
    for (std::int64_t cell = 0; cell < cells; ++cell) {
      const std::int64_t i = cell / geometry.width, j = cell % geometry.width;
      const std::vector<Weighted> across = averageOf(*columns, j), down = averageOf(*rows, i);
      for (std::int64_t c = 0; c < channels; ++c)
        y[(r * channels + c) * cells + cell] =
            static_cast<C>(geometry.takesMaximum ? cellMaximum(planeOf(c), width, *rows, *columns, i, j)
                                                 : cellAverage<C>(planeOf(c), width, down, across));
    }
  }
  y.store();
  return {};
}

Result<void> infer(InferContext& context) {
  const Shape *x = context.inputShape(0), *rois = context.inputShape(1);
  if (!x || !rois) return context.setOutputType(0, context.inputType(0)), Result<void>{};
  Geometry geometry = TANDEM_TRY(readGeometry(context.node(), *x, *rois, context.inputShape(2)));
  context.setOutput(0, context.inputType(0), std::move(geometry.output));
  return {};
}

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  const Geometry geometry =
      TANDEM_TRY(readGeometry(context.node(), x.shape(), context.input(1).shape(), &context.input(2).shape()));
  if (x.elements() == 0 && geometry.output.elements() > 0) return context.fail("cannot sample an empty input");
  Result<void> done;
  if (!visitCompute(x.type(), [&]<class C>(TypeTag<C>) { done = align<C>(context, geometry); }))
    return context.fail("cannot sample " + x.desc().toString());
  return done;
}

double flops(const Graph& graph, const Node& node) {
  const double ratio = static_cast<double>(std::max<std::int64_t>(1, node.attributes.getInt("sampling_ratio", 0)));
  return 9 * ratio * ratio * static_cast<double>(graph.value(node.outputs[0]).desc.shape.elements());
}

} // namespace

// ONNX RoiAlign: version 16 shifts by half a pixel (coordinate_transformation_mode), 10 does not.
extern const OpDef kRoiAlign = {.type = "RoiAlign",
                                .domain = "",
                                .versions = {10, 16, 22},
                                .minInputs = 3,
                                .maxInputs = 3,
                                .infer = infer,
                                .flops = flops,
                                .reference = reference};

} // namespace tandem::ops
