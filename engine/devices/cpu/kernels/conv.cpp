// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/dnnl_kernel.hpp"
#include "engine/devices/cpu/kernels/conv_form.hpp"

namespace tandem::cpu {
namespace {

constexpr std::size_t kWeights = 1;
constexpr std::size_t kBias = 2;
constexpr std::size_t kResidual = 3;

} // namespace

std::optional<KernelPlan> convKernel(const NodeView& view) {
  const auto problem = ConvProblem::of(view.graph(), view.node());
  if (!problem) return std::nullopt;
  auto primitive = convPrimitive(*problem, view.convForm());
  if (!primitive && view.convForm() != ConvForm::Any) primitive = convPrimitive(*problem, ConvForm::Any);
  if (!primitive) return std::nullopt;
  const auto& desc = *primitive;

  KernelPlan plan = view.plainPlan(dnnlName(desc.impl_info_str()));
  plan.inputs[0].layout = Layout::of(desc.src_desc());
  plan.outputs[0] = Layout::of(desc.dst_desc());
  DnnlKernelBuilder builder;
  std::vector<DnnlArgument> arguments{inputArgument(DNNL_ARG_SRC, desc.src_desc(), 0),
                                      outputArgument(DNNL_ARG_DST, desc.dst_desc(), 0)};
  const dnnl::memory::desc plainWeights = plainDesc(dnnl::memory::data_type::f32, problem->weights);
  if (const Tensor* constant = view.constant(kWeights)) {
    plan.inputs[kWeights].used = false;
    arguments.push_back(weightsArgument(DNNL_ARG_WEIGHTS, desc.weights_desc(),
                                        view.weights().prepare(*constant, plainWeights, desc.weights_desc())));
  } else {
    arguments.push_back(builder.reorderedInput(DNNL_ARG_WEIGHTS, plainWeights, desc.weights_desc(), kWeights));
  }
  if (problem->bias) arguments.push_back(inputArgument(DNNL_ARG_BIAS, desc.bias_desc(), kBias));
  if (problem->residual) {
    plan.inputs[kResidual].layout = plan.outputs[0];
    plan.accumulates = kResidual;
  }
  builder.add(desc, dnnl::convolution_forward(desc), std::move(arguments));
  plan.scratchBytes = builder.scratchBytes();
  plan.kernel = builder.finish();
  return plan;
}

} // namespace tandem::cpu
