// SPDX-License-Identifier: GPL-3.0-or-later
// Operators that look at a whole line along one axis: ArgMax, CumSum, TopK, Hardmax, the p-norms.
#include "engine/devices/opencl/kernels/emit.hpp"
#include "engine/ops/along_axis.hpp"
#include "engine/ops/lp_norm.hpp"

namespace tandem::opencl {
namespace {

/// The lines of a tensor along one axis; see lines.cl.
struct LineNest {
  std::int64_t lines = 1, length = 1, inner = 1;
};

LineNest nestAlong(const Shape& shape, std::size_t axis) {
  LineNest nest;
  nest.length = shape[axis];
  for (std::size_t k = 0; k < shape.rank(); ++k) {
    if (k != axis) nest.lines *= shape[k];
    if (k > axis) nest.inner *= shape[k];
  }
  return nest;
}

std::string typeOption(DataType type) {
  return " -DT=" + std::string(clType(type)) + (type == DataType::Float64 ? " -DFLOAT64" : "");
}

Support checkNumber(const NodeView& view) {
  const DataType type = view.inputType(0);
  return isNumber(view, type) ? Support::yes() : noType(view, type);
}

Support checkFloating(const NodeView& view) {
  return isInteger(view.inputType(0)) ? noType(view, view.inputType(0)) : checkNumber(view);
}

std::optional<std::size_t> axisOf(const NodeView& view, std::int64_t fallback) {
  return normalizeAxis(view.node.attributes.getInt("axis", fallback), view.input(0).desc.shape.rank());
}

// --- ArgMax, ArgMin

Support checkArg(const NodeView& view) {
  if (view.isStatic()) {
    const auto axis = axisOf(view, 0);
    if (!axis || view.input(0).desc.shape[*axis] == 0) return noAttribute(view.node.type + " over nothing");
  }
  return checkNumber(view);
}

Result<void> lowerArg(Lowering& lowering) {
  const TensorDesc& x = lowering.inputDesc(0);
  const Attributes& a = lowering.node().attributes;
  const LineNest nest = nestAlong(x.shape, *normalizeAxis(a.getInt("axis", 0), x.shape.rank()));
  const char* which = lowering.node().type == "ArgMax" ? "-DARG=1" : "-DARG=0";
  Step step = perElement("lines", "arg_best", which + typeOption(x.type), nest.lines);
  step.args = {lowering.input(0),  lowering.output(0), toInt(nest.lines),
               toInt(nest.length), toInt(nest.inner),  toInt(a.getInt("select_last_index", 0) != 0 ? 1 : 0)};
  lowering.launch(std::move(step));
  return {};
}

// --- CumSum, CumProd

Support checkCumulate(const NodeView& view) {
  if (!view.hasInput(1) || !view.input(1).isConstant())
    return noAttribute(view.node.type + " along an axis that is computed at run time");
  const Tensor& axis = view.input(1).constant;
  if (axis.elements() != 1 || !isInteger(axis.type())) return noAttribute("an axis that is not one integer");
  if (view.input(0).rankKnown && !normalizeAxis(axis.asInt(0), view.input(0).desc.shape.rank()))
    return noAttribute("an axis that does not exist");
  return checkNumber(view);
}

Result<void> lowerCumulate(Lowering& lowering) {
  const TensorDesc& x = lowering.inputDesc(0);
  const LineNest nest = nestAlong(x.shape, *normalizeAxis(lowering.inputTensor(1).asInt(0), x.shape.rank()));
  const bool sums = lowering.node().type == "CumSum";
  // Wider than the result where possible, so that a long line of floats does not drift.
  const bool widest = !isInteger(x.type) && lowering.device().float64;
  const std::string acc = widest ? " -DACC=double -DFLOAT64" : " -DACC=" + std::string(clType(x.type));
  Step step =
      perElement("lines", "cumulate",
                 (sums ? "-DCUMULATE=1 -DT=" : "-DCUMULATE=2 -DT=") + std::string(clType(x.type)) + acc, nest.lines);
  const Attributes& a = lowering.node().attributes;
  step.args = {lowering.input(0),
               lowering.output(0),
               toInt(nest.lines),
               toInt(nest.length),
               toInt(nest.inner),
               toInt(a.getInt("exclusive", 0) != 0 ? 1 : 0),
               toInt(a.getInt("reverse", 0) != 0 ? 1 : 0)};
  lowering.launch(std::move(step));
  return {};
}

// --- TopK

Support checkTopK(const NodeView& view) {
  if (view.node.version >= 10 && view.hasInput(1) && !view.input(1).isConstant())
    return noAttribute("TopK with a K that is computed at run time");
  return checkNumber(view);
}

Result<void> lowerTopK(Lowering& lowering) {
  const TensorDesc& x = lowering.inputDesc(0);
  const Attributes& a = lowering.node().attributes;
  const std::size_t axis = *normalizeAxis(a.getInt("axis", -1), x.shape.rank());
  const LineNest nest = nestAlong(x.shape, axis);
  const std::size_t any = lowering.hasOutput(0) ? 0 : 1;
  const std::int64_t k = lowering.outputDesc(any).shape[axis];
  const std::string options = typeOption(x.type) + (a.getInt("largest", 1) != 0 ? " -DTOP=1" : " -DTOP=0");
  const Ref values = lowering.hasOutput(0) ? lowering.output(0) : Ref();
  const Ref indices = lowering.hasOutput(1) ? lowering.output(1) : Ref();
  if (k == 0) return {};
  if (lowering.gpuStyle() || nest.lines >= 64) {
    Step step = perElement("lines", "top_ranks", options, nest.lines * nest.length);
    step.args = {lowering.input(0), values,  indices, toInt(nest.lines * nest.length), toInt(nest.length),
                 toInt(nest.inner), toInt(k)};
    lowering.launch(std::move(step));
    return {};
  }
  Step step;
  step.source = "lines";
  step.kernel = "top_lines";
  step.options = options;
  step.args = {lowering.input(0), values, indices, toInt(nest.length), toInt(nest.inner), toInt(k)};
  step.global = {static_cast<std::size_t>(nest.lines), 1, 1};
  lowering.launch(std::move(step));
  return {};
}

// --- Hardmax

Support checkHardmax(const NodeView& view) {
  if (view.isStatic() && !ops::softmaxLines(view.node, view.input(0).desc.shape))
    return noAttribute("Hardmax over an axis that does not exist");
  return checkFloating(view);
}

Result<void> lowerHardmax(Lowering& lowering) {
  const TensorDesc& x = lowering.inputDesc(0);
  const auto lines = ops::softmaxLines(lowering.node(), x.shape);
  TANDEM_ASSERT(lines.has_value());
  const std::int64_t count = lines->count > 0 ? lines->outer * lines->step : 0;
  Step step = perElement("lines", "hardmax", "-DHARDMAX" + typeOption(x.type), count);
  step.args = {lowering.input(0), lowering.output(0), toInt(count), toInt(lines->count), toInt(lines->step)};
  lowering.launch(std::move(step));
  return {};
}

// --- LpNormalization, GlobalLpPool

Support checkLp(const NodeView& view) {
  if (!ops::normOrder(view.node).ok()) return noAttribute("a p that is not positive");
  if (view.node.type == "GlobalLpPool") {
    if (view.isStatic() && (view.input(0).desc.shape.rank() < 2 || view.input(0).desc.shape.elements() == 0))
      return noAttribute("GlobalLpPool over nothing");
  } else if (view.isStatic() && !axisOf(view, -1)) {
    return noAttribute("an axis that does not exist");
  }
  return checkFloating(view);
}

Result<void> lowerLp(Lowering& lowering) {
  const TensorDesc& x = lowering.inputDesc(0);
  const double p = TANDEM_TRY(ops::normOrder(lowering.node()));
  const bool whole = lowering.node().type == "LpNormalization";
  LineNest nest;
  if (whole) {
    nest = nestAlong(x.shape, *normalizeAxis(lowering.node().attributes.getInt("axis", -1), x.shape.rank()));
  } else {
    nest.lines = x.shape[0] * x.shape[1];
    nest.length = x.shape.elements() / nest.lines;
  }
  Step step = perElement("lines", "lp_norm", "-DNORM" + typeOption(x.type), nest.lines);
  step.args = {lowering.input(0), lowering.output(0),    toInt(nest.lines),   toInt(nest.length),
               toInt(nest.inner), static_cast<float>(p), toInt(whole ? 1 : 0)};
  lowering.launch(std::move(step));
  return {};
}

constexpr KernelDef kTable[] = {
    {"", "ArgMax", checkArg, lowerArg, nullptr, true},
    {"", "ArgMin", checkArg, lowerArg, nullptr, true},
    {"", "CumSum", checkCumulate, lowerCumulate, nullptr, true},
    {"", "CumProd", checkCumulate, lowerCumulate, nullptr, true},
    {"", "TopK", checkTopK, lowerTopK, nullptr, true, true},
    {"", "Hardmax", checkHardmax, lowerHardmax, nullptr, true},
    {"", "LpNormalization", checkLp, lowerLp, nullptr, true},
    {"", "GlobalLpPool", checkLp, lowerLp, nullptr, true},
};

} // namespace

std::span<const KernelDef> linesKernels();
std::span<const KernelDef> linesKernels() { return kTable; }

} // namespace tandem::opencl
