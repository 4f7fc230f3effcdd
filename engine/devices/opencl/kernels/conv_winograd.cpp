// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/conv_parts.hpp"
#include "engine/devices/opencl/kernels/winograd_weights.hpp"

#include <algorithm>

namespace tandem::opencl {
namespace {

/// The layer cut into tiles of `outputs` x `outputs` results, and how work-items share them.
struct WinogradPlan {
  std::int64_t outputs = 4;
  TileShape tile; ///< tiles x output blocks of the product
  std::int64_t tilesY = 1, tilesX = 1;
  std::int64_t tiles = 1; ///< of all images
  std::int64_t span = 0;  ///< tiles that one work-item takes through all stages; 0: a kernel per stage
  std::string name;

  std::int64_t inputs() const { return outputs + 2; }
  std::int64_t positions() const { return inputs() * inputs(); }
};

/// Floats of one position's values, such that those of neighbouring positions lie in different sets of the cache.
std::int64_t planeFloats(std::int64_t blocks, std::int64_t tiles) { return (blocks * tiles | 1) * 16; }

bool fits(const BlockedConv& conv) {
  const ops::ConvGeometry& g = conv.geometry;
  const auto& [d, h, w] = g.axes;
  const auto usual = [](const ops::WindowAxis& axis) {
    return axis.kernel == 3 && axis.stride == 1 && axis.dilation == 1;
  };
  return g.groups == 1 && usual(h) && usual(w) && conv.x.blocking.block == 16;
}

/// Rows of the input as the windows see it: from the first window's to the last that there is memory for.
std::int64_t windowRows(const BlockedConv& conv) {
  const auto& [d, h, w] = conv.geometry.axes;
  return h.input + h.padBegin + conv.x.blocking.haloH;
}
std::int64_t windowColumns(const BlockedConv& conv) {
  const auto& [d, h, w] = conv.geometry.axes;
  return w.input + w.padBegin + conv.x.blocking.haloW;
}

void addInput(std::vector<Arg>& args, const BlockedConv& conv, const WinogradPlan& plan) {
  for (std::int64_t value : {conv.x.batchStride, conv.x.blockStride, conv.windowOrigin(), conv.x.rowStride,
                             windowRows(conv), windowColumns(conv), plan.tiles, plan.tilesY, plan.tilesX})
    args.emplace_back(toInt(value));
}

void addOutput(std::vector<Arg>& args, const BlockedConv& conv) {
  const auto& [d, h, w] = conv.geometry.axes;
  addView(args, conv.y);
  addView(args, conv.z);
  args.emplace_back(toInt(h.output));
  args.emplace_back(toInt(w.output));
  addActivation(args, conv.activation);
}

Step stepOf(const BlockedConv& conv, const WinogradPlan& plan, const char* kernel, std::int64_t span) {
  Step step;
  step.source = "weights+conv_winograd";
  step.kernel = kernel;
  step.options = "-DM=" + std::to_string(plan.outputs) + " -DT=" + std::to_string(plan.tile.pixels) +
                 " -DOB=" + std::to_string(plan.tile.blocks) + " -DSPAN=" + std::to_string(span) + fusedOptions(conv);
  return step;
}

ScaledWeights packedWeights(Lowering& lowering, const BlockedConv& conv, const WinogradPlan& plan) {
  const ops::ConvGeometry& g = conv.geometry;
  return storeWinograd(lowering,
                       winogradWeights(lowering.inputTensor(1).as<float>().data(), g.outputChannels, g.inputChannels,
                                       static_cast<int>(plan.outputs), conv.x.blocks * 16, plan.tile.blocks * 16));
}

/// All stages in one kernel; every work-item has its own memory.
void emitSpans(Lowering& lowering, const BlockedConv& conv, const WinogradPlan& plan) {
  constexpr std::int64_t kItemsPerUnit = 4; // so that a unit which other work slows down does fewer
  const std::int64_t units = std::max(lowering.device().info.computeUnits, 1);
  const std::int64_t items = std::min(ceilDivide(plan.tiles, plan.span), units == 1 ? 1 : units * kItemsPerUnit);
  const std::int64_t vPlane = planeFloats(conv.x.blocks, plan.span), pPlane = planeFloats(conv.y.blocks, plan.span);
  const std::int64_t groups = ceilDivide(conv.y.blocks, plan.tile.blocks);
  const ScaledWeights u = packedWeights(lowering, conv, plan);
  Step step = stepOf(conv, plan, "winograd", plan.span);
  step.options += weightOption(u.halves);
  step.args = {conv.x.ref,
               u.ref,
               lowering.weights(paddedBias(lowering, conv.y.blocks * 16)),
               conv.z.ref,
               conv.y.ref,
               lowering.scratch(items * plan.positions() * (vPlane + pPlane) * 4),
               u.scale,
               toInt(conv.x.blocks),
               toInt(conv.y.blocks),
               toInt(groups)};
  addInput(step.args, conv, plan);
  for (std::int64_t value : {vPlane, pPlane}) step.args.emplace_back(toInt(value));
  addOutput(step.args, conv);
  step.global = {static_cast<std::size_t>(items), 1, 1};
  lowering.launch(std::move(step));
}

/// A kernel per stage, for images of few tiles: more work-items, and the weights are read once.
void emitStages(Lowering& lowering, const BlockedConv& conv, const WinogradPlan& plan) {
  constexpr std::int64_t kSpan = 8;
  const std::int64_t rounded = static_cast<std::int64_t>(roundUp(plan.tiles, plan.tile.pixels));
  const std::int64_t block = rounded * 16;
  const std::int64_t vPlane = planeFloats(conv.x.blocks, rounded), pPlane = planeFloats(conv.y.blocks, rounded);
  const std::int64_t groups = ceilDivide(conv.y.blocks, plan.tile.blocks);
  const auto spans = static_cast<std::size_t>(ceilDivide(plan.tiles, kSpan));
  const Ref v = lowering.scratch(plan.positions() * vPlane * 4);
  const Ref p = lowering.scratch(plan.positions() * pPlane * 4);

  Step input = stepOf(conv, plan, "winograd_input", kSpan);
  input.args = {conv.x.ref, v};
  addInput(input.args, conv, plan);
  for (std::int64_t value : {block, vPlane}) input.args.emplace_back(toInt(value));
  input.global = {spans, static_cast<std::size_t>(conv.x.blocks), 1};
  lowering.launch(std::move(input));

  const ScaledWeights u = packedWeights(lowering, conv, plan);
  Step product = stepOf(conv, plan, "winograd_product", kSpan);
  product.options += weightOption(u.halves);
  product.args = {v, u.ref, p, u.scale};
  for (std::int64_t value : {conv.x.blocks, conv.y.blocks, groups, block, vPlane, pPlane})
    product.args.emplace_back(toInt(value));
  product.global = {static_cast<std::size_t>(rounded / plan.tile.pixels), static_cast<std::size_t>(groups),
                    static_cast<std::size_t>(plan.positions())};
  lowering.launch(std::move(product));

  Step output = stepOf(conv, plan, "winograd_output", kSpan);
  output.args = {p, lowering.weights(paddedBias(lowering, conv.y.blocks * 16)), conv.z.ref, conv.y.ref};
  for (std::int64_t value : {plan.tiles, plan.tilesY, plan.tilesX, block, pPlane})
    output.args.emplace_back(toInt(value));
  addOutput(output.args, conv);
  output.global = {spans, static_cast<std::size_t>(conv.y.blocks), 1};
  lowering.launch(std::move(output));
}

/// In half cycles, as stepCost.
double costOf(const Lowering& lowering, const BlockedConv& conv, const WinogradPlan& plan) {
  constexpr double kFloatsPerCost = 1.5; // that memory outside the core's own cache delivers
  const KernelPreset& preset = lowering.device().preset;
  const std::int64_t perBlock = preset.registersPerBlock();
  const double inputCost = (plan.outputs == 4 ? 330.0 : 110.0) * static_cast<double>(perBlock);
  const double outputCost = (plan.outputs == 4 ? 230.0 : 80.0) * static_cast<double>(perBlock);
  const std::int64_t groups = ceilDivide(conv.y.blocks, plan.tile.blocks);
  const std::int64_t channels = conv.x.blocks * 16;
  const auto positions = static_cast<double>(plan.positions());
  const double item = static_cast<double>(channels) * stepCost(preset, plan.tile.pixels, plan.tile.blocks) + 30 +
                      2 * static_cast<double>(plan.tile.pixels * plan.tile.blocks * perBlock);
  const auto transforms = [&](std::int64_t tiles) {
    return static_cast<double>(tiles) *
           (inputCost * static_cast<double>(conv.x.blocks) + outputCost * static_cast<double>(conv.y.blocks));
  };
  const double weights =
      positions * static_cast<double>(groups * plan.tile.blocks * 16 * channels) * (lowering.halfWeights() ? 0.5 : 1.0);
  const auto perTile = positions * static_cast<double>((conv.x.blocks + conv.y.blocks) * 16);
  const double cache = static_cast<double>(preset.cacheBytes) / 4;
  if (plan.span == 0) {
    const double values = perTile * static_cast<double>(plan.tiles);
    const double memory = (weights > cache ? weights : 0) + (values > cache / 2 ? values : 0);
    const std::int64_t items = ceilDivide(plan.tiles, plan.tile.pixels) * groups;
    return costOnUnits(lowering, items * plan.positions(), item) + costOnUnits(lowering, plan.tiles, transforms(1)) +
           memory / kFloatsPerCost;
  }
  const double values = perTile * static_cast<double>(plan.span);
  const double memory = (weights > cache / 2 ? weights : 0) + (values > cache * 0.75 ? 2 * values : 0);
  const double product = positions * static_cast<double>(ceilDivide(plan.span, plan.tile.pixels) * groups) * item;
  return costOnUnits(lowering, ceilDivide(plan.tiles, plan.span),
                     product + transforms(plan.span) + memory / kFloatsPerCost);
}

} // namespace

void addWinograd(Lowering& lowering, const BlockedConv& conv, std::vector<Candidate>& candidates) {
  if (!fits(conv)) return;
  const auto& [d, h, w] = conv.geometry.axes;
  const auto add = [&](const WinogradPlan& plan) {
    candidates.push_back({"winograd" + std::to_string(plan.outputs) + (plan.span ? " spans" : ""), plan.name,
                          costOf(lowering, conv, plan), [&lowering, &conv, plan] {
                            if (plan.span > 0)
                              emitSpans(lowering, conv, plan);
                            else
                              emitStages(lowering, conv, plan);
                            lowering.setKernelName("conv " + plan.name);
                          }});
  };
  for (const TileShape& tile : registerTiles(lowering.device().preset)) {
    if (tile.blocks > std::max<std::int64_t>(conv.y.blocks, 1)) continue;
    for (std::int64_t outputs : tileOutputs(lowering)) {
      WinogradPlan plan;
      plan.outputs = outputs;
      plan.tile = tile;
      plan.tilesY = ceilDivide(h.output, outputs);
      plan.tilesX = ceilDivide(w.output, outputs);
      plan.tiles = conv.geometry.batch * plan.tilesY * plan.tilesX;
      plan.name = "winograd " + std::to_string(outputs) + " tile " + tile.name();
      add(plan);
      for (std::int64_t repeat : {1, 2, 4, 8}) {
        plan.span = tile.pixels * repeat;
        if (plan.span > static_cast<std::int64_t>(roundUp(plan.tiles, tile.pixels))) break;
        plan.name =
            "winograd " + std::to_string(outputs) + " tile " + tile.name() + " span " + std::to_string(plan.span);
        add(plan);
      }
    }
  }
}

} // namespace tandem::opencl
