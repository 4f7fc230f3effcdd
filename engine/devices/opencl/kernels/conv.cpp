// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/conv_parts.hpp"

#include <algorithm>

namespace tandem::opencl {

std::int64_t BlockedConv::windowOrigin() const {
  const auto& [d, h, w] = geometry.axes;
  return x.origin - h.padBegin * x.rowStride - w.padBegin * x.blocking.block;
}

std::string convKey(const Lowering& lowering, const ConvParts& parts) {
  const ops::ConvGeometry& g = parts.geometry;
  std::string key = lowering.gpuStyle() ? "gpu conv" : "cpu conv";
  key += keyPart("n", {g.batch}) + keyPart("c", {g.inputChannels}) + keyPart("o", {g.outputChannels}) +
         keyPart("g", {g.groups});
  const auto axes = [&](std::string_view name, std::int64_t ops::WindowAxis::*field) {
    key += keyPart(name, {g.axes[0].*field, g.axes[1].*field, g.axes[2].*field});
  };
  axes("in", &ops::WindowAxis::input);
  axes("out", &ops::WindowAxis::output);
  axes("k", &ops::WindowAxis::kernel);
  axes("s", &ops::WindowAxis::stride);
  axes("d", &ops::WindowAxis::dilation);
  axes("p", &ops::WindowAxis::padBegin);
  key += keyPart("act", {static_cast<std::int64_t>(parts.activation.kind)});
  if (parts.residual) key += " residual";
  if (lowering.hasInput(2)) key += " bias";
  if (!lowering.inputIsConstant(1)) key += " weights at run time";
  if (lowering.halfWeights()) key += " float16";
  return key;
}

std::string fusedOptions(const ConvParts& parts) {
  return activationOption(parts.activation) + (parts.residual ? " -DRESIDUAL" : "");
}

std::vector<float> paddedBias(const Lowering& lowering, std::int64_t padded) {
  std::vector<float> bias(static_cast<std::size_t>(padded), 0.0f);
  if (lowering.hasInput(2)) {
    const auto values = lowering.inputTensor(2).as<float>();
    std::copy(values.begin(), values.end(), bias.begin());
  }
  return bias;
}

Ref plainBias(Lowering& lowering, std::int64_t channels) {
  if (lowering.hasInput(2)) return lowering.input(2);
  return lowering.weights(std::vector<float>(static_cast<std::size_t>(channels), 0.0f));
}

void addView(std::vector<Arg>& args, const BlockedView& view) {
  for (std::int64_t value : {view.batchStride, view.blockStride, view.origin, view.rowStride})
    args.emplace_back(toInt(value));
}

void addActivation(std::vector<Arg>& args, const ops::Activation& activation) {
  args.emplace_back(activation.alpha);
  args.emplace_back(activation.beta);
}

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

Result<void> lower(Lowering& lowering) {
  const Node& node = lowering.node();
  BlockedConv conv;
  conv.geometry = TANDEM_TRY(ops::convGeometry(node, lowering.inputDesc(0).shape, lowering.inputDesc(1).shape));
  if (isFused(node)) conv.activation = TANDEM_TRY(ops::activationOf(node));
  conv.residual = isFused(node) && lowering.hasInput(3);
  const ops::ConvGeometry& g = conv.geometry;
  if (lowering.outputDesc(0).shape.elements() == 0) return lowering.output(0), Result<void>();
  const bool packable = lowering.inputIsConstant(1) && (!lowering.hasInput(2) || lowering.inputIsConstant(2)) &&
                        lowering.canBlock(node.inputs[0]) && lowering.canBlock(node.outputs[0]) &&
                        (!conv.residual || lowering.canBlock(node.inputs[3]));
  std::string key = convKey(lowering, conv);
  std::vector<Candidate> candidates;
  std::optional<ConvGemm> gemm;
  if (packable) {
    conv.x = lowering.blockedInput(0);
    if (conv.residual) conv.z = lowering.blockedInput(3);
    conv.y = lowering.blockedOutput(0);
    for (const BlockedView* view : {&conv.x, &conv.z, &conv.y})
      key += keyPart("blocks", {view->blocking.block, view->blocking.haloH, view->blocking.haloW});
    if (g.isDepthwise() && g.outputChannels == g.inputChannels && conv.x.blocking.block == 16)
      addDepthwiseTiles(lowering, conv, candidates);
    else
      addTiles(lowering, conv, candidates);
    addWinograd(lowering, conv, candidates);
  } else if (g.isDepthwise() && g.spatialRank <= 2) {
    addDepthwise(lowering, conv, candidates);
  } else {
    gemm.emplace(lowering, conv).add(candidates);
    addImageWinograd(lowering, conv, candidates);
  }
  emitBest(lowering, std::move(key), std::move(candidates));
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
  Step step = perElement("weights+conv_transpose", "conv_transpose", weightOption(lowering.halfWeights()), count);
  step.args = {
      lowering.input(0), lowering.weightInput(),           plainBias(lowering, g.outputChannels), lowering.output(0),
      toInt(count),      toInt(g.inputChannelsPerGroup()), toInt(g.outputChannelsPerGroup()),     toInt(g.groups)};
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
