// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/conv_parts.hpp"

#include <algorithm>

namespace tandem::opencl {
namespace {

constexpr std::int64_t kMaxSpan = 64; // pixels that may be read behind the last one (Lowering's slack)

std::vector<float> packWeights(const Lowering& lowering, const ops::ConvGeometry& g, std::int64_t blocks) {
  const std::int64_t kernel = g.kernelPositions();
  std::vector<float> packed(static_cast<std::size_t>(blocks * kernel * 16), 0.0f);
  const auto weights = lowering.inputTensor(1).as<float>();
  for (std::int64_t c = 0; c < g.outputChannels; ++c)
    for (std::int64_t k = 0; k < kernel; ++k)
      packed[static_cast<std::size_t>((c / 16 * kernel + k) * 16 + c % 16)] =
          weights[static_cast<std::size_t>(c * kernel + k)];
  return packed;
}

void emitTile(Lowering& lowering, const BlockedConv& conv, std::int64_t pixels, std::int64_t rows) {
  const ops::ConvGeometry& g = conv.geometry;
  const auto& [d, h, w] = g.axes;
  const BlockedView &x = conv.x, &y = conv.y;
  Step step;
  step.source = "weights+conv_depthwise";
  step.kernel = "depthwise_tile";
  step.options = "-DBLOCKED -DT=" + std::to_string(pixels) + " -DR=" + std::to_string(rows) +
                 " -DKH=" + std::to_string(h.kernel) + " -DKW=" + std::to_string(w.kernel) +
                 " -DSH=" + std::to_string(h.stride) + " -DSW=" + std::to_string(w.stride) +
                 " -DDH=" + std::to_string(h.dilation) + " -DDW=" + std::to_string(w.dilation) + fusedOptions(conv) +
                 weightOption(lowering.halfWeights());
  step.args = {x.ref,
               lowering.packedWeights(packWeights(lowering, g, x.blocks)),
               lowering.weights(paddedBias(lowering, x.blocks * 16)),
               conv.z.ref,
               y.ref,
               toInt(x.batchStride),
               toInt(x.blockStride),
               toInt(conv.windowOrigin()),
               toInt(x.rowStride)};
  addView(step.args, y);
  addView(step.args, conv.z);
  for (std::int64_t value : {w.output, h.output, x.blocks}) step.args.emplace_back(toInt(value));
  addActivation(step.args, conv.activation);
  step.global = {static_cast<std::size_t>(ceilDivide(w.output, pixels)),
                 static_cast<std::size_t>(ceilDivide(h.output, rows)), static_cast<std::size_t>(x.n * x.blocks)};
  lowering.setKernelName("depthwise tile " + std::to_string(pixels) + "x" + std::to_string(rows));
  lowering.launch(std::move(step));
}

void emitPlain(Lowering& lowering, const ConvParts& parts, std::int64_t outputs) {
  const ops::ConvGeometry& g = parts.geometry;
  const auto& [d, h, w] = g.axes;
  const std::int64_t perRow = ceilDivide(w.output, outputs);
  const std::int64_t count = g.batch * g.outputChannels * h.output * perRow;
  Step step = perElement("weights+conv_depthwise", "depthwise",
                         "-DOUTPUTS=" + std::to_string(outputs) + " -DSW=" + std::to_string(w.stride) +
                             fusedOptions(parts) + weightOption(lowering.halfWeights()),
                         count);
  step.args = {lowering.input(0),
               lowering.weightInput(),
               plainBias(lowering, g.outputChannels),
               parts.residual ? lowering.input(3) : Ref(),
               lowering.output(0),
               toInt(count),
               toInt(g.outputChannels),
               toInt(g.outputChannelsPerGroup())};
  for (std::int64_t value : {h.input, w.input, h.output, w.output, h.kernel, w.kernel, h.stride, h.dilation, w.dilation,
                             h.padBegin, w.padBegin})
    step.args.emplace_back(toInt(value));
  addActivation(step.args, parts.activation);
  lowering.setKernelName("depthwise " + std::to_string(outputs));
  lowering.launch(std::move(step));
}

} // namespace

void addDepthwiseTiles(Lowering& lowering, const BlockedConv& conv, std::vector<Candidate>& candidates) {
  constexpr double kStart = 80;
  const ops::ConvGeometry& g = conv.geometry;
  const auto& [d, h, w] = g.axes;
  const KernelPreset& preset = lowering.device().preset;
  for (std::int64_t pixels : {1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14}) {
    if (pixels > w.output || (pixels > 1 && pixels * w.stride > kMaxSpan)) continue;
    for (std::int64_t rows : {1, 2, 4}) {
      if (rows > h.output) continue;
      // Accumulators, one row of weights and of pixels; the rest are memory operands.
      const std::int64_t needed = (pixels * rows + w.kernel) * preset.registersPerBlock();
      if (pixels * rows > 1 && needed > preset.vectorRegisters) continue;
      const auto kernel = static_cast<double>(g.kernelPositions());
      const auto span = static_cast<double>((pixels - 1) * w.stride + w.kernel);
      // Rows that the work-item's rows share are loaded once where they are neighbours.
      const auto inputRows = static_cast<double>((rows - 1) * h.stride + h.kernel);
      const auto outputs = static_cast<double>(pixels * rows);
      const double item =
          (std::max(outputs * kernel, span * inputRows) + 2 * outputs) * preset.registersPerBlock() + kernel + kStart;
      const std::int64_t items = ceilDivide(w.output, pixels) * ceilDivide(h.output, rows) * conv.x.n * conv.x.blocks;
      candidates.push_back({"depthwise", "depthwise " + std::to_string(pixels) + "x" + std::to_string(rows),
                            costOnUnits(lowering, items, item),
                            [&lowering, &conv, pixels, rows] { emitTile(lowering, conv, pixels, rows); }});
    }
  }
}

void addDepthwise(Lowering& lowering, const ConvParts& conv, std::vector<Candidate>& candidates) {
  const auto& w = conv.geometry.axes[2];
  for (std::int64_t outputs : {4, 2, 1, 8}) {
    if (outputs > 1 && outputs > w.output) continue;
    // Four share most of their loads and still leave enough work-items; beyond, registers run out.
    const double cost = outputs == 4 ? 1 : outputs == 2 ? 1.1 : outputs == 1 ? 1.3 : 1.2;
    candidates.push_back({"depthwise", "depthwise " + std::to_string(outputs), cost,
                          [&lowering, &conv, outputs] { emitPlain(lowering, conv, outputs); }});
  }
}

} // namespace tandem::opencl
