// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/emit.hpp"

#include <algorithm>
#include <array>

namespace tandem::opencl {
namespace {

/// total = JOIN over MAP(x), then FINISH: macros of rows.cl.
struct Fold {
  std::string_view op;
  std::string_view start, join, map, finish;
};
constexpr Fold kFolds[] = {
    {"ReduceSum", "0.0f", "SUM", "map_Same", "map_Same"},
    {"ReduceMean", "0.0f", "SUM", "map_Same", "map_Mean"},
    {"ReduceMax", "-INFINITY", "MAXIMUM", "map_Same", "map_Same"},
    {"ReduceMin", "INFINITY", "MINIMUM", "map_Same", "map_Same"},
    {"ReduceProd", "1.0f", "PRODUCT", "map_Same", "map_Same"},
    {"ReduceL1", "0.0f", "SUM", "map_Abs", "map_Same"},
    {"ReduceL2", "0.0f", "SUM", "map_Square", "map_Sqrt"},
    {"ReduceSumSquare", "0.0f", "SUM", "map_Square", "map_Same"},
    {"ReduceLogSum", "0.0f", "SUM", "map_Same", "map_Log"},
};

bool axesAreInput(const Node& node) { return node.version >= (node.type == "ReduceSum" ? 13 : 18); }

Support check(const NodeView& view) {
  if (view.inputType(0) != DataType::Float32) return noType(view, view.inputType(0));
  if (axesAreInput(view.node) && view.hasInput(1) && !view.input(1).isConstant())
    return noAttribute(view.node.type + " over axes that are computed at run time");
  return Support::yes();
}

Result<void> lower(Lowering& lowering) {
  const Node& node = lowering.node();
  const Shape& in = lowering.inputDesc(0).shape;
  std::vector<std::int64_t> axes = node.attributes.getInts("axes");
  if (axesAreInput(node)) axes = lowering.hasInput(1) ? lowering.inputTensor(1).toInts() : std::vector<std::int64_t>{};
  if (axes.empty() && node.attributes.getInt("noop_with_empty_axes", 0) == 0)
    for (std::size_t k = 0; k < in.rank(); ++k) axes.push_back(static_cast<std::int64_t>(k));
  std::array<bool, kMaxRank> reduced{};
  for (std::int64_t axis : axes) reduced[*normalizeAxis(axis, in.rank())] = true;

  const std::vector<std::int64_t> strides = in.strides();
  std::vector<std::int64_t> rowDims, rowStrides, dims, foldStrides;
  std::int64_t rows = 1, length = 1;
  for (std::size_t k = 0; k < in.rank(); ++k) {
    if (!reduced[k]) {
      rows *= in[k];
      rowDims.push_back(in[k]);
      rowStrides.push_back(strides[k]);
      continue;
    }
    length *= in[k];
    // Neighbouring reduced dims are one run.
    if (!dims.empty() && foldStrides.back() == strides[k] * in[k]) {
      dims.back() *= in[k];
      foldStrides.back() = strides[k];
    } else if (in[k] != 1) {
      dims.push_back(in[k]);
      foldStrides.push_back(strides[k]);
    }
  }
  const auto fold =
      std::find_if(std::begin(kFolds), std::end(kFolds), [&](const Fold& f) { return f.op == node.type; });
  const int lanes = lowering.gpuStyle() ? 64 : 1;
  Step step;
  step.source = "rows";
  step.kernel = "reduce";
  step.options = "-DREDUCE -DSIMPLE=" + std::to_string(dims.size() <= 1 ? 1 : 0) + " -DLX=" + std::to_string(lanes) +
                 " -DSTART=" + std::string(fold->start) + " -DJOIN=" + std::string(fold->join) +
                 " -DMAP=" + std::string(fold->map) + " -DFINISH=" + std::string(fold->finish);
  step.args = {lowering.input(0),        lowering.output(0),        toInt(length),
               int8Back(rowDims, 1),     int8Back(rowStrides, 0),   int8Back(dims, 1),
               int8Back(foldStrides, 0), static_cast<float>(length)};
  step.global = {static_cast<std::size_t>(lanes * rows), 1, 1};
  step.local = {static_cast<std::size_t>(lanes), 1, 1};
  lowering.setKernelName("reduce");
  lowering.launch(std::move(step));
  return {};
}

std::vector<KernelDef> makeTable() {
  std::vector<KernelDef> table;
  for (const Fold& fold : kFolds) table.push_back({"", fold.op, check, lower});
  return table;
}

} // namespace

std::span<const KernelDef> reduceKernels();
std::span<const KernelDef> reduceKernels() {
  static const std::vector<KernelDef> table = makeTable();
  return table;
}

} // namespace tandem::opencl
