// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/emit.hpp"

#include <algorithm>

namespace tandem::opencl {
namespace {

Support check(const NodeView& view) {
  if (view.node.attributes.getInt("size", 0) < 1) return noAttribute("LRN without a size");
  if (view.input(0).rankKnown && view.input(0).desc.shape.rank() < 2) return noAttribute("LRN of a vector");
  return floatInputs(view);
}

struct Window {
  std::int64_t before = 0, after = 0; ///< channels beside the own one
  float scale = 0, beta = 0, bias = 0;
  std::string options;
};

Window windowOf(const Lowering& lowering, std::int64_t channels) {
  const Attributes& a = lowering.node().attributes;
  const std::int64_t size = a.getInt("size", 1);
  Window window;
  window.before = std::min((size - 1) / 2, channels);
  window.after = std::min(size / 2, channels);
  window.scale = a.getFloat("alpha", 0.0001f) / static_cast<float>(size);
  window.beta = a.getFloat("beta", 0.75f);
  window.bias = a.getFloat("bias", 1.0f);
  // Square roots are many times as fast as a power.
  for (int quarters : {2, 3, 4})
    if (window.beta == 0.25f * static_cast<float>(quarters)) window.options = "-DQUARTERS=" + std::to_string(quarters);
  return window;
}

void addNumbers(Step& step, const Window& window) {
  for (float value : {window.scale, window.beta, window.bias}) step.args.emplace_back(value);
}

/// The kernel on blocks looks at one block on either side.
constexpr std::int64_t kMostBeside = 16;

void lowerBlocked(Lowering& lowering, const Window& window) {
  const BlockedView x = lowering.blockedInput(0);
  const BlockedView y = lowering.blockedOutput(0);
  const std::int64_t rows = rowsPerItem(x.h, x.n * x.blocks, x.w * 16);
  Step step;
  step.source = "lrn";
  step.kernel = "lrn_blocked";
  step.options = window.options + " -DBLOCKED -DBEFORE=" + std::to_string(window.before) +
                 " -DAFTER=" + std::to_string(window.after);
  step.args = {x.ref, y.ref};
  for (std::int64_t value : {x.c, x.h, x.w, x.blocks, rows, x.batchStride, x.blockStride, x.rowStride, x.origin,
                             y.batchStride, y.blockStride, y.rowStride, y.origin})
    step.args.emplace_back(toInt(value));
  addNumbers(step, window);
  step.global = {static_cast<std::size_t>(ceilDivide(x.h, rows)), static_cast<std::size_t>(x.n * x.blocks), 1};
  lowering.launch(std::move(step));
}

Result<void> lower(Lowering& lowering) {
  const Shape& shape = lowering.inputDesc(0).shape;
  const std::int64_t count = shape.elements();
  if (count == 0) return lowering.output(0), Result<void>();
  const std::int64_t batch = shape[0], channels = shape[1], plane = count / (batch * channels);
  const Window window = windowOf(lowering, channels);
  if (lowering.inputIsBlocked(0) && lowering.canBlock(lowering.node().outputs[0]) && window.after <= kMostBeside)
    return lowerBlocked(lowering, window), Result<void>();
  Step step;
  if (lowering.gpuStyle()) {
    step = perElement("lrn", "lrn", window.options, count);
    step.args = {lowering.input(0), lowering.output(0), toInt(count)};
  } else {
    const std::int64_t vectors = std::clamp<std::int64_t>(kCpuChunk / (16 * channels), 1, 16);
    step.source = "lrn";
    step.kernel = "lrn_pixels";
    step.options = window.options + " -DPIXELS=" + std::to_string(vectors);
    step.args = {lowering.input(0), lowering.output(0)};
    step.global = {static_cast<std::size_t>(ceilDivide(plane, vectors * 16)), static_cast<std::size_t>(batch), 1};
  }
  for (std::int64_t value : {channels, plane, window.before, window.after}) step.args.emplace_back(toInt(value));
  addNumbers(step, window);
  lowering.launch(std::move(step));
  return {};
}

constexpr KernelDef kTable[] = {{"", "LRN", check, lower, nullptr, true}};

} // namespace

std::span<const KernelDef> lrnKernels();
std::span<const KernelDef> lrnKernels() { return kTable; }

} // namespace tandem::opencl
