// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/reduce.hpp"

#include "engine/devices/opencl/kernels/emit.hpp"

#include <algorithm>
#include <array>

namespace tandem::opencl {
namespace {

/// total = JOIN over MAP(x), then FINISH: macros of rows.cl.
struct Fold {
  std::string_view op;
  std::string_view start; ///< a number, "lowest" or "highest"
  std::string_view join, map, finish;
  bool inFloat = false; ///< integers are added up in floating point
};
constexpr Fold kFolds[] = {
    {"ReduceSum", "0", "SUM", "map_Same", "map_Same"},
    {"ReduceMean", "0", "SUM", "map_Same", "map_Mean"},
    {"ReduceMax", "lowest", "MAXIMUM", "map_Same", "map_Same"},
    {"ReduceMin", "highest", "MINIMUM", "map_Same", "map_Same"},
    {"ReduceProd", "1", "PRODUCT", "map_Same", "map_Same"},
    {"ReduceL1", "0", "SUM", "map_Abs", "map_Same"},
    {"ReduceL2", "0", "SUM", "map_Square", "map_Sqrt", true},
    {"ReduceSumSquare", "0", "SUM", "map_Square", "map_Same"},
    {"ReduceLogSum", "0", "SUM", "map_Same", "map_Log", true},
    {"ReduceLogSumExp", "lowest", "MAXIMUM", "map_Same", "map_Same", true},
};

const Fold& foldOf(std::string_view op) {
  return *std::find_if(std::begin(kFolds), std::end(kFolds), [&](const Fold& f) { return f.op == op; });
}
const Fold& foldOf(const Node& node) { return foldOf(node.type); }

/// The accumulator's first value: OpenCL C's names of the limits.
std::string startOf(const Fold& fold, DataType type) {
  if (fold.start == "0" || fold.start == "1") return std::string(fold.start);
  const bool lowest = fold.start == "lowest";
  if (!isInteger(type) && type != DataType::Bool) return lowest ? "-INFINITY" : "INFINITY";
  switch (type) {
  case DataType::Int8: return lowest ? "CHAR_MIN" : "CHAR_MAX";
  case DataType::Int16: return lowest ? "SHRT_MIN" : "SHRT_MAX";
  case DataType::Int32: return lowest ? "INT_MIN" : "INT_MAX";
  case DataType::Int64: return lowest ? "LONG_MIN" : "LONG_MAX";
  case DataType::UInt8: return lowest ? "0" : "UCHAR_MAX";
  case DataType::UInt16: return lowest ? "0" : "USHRT_MAX";
  case DataType::UInt32: return lowest ? "0" : "UINT_MAX";
  case DataType::UInt64: return lowest ? "0" : "ULONG_MAX";
  default: return lowest ? "0" : "1"; // bool
  }
}

std::string typeOptions(const Fold& fold, DataType type) {
  std::string options = " -DT=" + std::string(clType(type));
  const bool whole = isInteger(type) || type == DataType::Bool;
  if (!whole) return options + (type == DataType::Float64 ? " -DFLOAT64" : "");
  if (fold.inFloat) return options + " -DACC=double -DFLOAT64 -DCLAMP";
  const bool isSigned = clType(type)[0] != 'u';
  return options + (isSigned ? " -DACC=long" : " -DACC=ulong");
}

bool axesAreInput(const Node& node) { return node.version >= (node.type == "ReduceSum" ? 13 : 18); }

Support check(const NodeView& view) {
  const Fold& fold = foldOf(view.node);
  const DataType type = view.inputType(0);
  const bool extreme = fold.op == "ReduceMax" || fold.op == "ReduceMin";
  if (!isNumber(view, type) && !(extreme && type == DataType::Bool)) return noType(view, type);
  if (isInteger(type) && fold.inFloat && (!view.float64 || fold.start == "lowest")) return noType(view, type);
  if (axesAreInput(view.node) && view.hasInput(1) && !view.input(1).isConstant())
    return noAttribute(view.node.type + " over axes that are computed at run time");
  if (isInteger(type) && fold.op == "ReduceMean" && view.isStatic() && view.input(0).desc.shape.elements() == 0)
    return noAttribute("the mean of no integers");
  return Support::yes();
}

/// The tensor as [outer][length][inner] where the reduced axes are neighbours.
struct Lines {
  std::int64_t outer = 1, length = 1, inner = 1;
};

std::optional<Lines> linesOf(const Shape& shape, const std::array<bool, kMaxRank>& reduced) {
  Lines lines;
  bool begun = false, ended = false;
  for (std::size_t k = 0; k < shape.rank(); ++k) {
    if (shape[k] == 1) continue;
    if (reduced[k] && ended) return std::nullopt;
    (reduced[k] ? lines.length : begun ? lines.inner : lines.outer) *= shape[k];
    ended = begun && !reduced[k];
    begun = begun || reduced[k];
  }
  return lines;
}

void lowerLines(Lowering& lowering, const Fold& fold, const Lines& lines) {
  const bool runs = lines.inner == 1;
  const std::int64_t each = runs ? rowsPerItem(lines.outer, 1, lines.length)
                                 : rowsPerItem(ceilDivide(lines.inner, 16), lines.outer, lines.length * 16);
  Step step;
  step.source = "fold";
  step.kernel = runs ? "fold_lines" : "fold_columns";
  step.options = "-DSTART=" + startOf(fold, DataType::Float32) + " -DJOIN=" + std::string(fold.join) +
                 " -DMAP=" + std::string(fold.map) + " -DFINISH=" + std::string(fold.finish);
  step.args = {lowering.input(0), lowering.output(0)};
  for (std::int64_t value : {runs ? lines.outer : lines.length, runs ? lines.length : lines.inner, each})
    step.args.emplace_back(toInt(value));
  step.global = {static_cast<std::size_t>(runs ? ceilDivide(lines.outer, each) : ceilDivide(lines.inner, each * 16)),
                 static_cast<std::size_t>(runs ? 1 : lines.outer), 1};
  lowering.launch(std::move(step));
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

  if (!lowering.gpuStyle() && lowering.inputDesc(0).type == DataType::Float32 && in.elements() > 0 &&
      node.type != "ReduceLogSumExp")
    if (const auto lines = linesOf(in, reduced)) return lowerLines(lowering, foldOf(node), *lines), Result<void>();

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
  const Fold& fold = foldOf(node);
  const DataType type = lowering.inputDesc(0).type;
  const int lanes = lowering.gpuStyle() ? 64 : 1;
  Step step;
  step.source = "rows";
  step.kernel = "reduce";
  step.options = "-DREDUCE -DSIMPLE=" + std::to_string(dims.size() <= 1 ? 1 : 0) + " -DLX=" + std::to_string(lanes) +
                 " -DSTART=" + startOf(fold, type) + " -DJOIN=" + std::string(fold.join) +
                 " -DMAP=" + std::string(fold.map) + " -DFINISH=" + std::string(fold.finish) + typeOptions(fold, type);
  if (fold.op == "ReduceLogSumExp") step.options += " -DLOG_SUM_EXP";
  step.args = {lowering.input(0),       lowering.output(0), toInt(length),           int8Back(rowDims, 1),
               int8Back(rowStrides, 0), int8Back(dims, 1),  int8Back(foldStrides, 0)};
  step.global = {static_cast<std::size_t>(lanes * rows), 1, 1};
  step.local = {static_cast<std::size_t>(lanes), 1, 1};
  lowering.setKernelName("reduce");
  lowering.launch(std::move(step));
  return {};
}

std::vector<KernelDef> makeTable() {
  std::vector<KernelDef> table;
  for (const Fold& fold : kFolds) table.push_back({"", fold.op, check, lower, nullptr, true});
  return table;
}

} // namespace

void emitFold(Lowering& lowering, std::string_view op, std::int64_t lines, std::int64_t length) {
  lowerLines(lowering, foldOf(op), {lines, length, 1});
}

std::span<const KernelDef> reduceKernels();
std::span<const KernelDef> reduceKernels() {
  static const std::vector<KernelDef> table = makeTable();
  return table;
}

} // namespace tandem::opencl
