// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/pool_common.hpp"

#include "engine/devices/opencl/kernels/emit.hpp"
#include "engine/devices/opencl/kernels/reduce.hpp"

#include <algorithm>

namespace tandem::opencl {
namespace {

Support check(const NodeView& view) {
  if (const Support support = floatInputs(view); !support.ok()) return support;
  if (view.isStatic()) {
    if (const auto geometry = ops::poolGeometry(view.node, view.input(0).desc.shape); !geometry.ok())
      return noAttribute(geometry.error().message);
  }
  return Support::yes();
}

Support checkGlobal(const NodeView& view) {
  if (const Support support = floatInputs(view); !support.ok()) return support;
  if (view.input(0).rankKnown && (view.input(0).desc.shape.rank() < 3 || view.input(0).desc.shape.rank() > 5))
    return noAttribute(view.node.type + " on rank " + std::to_string(view.input(0).desc.shape.rank()));
  return Support::yes();
}

/// How taps_counted() of pool.cl counts along an axis.
int countMode(const ops::PoolGeometry& geometry) { return geometry.countIncludePad ? 1 : 0; }

Result<void> lowerIndexed(Lowering& lowering, const ops::PoolGeometry& geometry) {
  const std::int64_t count = lowering.outputDesc(0).shape.elements();
  Step step = perElement("pool", "max_pool_indices", "-DMAX -DINDEXED", count);
  step.args = {lowering.input(0), lowering.output(0), lowering.output(1), toInt(count)};
  for (const auto field : {&ops::WindowAxis::input, &ops::WindowAxis::output, &ops::WindowAxis::kernel,
                           &ops::WindowAxis::stride, &ops::WindowAxis::dilation, &ops::WindowAxis::padBegin})
    for (const ops::WindowAxis& axis : geometry.axes) step.args.emplace_back(toInt(axis.*field));
  step.args.emplace_back(toInt(lowering.node().attributes.getInt("storage_order", 0) != 0 ? 1 : 0));
  lowering.launch(std::move(step));
  return {};
}

void lowerBlocked(Lowering& lowering, const ops::PoolGeometry& geometry, bool max) {
  const auto& [d, h, w] = geometry.axes;
  const BlockedView x = lowering.blockedInput(0);
  const BlockedView y = lowering.blockedOutput(0);
  // Pixels done at a time, so that the input columns they see fit the kernel's buffer. Where the windows hardly overlap
  // there is nothing to share between them.
  constexpr std::int64_t kBuffer = 64, kMostColumns = 16, kLeastColumns = 4;
  std::int64_t columns = std::min(kMostColumns, (kBuffer - 1 - (w.kernel - 1) * w.dilation) / w.stride + 1);
  if (columns < kLeastColumns || w.stride > w.kernel) columns = 1;
  const std::int64_t rows = rowsPerItem(y.h, x.n * x.blocks, y.w * 16 * std::min<std::int64_t>(4, h.kernel));
  Step step;
  step.source = "pool";
  step.kernel = "pool_blocked";
  step.options = std::string(max ? "-DBLOCKED -DMAX" : "-DBLOCKED") + " -DCOLUMNS=" + std::to_string(columns) +
                 " -DBUFFER=" + std::to_string(kBuffer);
  step.args = {x.ref, y.ref};
  for (std::int64_t value : {x.blocks,
                             rows,
                             h.output,
                             w.output,
                             h.input,
                             w.input,
                             h.kernel,
                             w.kernel,
                             h.stride,
                             w.stride,
                             h.dilation,
                             w.dilation,
                             h.padBegin,
                             w.padBegin,
                             h.padEnd,
                             w.padEnd,
                             std::int64_t{countMode(geometry)},
                             x.batchStride,
                             x.blockStride,
                             x.rowStride,
                             x.origin,
                             y.batchStride,
                             y.blockStride,
                             y.rowStride,
                             y.origin})
    step.args.emplace_back(toInt(value));
  step.global = {static_cast<std::size_t>(ceilDivide(y.h, rows)), static_cast<std::size_t>(x.n * x.blocks), 1};
  lowering.launch(std::move(step));
}

Result<void> lower(Lowering& lowering) {
  const ops::PoolGeometry geometry = TANDEM_TRY(ops::poolGeometry(lowering.node(), lowering.inputDesc(0).shape));
  const bool max = lowering.node().type == "MaxPool";
  if (max && NodeView{lowering.graph(), lowering.node()}.wantsOutput(1)) return lowerIndexed(lowering, geometry);
  const int mode = countMode(geometry);
  if (lowering.inputCanBlock(0) && lowering.canBlock(lowering.node().outputs[0]))
    return lowerBlocked(lowering, geometry, max), Result<void>();
  const std::int64_t count = lowering.outputDesc(0).shape.elements();
  Step step = perElement("pool", "pool", max ? "-DMAX" : "", count);
  step.args = {lowering.input(0), lowering.output(0), toInt(count)};
  for (const auto field :
       {&ops::WindowAxis::input, &ops::WindowAxis::output, &ops::WindowAxis::kernel, &ops::WindowAxis::stride,
        &ops::WindowAxis::dilation, &ops::WindowAxis::padBegin, &ops::WindowAxis::padEnd})
    for (const ops::WindowAxis& axis : geometry.axes) step.args.emplace_back(toInt(axis.*field));
  step.args.emplace_back(mode);
  lowering.launch(std::move(step));
  return {};
}

Result<void> lowerGlobal(Lowering& lowering) {
  const bool max = lowering.node().type == "GlobalMaxPool";
  const Shape& shape = lowering.inputDesc(0).shape;
  if (lowering.inputIsBlocked(0) && lowering.canBlock(lowering.node().outputs[0])) {
    const BlockedView x = lowering.blockedInput(0);
    const BlockedView y = lowering.blockedOutput(0);
    Step step;
    step.source = "pool";
    step.kernel = "global_pool_blocked";
    step.options = max ? "-DBLOCKED -DMAX" : "-DBLOCKED";
    const std::int64_t count = x.n * x.blocks, each = rowsPerItem(count, 1, x.h * x.w * 16);
    step.args = {x.ref, y.ref};
    for (std::int64_t value : {x.blocks, count, each, x.h, x.w, x.batchStride, x.blockStride, x.rowStride, x.origin,
                               y.batchStride, y.blockStride, y.origin})
      step.args.emplace_back(toInt(value));
    step.global = {static_cast<std::size_t>(ceilDivide(count, each)), 1, 1};
    lowering.launch(std::move(step));
    return {};
  }
  const std::int64_t rows = shape[0] * shape[1];
  const std::int64_t length = rows > 0 ? shape.elements() / rows : 0;
  if (!lowering.gpuStyle() && lowering.inputDesc(0).type == DataType::Float32 && shape.elements() > 0)
    return emitFold(lowering, max ? "ReduceMax" : "ReduceMean", rows, length), Result<void>();
  const int lanes = lowering.gpuStyle() ? 64 : 1;
  Step step;
  step.source = "rows";
  step.kernel = "reduce";
  step.options = "-DREDUCE -DSIMPLE=1 -DLX=" + std::to_string(lanes) +
                 (max ? " -DSTART=-INFINITY -DJOIN=MAXIMUM" : " -DSTART=0.0f -DJOIN=SUM") +
                 std::string(" -DMAP=map_Same -DFINISH=") + (max ? "map_Same" : "map_Mean");
  step.args = {lowering.input(0),     lowering.output(0),    toInt(length),   int8Back({rows}, 1),
               int8Back({length}, 0), int8Back({length}, 1), int8Back({1}, 0)};
  step.global = {static_cast<std::size_t>(lanes * rows), 1, 1};
  step.local = {static_cast<std::size_t>(lanes), 1, 1};
  lowering.launch(std::move(step));
  return {};
}

constexpr KernelDef kTable[] = {
    {"", "MaxPool", check, lower, nullptr, true},
    {"", "AveragePool", check, lower, nullptr, true},
    {"", "GlobalMaxPool", checkGlobal, lowerGlobal, nullptr, true},
    {"", "GlobalAveragePool", checkGlobal, lowerGlobal, nullptr, true},
};

} // namespace

std::span<const KernelDef> poolKernels();
std::span<const KernelDef> poolKernels() { return kTable; }

} // namespace tandem::opencl
