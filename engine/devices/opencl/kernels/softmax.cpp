// SPDX-License-Identifier: GPL-3.0-or-later
// Softmax, LogSoftmax.
#include "engine/devices/opencl/kernels/emit.hpp"
#include "engine/ops/along_axis.hpp"

#include <algorithm>

namespace tandem::opencl {
namespace {

Support check(const NodeView& view) {
  if (isInteger(view.inputType(0)) || !isNumber(view, view.inputType(0))) return noType(view, view.inputType(0));
  if (view.isStatic() && !ops::softmaxLines(view.node, view.input(0).desc.shape))
    return noAttribute(view.node.type + " over an axis that does not exist");
  return Support::yes();
}

/// Lines that one work-item of a CPU does: enough work for a group, and groups enough for all cores.
std::int64_t linesPerItem(std::int64_t lines, std::int64_t length) { return rowsPerItem(lines, 1, length); }

Result<void> lower(Lowering& lowering) {
  const auto lines = ops::softmaxLines(lowering.node(), lowering.inputDesc(0).shape);
  TANDEM_ASSERT(lines.has_value());
  const bool isDouble = lowering.inputDesc(0).type == DataType::Float64;
  if (lines->count == 0 || lines->outer * lines->step == 0) return lowering.output(0), Result<void>();
  Step step;
  step.options = lowering.node().type == "Softmax" ? "-DSOFTMAX=1" : "-DSOFTMAX=2";
  step.args = {lowering.input(0), lowering.output(0), toInt(lines->count)};
  if (lowering.gpuStyle() || isDouble) {
    const std::size_t lanes = lowering.gpuStyle() ? 64 : 1;
    step.source = "rows";
    step.kernel = "softmax";
    step.options += (isDouble ? " -DT=double -DFLOAT64" : "") + std::string(" -DLX=") + std::to_string(lanes);
    for (std::int64_t value : {lines->step, lines->step, lines->step * lines->count})
      step.args.emplace_back(toInt(value));
    step.global = {lanes * static_cast<std::size_t>(lines->outer * lines->step), 1, 1};
    step.local = {lanes, 1, 1};
  } else if (lines->step == 1) {
    const std::int64_t each = linesPerItem(lines->outer, lines->count);
    step.source = "softmax";
    step.kernel = "softmax_rows";
    for (std::int64_t value : {lines->outer, each}) step.args.emplace_back(toInt(value));
    step.global = {static_cast<std::size_t>(ceilDivide(lines->outer, each)), 1, 1};
  } else {
    const std::int64_t vectors =
        std::max<std::int64_t>(1, linesPerItem(ceilDivide(lines->step, 16), lines->count * 16));
    step.source = "softmax";
    step.kernel = "softmax_columns";
    for (std::int64_t value : {lines->step, vectors}) step.args.emplace_back(toInt(value));
    step.global = {static_cast<std::size_t>(ceilDivide(lines->step, vectors * 16)),
                   static_cast<std::size_t>(lines->outer), 1};
  }
  lowering.launch(std::move(step));
  return {};
}

constexpr KernelDef kTable[] = {
    {"", "Softmax", check, lower, nullptr, true},
    {"", "LogSoftmax", check, lower, nullptr, true},
};

} // namespace

std::span<const KernelDef> softmaxKernels();
std::span<const KernelDef> softmaxKernels() { return kTable; }

} // namespace tandem::opencl
