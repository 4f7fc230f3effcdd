// SPDX-License-Identifier: GPL-3.0-or-later
// GridSample and RoiAlign.
#include "engine/devices/opencl/kernels/emit.hpp"

namespace tandem::opencl {
namespace {

/// Coordinates in double precision where the device has it: a half that rounds the other way reads another pixel.
std::string coordinateOption(const Lowering& lowering) {
  return lowering.device().float64 ? " -DT=float -DC=double -DFLOAT64" : " -DT=float -DC=float";
}

Support checkGrid(const NodeView& view) {
  if (const Support support = floatInputs(view); !support.ok()) return support;
  const std::string_view mode = view.node.attributes.getString("mode", "linear");
  const std::string_view padding = view.node.attributes.getString("padding_mode", "zeros");
  for (std::string_view known : {"linear", "bilinear", "cubic", "bicubic", "nearest"})
    if (mode == known)
      for (std::string_view other : {"zeros", "border", "reflection"})
        if (padding == other) return Support::yes();
  return noAttribute("GridSample with mode " + std::string(mode) + " and padding_mode " + std::string(padding));
}

Result<void> lowerGrid(Lowering& lowering) {
  const Shape& x = lowering.inputDesc(0).shape;
  const Shape& y = lowering.outputDesc(0).shape;
  const Attributes& a = lowering.node().attributes;
  const std::string_view mode = a.getString("mode", "linear");
  const std::string_view padding = a.getString("padding_mode", "zeros");
  const int modeNumber = mode == "nearest" ? 0 : mode == "cubic" || mode == "bicubic" ? 2 : 1;
  const int paddingNumber = padding == "zeros" ? 0 : padding == "border" ? 1 : 2;
  const std::size_t spatial = x.rank() - 2;
  std::int64_t points = 1;
  for (std::size_t k = 2; k < y.rank(); ++k) points *= y[k];
  const auto extent = [&](std::size_t fromEnd) { return fromEnd < spatial ? x[x.rank() - 1 - fromEnd] : 1; };
  const std::int64_t count = y.elements();
  Step step = perElement("sample", "grid_sample",
                         "-DGRID -DMODE=" + std::to_string(modeNumber) + " -DPADDING=" + std::to_string(paddingNumber) +
                             coordinateOption(lowering),
                         count);
  step.args = {lowering.input(0),
               lowering.input(1),
               lowering.output(0),
               toInt(count),
               toInt(x[1]),
               toInt(points),
               toInt(static_cast<std::int64_t>(spatial)),
               toInt(extent(2)),
               toInt(extent(1)),
               toInt(extent(0)),
               toInt(a.getInt("align_corners", 0) != 0 ? 1 : 0)};
  lowering.launch(std::move(step));
  return {};
}

Support checkRoi(const NodeView& view) {
  if (const Support support = floatInputs(view, 0, 1); !support.ok()) return support;
  if (view.inputType(2) != DataType::Int64 && view.inputType(2) != DataType::Int32)
    return noType(view, view.inputType(2));
  const std::string_view mode = view.node.attributes.getString("mode", "avg");
  if (mode != "avg" && mode != "max") return noAttribute("RoiAlign with mode " + std::string(mode));
  if (view.isStatic() && view.input(0).desc.shape.elements() == 0) return noAttribute("RoiAlign of an empty tensor");
  return Support::yes();
}

Result<void> lowerRoi(Lowering& lowering) {
  const Node& node = lowering.node();
  const Shape& x = lowering.inputDesc(0).shape;
  const Shape& y = lowering.outputDesc(0).shape;
  const bool halfPixel =
      node.version >= 16 && node.attributes.getString("coordinate_transformation_mode", "half_pixel") == "half_pixel";
  const std::int64_t count = y.elements();
  Step step =
      perElement("sample", "roi_align",
                 "-DROI -DI=" + std::string(clType(lowering.inputDesc(2).type)) + coordinateOption(lowering), count);
  step.args = {lowering.input(0),
               lowering.input(1),
               lowering.input(2),
               lowering.output(0),
               toInt(count),
               toInt(x[1]),
               toInt(x[2]),
               toInt(x[3]),
               toInt(y[2]),
               toInt(y[3]),
               toInt(x[0]),
               toInt(node.attributes.getInt("sampling_ratio", 0)),
               node.attributes.getFloat("spatial_scale", 1.0f),
               toInt(halfPixel ? 1 : 0),
               toInt(node.attributes.getString("mode", "avg") == "max" ? 1 : 0),
               lowering.status(),
               lowering.reportId()};
  lowering.launch(std::move(step));
  return {};
}

constexpr KernelDef kTable[] = {
    {"", "GridSample", checkGrid, lowerGrid, nullptr, true},
    {"", "RoiAlign", checkRoi, lowerRoi, nullptr, true},
};

} // namespace

std::span<const KernelDef> sampleKernels();
std::span<const KernelDef> sampleKernels() { return kTable; }

} // namespace tandem::opencl
