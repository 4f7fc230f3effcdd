// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/dnnl_kernel.hpp"
#include "engine/devices/cpu/kernels/conv_window.hpp"
#include "engine/devices/cpu/post_ops.hpp"
#include "engine/ops/conv_common.hpp"

namespace tandem::cpu {
namespace {

using dims = dnnl::memory::dims;
using PrimitiveDesc = dnnl::convolution_forward::primitive_desc;

constexpr std::size_t kWeights = 1;
constexpr std::size_t kBias = 2;
constexpr std::size_t kResidual = 3;

/// The layouts that oneDNN likes best; where it has nothing but plain loops for them, two that it knows well.
PrimitiveDesc choosePrimitive(const NodeView& view, const ops::ConvGeometry& geometry, const dims& weights,
                              const dnnl::primitive_attr& attr) {
  using data = dnnl::memory::data_type;
  const ConvWindow window = windowOf(geometry);
  const dnnl::memory::desc anyWeights(weights, data::f32, dnnl::memory::format_tag::any);
  const dnnl::memory::desc bias =
      view.hasInput(kBias) ? plainDesc(data::f32, {geometry.outputChannels}) : dnnl::memory::desc();
  auto make = [&](const dnnl::memory::desc& src, const dnnl::memory::desc& dst) {
    return PrimitiveDesc({dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, src, anyWeights,
                          bias, dst, window.strides, window.dilations, window.padsBegin, window.padsEnd},
                         attr, engine());
  };
  PrimitiveDesc best = make(anyDesc(view.input(0)), anyDesc(view.output(0)));
  for (bool channelsLast : {true, false}) {
    if (!isDnnlReference(best.impl_info_str())) break;
    best = channelsLast ? make(channelsLastDesc(view.input(0)), channelsLastDesc(view.output(0)))
                        : make(plainDesc(view.input(0)), plainDesc(view.output(0)));
  }
  return best;
}

} // namespace

std::optional<KernelPlan> convKernel(const NodeView& view) {
  if (!view.allFloat()) return std::nullopt;
  const auto geometry = ops::convGeometry(view.node(), view.input(0).shape, view.input(kWeights).shape);
  const auto activation = ops::activationOf(view.node());
  if (!geometry.ok() || !activation.ok()) return std::nullopt;
  const bool residual = view.node().type == "FusedConv" && view.hasInput(kResidual);
  if (residual && view.input(kResidual).shape != view.output(0).shape) return std::nullopt;

  dnnl::primitive_attr attr = DnnlKernelBuilder::attributes();
  dnnl::post_ops after;
  if (residual) after.append_sum();
  appendActivation(after, *activation);
  attr.set_post_ops(after);
  const dims weights = weightDims(*geometry, view.input(kWeights).shape);
  const PrimitiveDesc desc = choosePrimitive(view, *geometry, weights, attr);
  if (isDnnlReference(desc.impl_info_str())) return std::nullopt;

  KernelPlan plan = view.plainPlan(dnnlName(desc.impl_info_str()));
  plan.inputs[0].layout = Layout::of(desc.src_desc());
  plan.outputs[0] = Layout::of(desc.dst_desc());
  DnnlKernelBuilder builder;
  std::vector<DnnlArgument> arguments{inputArgument(DNNL_ARG_SRC, desc.src_desc(), 0),
                                      outputArgument(DNNL_ARG_DST, desc.dst_desc(), 0)};
  const dnnl::memory::desc plainWeights = plainDesc(dnnl::memory::data_type::f32, weights);
  if (const Tensor* constant = view.constant(kWeights)) {
    plan.inputs[kWeights].used = false;
    arguments.push_back(weightsArgument(DNNL_ARG_WEIGHTS, desc.weights_desc(),
                                        view.weights().prepare(*constant, plainWeights, desc.weights_desc())));
  } else {
    arguments.push_back(builder.reorderedInput(DNNL_ARG_WEIGHTS, plainWeights, desc.weights_desc(), kWeights));
  }
  if (view.hasInput(kBias)) arguments.push_back(inputArgument(DNNL_ARG_BIAS, desc.bias_desc(), kBias));
  if (residual) {
    plan.inputs[kResidual].layout = plan.outputs[0];
    plan.accumulates = kResidual;
  }
  builder.add(desc, dnnl::convolution_forward(desc), std::move(arguments));
  plan.scratchBytes = builder.scratchBytes();
  plan.kernel = builder.finish();
  return plan;
}

} // namespace tandem::cpu
