// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/conv_parts.hpp"
#include "engine/devices/opencl/kernels/winograd_weights.hpp"

#include <algorithm>

namespace tandem::opencl {
namespace {

/// Minimal filtering on row-major tensors: transform, a batch of products, transform back.
struct ImagePlan {
  std::int64_t outputs = 4; ///< of a tile, in each direction
  std::int64_t tilesY = 1, tilesX = 1;
  std::int64_t tiles = 1; ///< of all images, and some more so that rows of them load four at a time
  std::int64_t positions() const { return (outputs + 2) * (outputs + 2); }
};

Product productOf(const ops::ConvGeometry& g, const ImagePlan& plan) {
  Product p;
  p.m = g.outputChannels;
  p.n = plan.tiles;
  p.k = g.inputChannels;
  p.batchDims = {plan.positions()};
  p.aRow = 1;
  p.aK = g.outputChannels;
  p.aBatch = {p.m * p.k};
  p.bK = plan.tiles;
  p.bBatch = {p.k * p.n};
  p.dBatch = {0};
  return p;
}

void emitImage(Lowering& lowering, const ConvParts& conv, const ImagePlan& plan) {
  const ops::ConvGeometry& g = conv.geometry;
  const auto& [d, h, w] = g.axes;
  const Ref v = lowering.scratch(plan.positions() * g.inputChannels * plan.tiles * 4);
  const Ref sums = lowering.scratch(plan.positions() * g.outputChannels * plan.tiles * 4);
  const std::string options = "-DIMAGE -DM=" + std::to_string(plan.outputs);
  const auto add = [](Step& step, std::initializer_list<std::int64_t> values) {
    for (std::int64_t value : values) step.args.emplace_back(toInt(value));
  };

  const std::int64_t inputs = g.inputChannels * plan.tiles;
  Step input = perElement("weights+conv_winograd", "winograd_image_input", options, inputs);
  input.args = {lowering.input(0), v};
  add(input, {inputs, plan.tiles, g.batch, plan.tilesY, plan.tilesX, g.inputChannels, h.input, w.input, h.padBegin,
              w.padBegin});
  lowering.launch(std::move(input));

  const ScaledWeights u = storeWinograd(
      lowering, winogradWeights(lowering.inputTensor(1).as<float>().data(), g.outputChannels, g.inputChannels,
                                static_cast<int>(plan.outputs), g.inputChannels, g.outputChannels));
  Product product = productOf(g, plan);
  product.scale = u.scale;
  emitGroupTile(lowering, product, {u.ref, v, Ref(), Ref(), sums, u.halves});

  const std::int64_t outputs = g.outputChannels * plan.tiles;
  Step output = perElement("weights+conv_winograd", "winograd_image_output", options + fusedOptions(conv), outputs);
  output.args = {sums, plainBias(lowering, g.outputChannels), conv.residual ? lowering.input(3) : Ref(),
                 lowering.output(0)};
  add(output, {outputs, plan.tiles, g.batch, plan.tilesY, plan.tilesX, g.outputChannels, h.output, w.output});
  addActivation(output.args, conv.activation);
  lowering.launch(std::move(output));
  lowering.setKernelName("conv winograd " + std::to_string(plan.outputs));
}

} // namespace

void addImageWinograd(Lowering& lowering, const ConvParts& conv, std::vector<Candidate>& candidates) {
  constexpr std::int64_t kLeastChannels = 16; // below, the transforms cost more than they save
  const ops::ConvGeometry& g = conv.geometry;
  const auto& [d, h, w] = g.axes;
  const auto usual = [](const ops::WindowAxis& axis) {
    return axis.kernel == 3 && axis.stride == 1 && axis.dilation == 1;
  };
  if (g.groups != 1 || g.spatialRank != 2 || !usual(h) || !usual(w) || !lowering.inputIsConstant(1) ||
      std::min(g.inputChannels, g.outputChannels) < kLeastChannels)
    return;
  TANDEM_ASSERT(!candidates.empty());
  double best = candidates[0].cost;
  for (const Candidate& candidate : candidates) best = std::min(best, candidate.cost);
  for (std::int64_t outputs : tileOutputs(lowering)) {
    ImagePlan plan;
    plan.outputs = outputs;
    plan.tilesY = ceilDivide(h.output, outputs);
    plan.tilesX = ceilDivide(w.output, outputs);
    plan.tiles = static_cast<std::int64_t>(roundUp(g.batch * plan.tilesY * plan.tilesX, 4));
    // Share of the direct method's multiply-adds, and the transforms' passes over memory.
    const double multiplies =
        static_cast<double>(plan.positions() * plan.tiles) / static_cast<double>(9 * g.batch * h.output * w.output);
    const double passes =
        (outputs == 4 ? 8.0 : 12.0) / static_cast<double>(std::min(g.inputChannels, g.outputChannels), plan.outputs);
    candidates.push_back({"winograd" + std::to_string(outputs), "winograd " + std::to_string(outputs),
                          best * (multiplies + passes), [&lowering, &conv, plan] { emitImage(lowering, conv, plan); }});
  }
}

} // namespace tandem::opencl
