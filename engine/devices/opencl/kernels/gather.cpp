// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/emit.hpp"
#include "engine/ops/kernel_util.hpp"

#include <algorithm>

namespace tandem::opencl {
namespace {

Support check(const NodeView& view) {
  if (view.inputType(1) != DataType::Int32 && view.inputType(1) != DataType::Int64)
    return noType(view, view.inputType(1));
  return isMovable(view.inputType(0)) ? Support::yes() : noType(view, view.inputType(0));
}

/// The channels that a Gather along axis 1 takes, where they are known and all of them exist.
std::optional<std::vector<std::int64_t>> knownChannels(const Lowering& lowering, std::size_t axis) {
  if (axis != 1 || !lowering.inputIsConstant(1) || lowering.inputDesc(1).shape.rank() != 1) return std::nullopt;
  const std::int64_t channels = lowering.inputDesc(0).shape[1];
  std::vector<std::int64_t> sources = lowering.inputTensor(1).toInts();
  for (std::int64_t& source : sources) {
    if (source < 0) source += channels;
    if (source < 0 || source >= channels) return std::nullopt;
  }
  return sources;
}

/// The number of groups of which a channel shuffle takes one channel each in turn, up to four.
std::optional<std::int64_t> shuffledGroups(const std::vector<std::int64_t>& sources, std::int64_t channels) {
  if (static_cast<std::int64_t>(sources.size()) != channels) return std::nullopt;
  for (std::int64_t groups : {2, 3, 4}) {
    if (channels % groups != 0) continue;
    bool same = true;
    for (std::int64_t i = 0; i < channels && same; ++i)
      same = sources[static_cast<std::size_t>(i)] == i % groups * (channels / groups) + i / groups;
    if (same) return groups;
  }
  return std::nullopt;
}

void gatherBlocks(Lowering& lowering, const std::vector<std::int64_t>& sources) {
  const BlockedView x = lowering.blockedInput(0);
  const BlockedView y = lowering.blockedOutput(0);
  Step step;
  step.source = "gather";
  step.options = "-DCHANNELS";
  if (const auto groups = shuffledGroups(sources, x.c)) {
    step.kernel = "shuffle_channels";
    step.options += " -DGROUPS=" + std::to_string(*groups);
    step.args = {x.ref, y.ref, toInt(x.c), toInt(x.c / *groups), toInt(x.blocks)};
  } else {
    // Channels behind the last get any value that is finite.
    std::vector<std::int32_t> offsets(static_cast<std::size_t>(y.blocks * 16), 0);
    for (std::size_t i = 0; i < sources.size(); ++i)
      offsets[i] = toInt(sources[i] / 16 * x.blockStride + sources[i] % 16);
    step.kernel = "gather_channels";
    step.args = {x.ref, lowering.weights(offsets), y.ref};
  }
  const std::int64_t rows = rowsPerItem(y.h, y.n * y.blocks, y.w * 16);
  for (std::int64_t value : {y.h, y.w, y.blocks, rows, x.batchStride, x.blockStride, x.rowStride, x.origin,
                             y.batchStride, y.blockStride, y.rowStride, y.origin})
    step.args.emplace_back(toInt(value));
  step.global = {static_cast<std::size_t>(ceilDivide(y.h, rows)), static_cast<std::size_t>(y.n * y.blocks), 1};
  lowering.launch(std::move(step));
}

Result<void> lower(Lowering& lowering) {
  const TensorDesc& x = lowering.inputDesc(0);
  const TensorDesc& index = lowering.inputDesc(1);
  const std::int64_t count = lowering.outputDesc(0).shape.elements();
  const auto axis = normalizeAxis(lowering.node().attributes.getInt("axis", 0), x.shape.rank());
  TANDEM_ASSERT(axis.has_value());
  if (count == 0) return lowering.output(0), Result<void>();
  if (lowering.inputIsBlocked(0) && lowering.canBlock(lowering.node().outputs[0]))
    if (const auto sources = knownChannels(lowering, *axis)) return gatherBlocks(lowering, *sources), Result<void>();
  const std::int64_t inner = ops::dimProduct(x.shape, *axis + 1, x.shape.rank());
  const std::string types = " -DE=" + std::string(clBits(x.type)) + " -DI=" + std::string(clType(index.type));
  const bool gpu = lowering.gpuStyle();
  const std::int64_t runs = count / inner;
  Step step;
  if (gpu) step = perElement("index", "gather", "-DGATHER" + types, count);
  step.args = {lowering.input(0),
               lowering.input(1),
               lowering.output(0),
               toInt(gpu ? count : runs),
               toInt(index.shape.elements()),
               toInt(x.shape[*axis]),
               toInt(inner)};
  if (!gpu) {
    const std::int64_t each = rowsPerItem(runs, 1, inner);
    step.source = "gather";
    step.kernel = "gather_runs";
    step.options = "-DRUNS" + types;
    step.global = {static_cast<std::size_t>(ceilDivide(runs, each)), 1, 1};
    step.args.emplace_back(toInt(each));
  }
  step.args.emplace_back(lowering.status());
  step.args.emplace_back(lowering.reportId());
  lowering.launch(std::move(step));
  return {};
}

constexpr KernelDef kTable[] = {{"", "Gather", check, lower}};

} // namespace

std::span<const KernelDef> gatherKernels();
std::span<const KernelDef> gatherKernels() { return kTable; }

} // namespace tandem::opencl
