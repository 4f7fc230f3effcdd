// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/dnnl_kernel.hpp"
#include "engine/ops/conv_common.hpp"

namespace tandem::cpu {
namespace {

using dims = dnnl::memory::dims;
using PrimitiveDesc = dnnl::deconvolution_forward::primitive_desc;

constexpr std::size_t kWeights = 1;
constexpr std::size_t kBias = 2;

/// ONNX keeps the weights as [input channel, output channel of the group, taps]; oneDNN names the axes
/// ([group,] output channel, input channel, taps), so only the strides say how they lie.
dnnl::memory::desc onnxWeights(const ops::ConvGeometry& geometry, const Shape& weights) {
  const std::int64_t out = geometry.outputChannelsPerGroup(), in = geometry.inputChannelsPerGroup();
  dims sizes{out, in}, strides{geometry.kernelPositions(), geometry.kernelPositions() * out};
  const std::vector<std::int64_t> onnx = weights.strides();
  sizes.insert(sizes.end(), weights.begin() + 2, weights.end());
  strides.insert(strides.end(), onnx.begin() + 2, onnx.end());
  if (geometry.groups > 1) {
    sizes.insert(sizes.begin(), geometry.groups);
    strides.insert(strides.begin(), in * out * geometry.kernelPositions());
  }
  return {sizes, dnnl::memory::data_type::f32, strides};
}

} // namespace

std::optional<KernelPlan> convTransposeKernel(const NodeView& view) {
  if (!view.allFloat()) return std::nullopt;
  const auto geometry = ops::convTransposeGeometry(view.node(), view.input(0).shape, view.input(kWeights).shape);
  if (!geometry.ok()) return std::nullopt;
  dims strides, dilations, padsBegin, padsEnd;
  for (std::size_t i = ops::kWindowAxes - geometry->spatialRank; i < ops::kWindowAxes; ++i) {
    const ops::WindowAxis& axis = geometry->axes[i];
    strides.push_back(axis.stride);
    dilations.push_back(axis.dilation - 1);
    padsBegin.push_back(axis.padBegin);
    padsEnd.push_back((axis.input - 1) * axis.stride + axis.span() - axis.padBegin - axis.output);
    // Outputs that no input reaches: oneDNN has no word for them.
    if (padsBegin.back() < 0 || padsEnd.back() < 0) return std::nullopt;
  }
  const dnnl::memory::desc plain = onnxWeights(*geometry, view.input(kWeights).shape);
  const dnnl::memory::desc bias =
      view.hasInput(kBias) ? plainDesc(dnnl::memory::data_type::f32, {geometry->outputChannels}) : dnnl::memory::desc();
  const dnnl::memory::desc anyWeights(plain.dims(), dnnl::memory::data_type::f32, dnnl::memory::format_tag::any);
  const PrimitiveDesc desc({dnnl::prop_kind::forward_inference, dnnl::algorithm::deconvolution_direct,
                            anyDesc(view.input(0)), anyWeights, bias, anyDesc(view.output(0)), strides, dilations,
                            padsBegin, padsEnd},
                           DnnlKernelBuilder::attributes(), engine());
  if (std::string_view(desc.impl_info_str()).find("ref") != std::string_view::npos) return std::nullopt;

  KernelPlan plan = view.plainPlan(dnnlName(desc.impl_info_str()));
  plan.inputs[0].layout = Layout::of(desc.src_desc());
  plan.outputs[0] = Layout::of(desc.dst_desc());
  DnnlKernelBuilder builder;
  std::vector<DnnlArgument> arguments{inputArgument(DNNL_ARG_SRC, desc.src_desc(), 0),
                                      outputArgument(DNNL_ARG_DST, desc.dst_desc(), 0)};
  if (const Tensor* constant = view.constant(kWeights)) {
    plan.inputs[kWeights].used = false;
    arguments.push_back(weightsArgument(DNNL_ARG_WEIGHTS, desc.weights_desc(),
                                        view.weights().prepare(*constant, plain, desc.weights_desc())));
  } else {
    arguments.push_back(builder.reorderedInput(DNNL_ARG_WEIGHTS, plain, desc.weights_desc(), kWeights));
  }
  if (view.hasInput(kBias)) arguments.push_back(inputArgument(DNNL_ARG_BIAS, bias, kBias));
  builder.add(desc, dnnl::deconvolution_forward(desc), std::move(arguments));
  plan.scratchBytes = builder.scratchBytes();
  plan.kernel = builder.finish();
  return plan;
}

} // namespace tandem::cpu
