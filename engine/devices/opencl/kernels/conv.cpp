// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/conv_common.hpp"

#include "engine/devices/opencl/kernels/emit.hpp"

#include <algorithm>

namespace tandem::opencl {
namespace {

bool isFused(const Node& node) { return node.domain == "tandem"; }

Result<ops::ConvGeometry> geometryOf(const NodeView& view) {
  return ops::convGeometry(view.node, view.input(0).desc.shape, view.input(1).desc.shape);
}

Support check(const NodeView& view) {
  if (const Support support = floatInputs(view); !support.ok()) return support;
  if (isFused(view.node))
    if (const auto activation = ops::activationOf(view.node); !activation.ok())
      return noAttribute(activation.error().message);
  if (!view.isStatic()) return Support::yes();
  const auto geometry = geometryOf(view);
  if (!geometry.ok()) return noAttribute(geometry.error().message);
  if (geometry->groups <= 0 || geometry->outputChannels % geometry->groups != 0)
    return noAttribute(view.node.type + " with channels that its groups do not divide");
  if (view.hasInput(3) && view.input(3).desc.shape != view.output(0).desc.shape)
    return noAttribute("FusedConv with a residual of another shape");
  return Support::yes();
}

std::pair<std::int64_t, std::int64_t> halo(const NodeView& view) {
  // Weights that arrive at run time are not packed, so that path reads row-major storage.
  if (!view.input(1).isConstant() || view.input(0).desc.shape.rank() > 4) return {0, 0};
  const auto geometry = geometryOf(view);
  if (!geometry.ok()) return {0, 0};
  const auto& [d, h, w] = geometry->axes;
  return {std::max(h.padBegin, h.padEnd), std::max(w.padBegin, w.padEnd)};
}

struct ConvParts {
  ops::ConvGeometry geometry;
  ops::Activation activation;
  bool residual = false;
};

std::vector<float> paddedBias(const Lowering& lowering, std::int64_t padded) {
  std::vector<float> bias(static_cast<std::size_t>(padded), 0.0f);
  if (lowering.hasInput(2)) {
    const auto values = lowering.inputTensor(2).as<float>();
    std::copy(values.begin(), values.end(), bias.begin());
  }
  return bias;
}

/// Register tile of conv_tile.cl: `pixels` x `blocks` accumulators of 16 floats.
struct TileShape {
  int pixels = 8;
  int blocks = 2;
};

/// The tile with the fewest instructions for the whole layer. AVX-512 has 32 registers: accumulators, the weights of
/// one input channel and one broadcast pixel must fit, and eight chains hide the latency of two multiply-add units.
TileShape chooseTile(std::int64_t columns, std::int64_t outputBlocks, bool grouped, int stride) {
  static constexpr TileShape kShapes[] = {{14, 2}, {13, 2}, {12, 2}, {10, 2}, {8, 2},  {7, 2}, {6, 4}, {7, 3},
                                          {8, 3},  {4, 4},  {4, 2},  {1, 4},  {14, 1}, {8, 1}, {4, 1}, {1, 1}};
  constexpr std::int64_t kMaxSpan = 64; // pixels that may be read behind the last one (Lowering's slack)
  TileShape best = {1, 1};
  double bestCost = 0;
  for (const TileShape& shape : kShapes) {
    if (grouped && shape.blocks > 1) continue;
    if (shape.pixels * stride > kMaxSpan && shape.pixels > 1) continue;
    const double work = std::max({shape.pixels * shape.blocks, shape.pixels + shape.blocks, 8});
    const double cost = static_cast<double>(ceilDivide(columns, shape.pixels)) *
                        static_cast<double>(ceilDivide(outputBlocks, shape.blocks)) * (work + 1);
    if (bestCost == 0 || cost < bestCost) best = shape, bestCost = cost;
  }
  return best;
}

/// Which input blocks feed each group of output blocks, and their number.
struct BlockRange {
  std::vector<std::int32_t> first;
  std::int64_t count = 1;
};

BlockRange inputBlocksOf(const ops::ConvGeometry& g, std::int64_t outputGroups, int channelsPerGroup,
                         std::int64_t inputBlock) {
  BlockRange range;
  const std::int64_t inputBlocks = ceilDivide(g.inputChannels, inputBlock);
  std::vector<std::int64_t> ends;
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
                               std::int64_t inputBlock, int outputsPerGroup) {
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

/// Strides of a blocked tensor as the tile kernels take them.
void addView(std::vector<Arg>& args, const BlockedView& view) {
  for (std::int64_t value : {view.batchStride, view.blockStride, view.origin, view.rowStride})
    args.emplace_back(toInt(value));
}

std::int64_t windowOrigin(const BlockedView& x, const ops::ConvGeometry& g) {
  const auto& [d, h, w] = g.axes;
  return x.origin - h.padBegin * x.rowStride - w.padBegin * x.blocking.block;
}

void lowerDepthwiseTile(Lowering& lowering, const ConvParts& parts) {
  const ops::ConvGeometry& g = parts.geometry;
  const auto& [d, h, w] = g.axes;
  const BlockedView x = lowering.blockedInput(0);
  BlockedView z;
  if (parts.residual) z = lowering.blockedInput(3);
  const BlockedView y = lowering.blockedOutput(0);
  const std::int64_t kernel = g.kernelPositions();
  std::vector<float> packed(static_cast<std::size_t>(x.blocks * kernel * 16), 0.0f);
  const auto weights = lowering.inputTensor(1).as<float>();
  for (std::int64_t c = 0; c < g.outputChannels; ++c)
    for (std::int64_t k = 0; k < kernel; ++k)
      packed[static_cast<std::size_t>((c / 16 * kernel + k) * 16 + c % 16)] =
          weights[static_cast<std::size_t>(c * kernel + k)];
  int pixels = static_cast<int>(std::min<std::int64_t>(14, w.output));
  if (pixels > 8 && w.output % 14 != 0) pixels = w.output % 7 == 0 ? 7 : 8;
  if (pixels * w.stride > 64) pixels = 1;

  Step step;
  step.source = "conv_depthwise";
  step.kernel = "depthwise_tile";
  step.options = "-DBLOCKED -DT=" + std::to_string(pixels) + " -DSW=" + std::to_string(w.stride) +
                 activationOption(parts.activation) + (parts.residual ? " -DRESIDUAL" : "");
  step.args = {x.ref,
               lowering.weights(packed),
               lowering.weights(paddedBias(lowering, x.blocks * 16)),
               z.ref,
               y.ref,
               toInt(h.kernel),
               toInt(w.kernel),
               toInt(x.batchStride),
               toInt(x.blockStride),
               toInt(windowOrigin(x, g)),
               toInt(x.rowStride * h.stride),
               toInt(x.rowStride * h.dilation),
               toInt(16 * w.dilation)};
  addView(step.args, y);
  addView(step.args, z);
  for (std::int64_t value : {w.output, x.blocks}) step.args.emplace_back(toInt(value));
  step.args.emplace_back(parts.activation.alpha);
  step.args.emplace_back(parts.activation.beta);
  step.global = {static_cast<std::size_t>(ceilDivide(w.output, pixels)), static_cast<std::size_t>(h.output),
                 static_cast<std::size_t>(x.n * x.blocks)};
  lowering.setKernelName("depthwise_tile_" + std::to_string(pixels));
  lowering.launch(std::move(step));
}

void lowerTile(Lowering& lowering, const ConvParts& parts) {
  const ops::ConvGeometry& g = parts.geometry;
  const auto& [d, h, w] = g.axes;
  const BlockedView x = lowering.blockedInput(0);
  BlockedView z;
  if (parts.residual) z = lowering.blockedInput(3);
  const BlockedView y = lowering.blockedOutput(0);

  // Without a halo anywhere a 1x1 convolution sees one long row.
  const auto noHalo = [](const BlockedView& view) { return view.blocking.haloH == 0 && view.blocking.haloW == 0; };
  const bool flat = g.isPointwise() && noHalo(x) && noHalo(y) && (!parts.residual || noHalo(z));
  const std::int64_t rows = flat ? 1 : h.output;
  const std::int64_t columns = flat ? h.output * w.output : w.output;

  const bool grouped = g.groups > 1;
  const TileShape tile = chooseTile(columns, y.blocks, grouped, static_cast<int>(w.stride));
  const int outputsPerGroup = tile.blocks * 16;
  const std::int64_t outputGroups = ceilDivide(y.blocks, tile.blocks);
  const BlockRange range = inputBlocksOf(g, outputGroups, outputsPerGroup, x.blocking.block);

  Step step;
  step.source = "conv_tile";
  step.kernel = "conv_tile";
  step.options = "-DT=" + std::to_string(tile.pixels) + " -DOB=" + std::to_string(tile.blocks) +
                 " -DIB=" + std::to_string(x.blocking.block) + " -DSW=" + std::to_string(w.stride) +
                 activationOption(parts.activation) + (grouped ? " -DGROUPED" : "") +
                 (parts.residual ? " -DRESIDUAL" : "");
  step.args = {
      x.ref,
      lowering.weights(packWeights(g, lowering.inputTensor(1).as<float>(), range, x.blocking.block, outputsPerGroup)),
      lowering.weights(paddedBias(lowering, outputGroups * outputsPerGroup)),
      z.ref,
      y.ref,
      lowering.weights(range.first),
      toInt(range.count),
      toInt(h.kernel),
      toInt(w.kernel),
      toInt(x.batchStride),
      toInt(x.blockStride),
      toInt(windowOrigin(x, g)),
      toInt(x.rowStride * h.stride),
      toInt(x.rowStride * h.dilation),
      toInt(x.blocking.block * w.dilation)};
  addView(step.args, y);
  addView(step.args, z);
  for (std::int64_t value : {columns, y.blocks, outputGroups}) step.args.emplace_back(toInt(value));
  step.args.emplace_back(parts.activation.alpha);
  step.args.emplace_back(parts.activation.beta);
  step.global = {static_cast<std::size_t>(ceilDivide(columns, tile.pixels)), static_cast<std::size_t>(rows),
                 static_cast<std::size_t>(g.batch * outputGroups)};
  lowering.setKernelName("conv_tile_" + std::to_string(tile.pixels) + "x" + std::to_string(tile.blocks));
  lowering.launch(std::move(step));
}

/// Bias as a buffer for row-major kernels; zeros where the node has none.
Ref plainBias(Lowering& lowering, std::int64_t channels) {
  if (lowering.hasInput(2)) return lowering.input(2);
  return lowering.weights(std::vector<float>(static_cast<std::size_t>(channels), 0.0f));
}

void lowerDepthwisePlain(Lowering& lowering, const ConvParts& parts) {
  const ops::ConvGeometry& g = parts.geometry;
  const auto& [d, h, w] = g.axes;
  const std::int64_t count = lowering.outputDesc(0).shape.elements();
  Step step = perElement("conv_depthwise", "depthwise",
                         activationOption(parts.activation) + (parts.residual ? " -DRESIDUAL" : ""), count);
  step.args = {lowering.input(0),
               lowering.input(1),
               plainBias(lowering, g.outputChannels),
               parts.residual ? lowering.input(3) : Ref(),
               lowering.output(0),
               toInt(count),
               toInt(g.outputChannels),
               toInt(g.outputChannelsPerGroup())};
  for (std::int64_t value : {h.input, w.input, h.output, w.output, h.kernel, w.kernel, h.stride, w.stride, h.dilation,
                             w.dilation, h.padBegin, w.padBegin})
    step.args.emplace_back(toInt(value));
  step.args.emplace_back(parts.activation.alpha);
  step.args.emplace_back(parts.activation.beta);
  lowering.launch(std::move(step));
}

/// Per k of the implicit matrix: offset of its channel in the image of a group, and the window position.
std::vector<std::int32_t> tapTable(const ops::ConvGeometry& g) {
  const auto& [d, h, w] = g.axes;
  std::vector<std::int32_t> taps;
  for (std::int64_t c = 0; c < g.inputChannelsPerGroup(); ++c)
    for (std::int64_t t = 0; t < d.kernel; ++t)
      for (std::int64_t r = 0; r < h.kernel; ++r)
        for (std::int64_t s = 0; s < w.kernel; ++s)
          for (std::int64_t value : {c * g.inputPositions(), t * d.dilation, r * h.dilation, s * w.dilation})
            taps.push_back(toInt(value));
  return taps;
}

void lowerImplicitGemm(Lowering& lowering, const ConvParts& parts) {
  const ops::ConvGeometry& g = parts.geometry;
  const auto& [d, h, w] = g.axes;
  const std::int64_t m = g.outputChannelsPerGroup();
  const std::int64_t n = g.outputPositions();
  const std::int64_t k = g.inputChannelsPerGroup() * g.kernelPositions();
  Step step;
  step.source = "gemm_tile";
  step.kernel = "gemm_tile";
  step.options = "-DCONV -DBATCH=2" + activationOption(parts.activation) + (lowering.hasInput(2) ? " -DADD" : "") +
                 (parts.residual ? " -DRESIDUAL" : "");
  step.args = {lowering.input(1),
               lowering.input(0),
               lowering.hasInput(2) ? lowering.input(2) : Ref(),
               parts.residual ? lowering.input(3) : Ref(),
               lowering.output(0),
               toInt(m),
               toInt(n),
               toInt(k),
               toInt(k),
               1,
               0,
               0,
               1,
               0,
               1.0f,
               1.0f,
               int8Front({g.batch, g.groups}, 1),
               int8Front({0, m * k}, 0),
               int8Front({g.inputChannels * g.inputPositions(), g.inputChannelsPerGroup() * g.inputPositions()}, 0),
               int8Front({0, m}, 0),
               lowering.weights(tapTable(g))};
  for (std::int64_t value : {d.input, h.input, w.input, h.output * w.output, w.output, d.stride, h.stride, w.stride,
                             d.padBegin, h.padBegin, w.padBegin})
    step.args.emplace_back(toInt(value));
  step.args.emplace_back(parts.activation.alpha);
  step.args.emplace_back(parts.activation.beta);
  step.global = {roundUp(n, 64) / 4, roundUp(m, 64) / 4, static_cast<std::size_t>(g.batch * g.groups)};
  step.local = {16, 16, 1};
  lowering.setKernelName("conv gemm_tile");
  lowering.launch(std::move(step));
}

Result<void> lower(Lowering& lowering) {
  const Node& node = lowering.node();
  ConvParts parts;
  parts.geometry = TANDEM_TRY(ops::convGeometry(node, lowering.inputDesc(0).shape, lowering.inputDesc(1).shape));
  if (isFused(node)) parts.activation = TANDEM_TRY(ops::activationOf(node));
  parts.residual = isFused(node) && lowering.hasInput(3);
  const ops::ConvGeometry& g = parts.geometry;
  if (lowering.outputDesc(0).shape.elements() == 0) return lowering.output(0), Result<void>();
  const bool packable = lowering.inputIsConstant(1) && (!lowering.hasInput(2) || lowering.inputIsConstant(2)) &&
                        lowering.canBlock(node.inputs[0]) && lowering.canBlock(node.outputs[0]) &&
                        (!parts.residual || lowering.canBlock(node.inputs[3]));
  const bool depthwise = g.isDepthwise();
  if (packable && depthwise && g.outputChannels == g.inputChannels && g.inputChannels > 4)
    lowerDepthwiseTile(lowering, parts);
  else if (packable)
    lowerTile(lowering, parts);
  else if (depthwise && g.spatialRank <= 2)
    lowerDepthwisePlain(lowering, parts);
  else
    lowerImplicitGemm(lowering, parts);
  return {};
}

// --- ConvTranspose

Support checkTranspose(const NodeView& view) {
  if (const Support support = floatInputs(view); !support.ok()) return support;
  if (!view.isStatic()) return Support::yes();
  const auto geometry = ops::convTransposeGeometry(view.node, view.input(0).desc.shape, view.input(1).desc.shape);
  if (!geometry.ok()) return noAttribute(geometry.error().message);
  return Support::yes();
}

Result<void> lowerTranspose(Lowering& lowering) {
  const ops::ConvGeometry g =
      TANDEM_TRY(ops::convTransposeGeometry(lowering.node(), lowering.inputDesc(0).shape, lowering.inputDesc(1).shape));
  const std::int64_t count = lowering.outputDesc(0).shape.elements();
  Step step = perElement("conv_transpose", "conv_transpose", "", count);
  step.args = {lowering.input(0),
               lowering.input(1),
               plainBias(lowering, g.outputChannels),
               lowering.output(0),
               toInt(count),
               toInt(g.inputChannelsPerGroup()),
               toInt(g.outputChannelsPerGroup()),
               toInt(g.groups)};
  for (const auto field : {&ops::WindowAxis::input, &ops::WindowAxis::output, &ops::WindowAxis::kernel,
                           &ops::WindowAxis::stride, &ops::WindowAxis::dilation, &ops::WindowAxis::padBegin})
    for (const ops::WindowAxis& axis : g.axes) step.args.emplace_back(toInt(axis.*field));
  lowering.launch(std::move(step));
  return {};
}

constexpr KernelDef kTable[] = {
    {"", "Conv", check, lower, halo, true},
    {"tandem", "FusedConv", check, lower, halo, true},
    {"", "ConvTranspose", checkTranspose, lowerTranspose, nullptr, true},
};

} // namespace

std::span<const KernelDef> convKernels();
std::span<const KernelDef> convKernels() { return kTable; }

} // namespace tandem::opencl
