// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/conv_parts.hpp"

#include <algorithm>

namespace tandem::opencl {
namespace {

/// Pixels that may be read behind the last one (Lowering's slack).
constexpr std::int64_t kMaxSpan = 64;

/// How the work-items of conv_tile.cl share the layer.
struct TilePlan {
  TileShape tile;
  std::int64_t tileRows = 1;
  bool flat = false; ///< the image is one long row
};

/// Which input blocks feed each group of output blocks, and their number.
struct BlockRange {
  std::vector<std::int32_t> first;
  std::int64_t count = 1;
};

BlockRange inputBlocksOf(const ops::ConvGeometry& g, std::int64_t outputGroups, std::int64_t channelsPerGroup,
                         std::int64_t inputBlock) {
  BlockRange range;
  const std::int64_t inputBlocks = ceilDivide(g.inputChannels, inputBlock);
  for (std::int64_t og = 0; og < outputGroups; ++og) {
    const std::int64_t firstChannel = og * channelsPerGroup;
    const std::int64_t lastChannel = std::min(firstChannel + channelsPerGroup, g.outputChannels) - 1;
    const std::int64_t firstGroup = firstChannel / g.outputChannelsPerGroup();
    const std::int64_t lastGroup = lastChannel / g.outputChannelsPerGroup();
    const std::int64_t begin = firstGroup * g.inputChannelsPerGroup() / inputBlock;
    const std::int64_t end = ceilDivide((lastGroup + 1) * g.inputChannelsPerGroup(), inputBlock);
    range.first.push_back(toInt(begin));
    range.count = std::max(range.count, end - begin);
  }
  // Every group reads as many blocks as the widest; those at the end start earlier, with zero weights.
  for (std::int32_t& first : range.first) first = toInt(std::min<std::int64_t>(first, inputBlocks - range.count));
  return range;
}

/// [output group][input block][kernel position][input channel][output channel], zero where nothing belongs.
std::vector<float> packWeights(const ops::ConvGeometry& g, std::span<const float> weights, const BlockRange& range,
                               std::int64_t inputBlock, std::int64_t outputsPerGroup) {
  const std::int64_t kernel = g.kernelPositions();
  const std::int64_t perGroup = g.inputChannelsPerGroup();
  const auto outputGroups = static_cast<std::int64_t>(range.first.size());
  std::vector<float> packed(
      static_cast<std::size_t>(outputGroups * range.count * kernel * inputBlock * outputsPerGroup), 0.0f);
  for (std::int64_t oc = 0; oc < g.outputChannels; ++oc) {
    const std::int64_t og = oc / outputsPerGroup;
    const std::int64_t firstInput = oc / g.outputChannelsPerGroup() * perGroup;
    for (std::int64_t ic = 0; ic < perGroup; ++ic) {
      const std::int64_t channel = firstInput + ic;
      const std::int64_t block = channel / inputBlock - range.first[static_cast<std::size_t>(og)];
      const float* src = weights.data() + (oc * perGroup + ic) * kernel;
      float* dst = packed.data() +
                   ((og * range.count + block) * kernel * inputBlock + channel % inputBlock) * outputsPerGroup +
                   oc % outputsPerGroup;
      for (std::int64_t k = 0; k < kernel; ++k) dst[k * inputBlock * outputsPerGroup] = src[k];
    }
  }
  return packed;
}

/// Without a halo anywhere a 1x1 convolution sees one long row.
bool canBeFlat(const BlockedConv& conv) {
  const auto noHalo = [](const BlockedView& view) { return view.blocking.haloH == 0 && view.blocking.haloW == 0; };
  return conv.geometry.isPointwise() && noHalo(conv.x) && noHalo(conv.y) && (!conv.residual || noHalo(conv.z));
}

void emitTile(Lowering& lowering, const BlockedConv& conv, const TilePlan& plan, const std::string& name) {
  const ops::ConvGeometry& g = conv.geometry;
  const auto& [d, h, w] = g.axes;
  const BlockedView &x = conv.x, &y = conv.y;
  const std::int64_t block = x.blocking.block;
  const std::int64_t outputsPerGroup = plan.tile.blocks * 16;
  const std::int64_t outputGroups = ceilDivide(y.blocks, plan.tile.blocks);
  const BlockRange range = inputBlocksOf(g, outputGroups, outputsPerGroup, block);
  const std::int64_t rowsPerImage = plan.flat ? 1 : h.output;
  const std::int64_t rows = rowsPerImage * g.batch;
  const std::int64_t columns = plan.flat ? h.output * w.output : w.output;

  Step step;
  step.source = "weights+conv_tile";
  step.kernel = "conv_tile";
  step.options = "-DT=" + std::to_string(plan.tile.pixels) + " -DR=" + std::to_string(plan.tileRows) +
                 " -DOB=" + std::to_string(plan.tile.blocks) + " -DIB=" + std::to_string(block) +
                 " -DSW=" + std::to_string(w.stride) + fusedOptions(conv) + (g.groups > 1 ? " -DGROUPED" : "") +
                 weightOption(lowering.halfWeights());
  step.args = {
      x.ref,
      lowering.packedWeights(packWeights(g, lowering.inputTensor(1).as<float>(), range, block, outputsPerGroup)),
      lowering.weights(paddedBias(lowering, outputGroups * outputsPerGroup)),
      conv.z.ref,
      y.ref,
      lowering.weights(range.first),
      toInt(range.count),
      toInt(h.kernel),
      toInt(w.kernel),
      toInt(x.batchStride),
      toInt(x.blockStride),
      toInt(conv.windowOrigin()),
      toInt(x.rowStride * h.stride),
      toInt(x.rowStride * h.dilation),
      toInt(block * w.dilation)};
  addView(step.args, y);
  addView(step.args, conv.z);
  for (std::int64_t value : {columns, rowsPerImage, rows, y.blocks}) step.args.emplace_back(toInt(value));
  addActivation(step.args, conv.activation);
  step.global = {static_cast<std::size_t>(ceilDivide(columns, plan.tile.pixels)),
                 static_cast<std::size_t>(ceilDivide(rows, plan.tileRows)), static_cast<std::size_t>(outputGroups)};
  lowering.setKernelName("conv " + name);
  lowering.launch(std::move(step));
}

} // namespace

std::vector<TileShape> registerTiles(const KernelPreset& preset) {
  constexpr std::int64_t kMostPixels = 14, kMostBlocks = 4;
  const std::int64_t perBlock = preset.registersPerBlock();
  std::vector<TileShape> tiles;
  for (std::int64_t blocks = 1; blocks <= kMostBlocks; ++blocks)
    for (std::int64_t pixels = 1; pixels <= kMostPixels; ++pixels)
      if ((pixels == 1 && blocks == 1) || (pixels * blocks + blocks) * perBlock + 1 <= preset.vectorRegisters)
        tiles.push_back({pixels, blocks});
  return tiles;
}

double stepCost(const KernelPreset& preset, std::int64_t pixels, std::int64_t blocks) {
  constexpr std::int64_t kChains = 8;
  const std::int64_t perBlock = preset.registersPerBlock();
  return static_cast<double>(std::max({pixels * blocks * perBlock, pixels + blocks * perBlock, kChains}) + 1);
}

void addTiles(Lowering& lowering, const BlockedConv& conv, std::vector<Candidate>& candidates) {
  constexpr double kStart = 60, kStore = 3; // of a work-item, and per accumulator
  const ops::ConvGeometry& g = conv.geometry;
  const auto& [d, h, w] = g.axes;
  const KernelPreset& preset = lowering.device().preset;
  const bool flat = canBeFlat(conv);
  const std::int64_t rowsPerImage = flat ? 1 : h.output;
  const std::int64_t columns = flat ? h.output * w.output : w.output;
  const std::int64_t block = conv.x.blocking.block;
  const std::vector<TileShape> tiles = registerTiles(preset);
  for (const TileShape& shape : tiles) {
    if (shape.pixels * w.stride > kMaxSpan && shape.pixels > 1) continue;
    const std::int64_t outputGroups = ceilDivide(conv.y.blocks, shape.blocks);
    const std::int64_t inputBlocks = inputBlocksOf(g, outputGroups, shape.blocks * 16, block).count;
    for (std::int64_t tileRows : {1, 2}) {
      const TileShape whole = {shape.pixels * tileRows, shape.blocks};
      const bool fits = std::any_of(tiles.begin(), tiles.end(), [&](const TileShape& tile) {
        return tile.pixels == whole.pixels && tile.blocks == whole.blocks;
      });
      if (tileRows > 1 && (!fits || rowsPerImage * g.batch < tileRows)) continue;
      const std::int64_t items =
          ceilDivide(columns, shape.pixels) * ceilDivide(rowsPerImage * g.batch, tileRows) * outputGroups;
      const double steps = static_cast<double>(inputBlocks * g.kernelPositions() * block);
      const double item = steps * stepCost(preset, whole.pixels, whole.blocks) + kStart +
                          kStore * static_cast<double>(whole.pixels * whole.blocks * preset.registersPerBlock());
      const TilePlan plan{shape, tileRows, flat};
      const std::string name = "tile " + shape.name() + (tileRows > 1 ? " two rows" : "");
      candidates.push_back({tileRows > 1 ? "rows" : "tile", name, costOnUnits(lowering, items, item),
                            [&lowering, &conv, plan, name] { emitTile(lowering, conv, plan, name); }});
    }
  }
}

} // namespace tandem::opencl
