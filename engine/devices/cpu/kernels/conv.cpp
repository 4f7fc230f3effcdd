// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/dnnl_kernel.hpp"
#include "engine/devices/cpu/kernels/conv_form.hpp"

namespace tandem::cpu {
namespace {

constexpr std::size_t kWeights = 1;
constexpr std::size_t kBias = 2;
constexpr std::size_t kResidual = 3;

/// The constant weights in the primitive's layout.
WeightsPtr prepareWeights(const NodeView& view, const ConvProblem& problem, ConvForm form,
                          const dnnl::memory::desc& wanted) {
  constexpr auto kFloat = dnnl::memory::data_type::f32;
  const Tensor& weights = *view.constant(kWeights);
  if (form != ConvForm::DenseGroups) return view.weights().prepare(weights, plainDesc(kFloat, problem.weights), wanted);
  return view.weights().rewrite(weights, "dense groups " + std::to_string(problem.geometry.groups),
                                plainDesc(kFloat, problem.ungrouped().weights), wanted,
                                [&](const float* source, float* target) { writeDenseGroups(problem, source, target); });
}

/// How a value lies that the primitive knows as `desc`, perhaps with height and width exchanged.
Layout sideLayout(const TensorDesc& value, const dnnl::memory::desc& desc, bool turned) {
  const Layout layout = Layout::of(desc);
  if (!turned || layout.isPlain()) return layout;
  return Layout::of(isChannelsLast(desc) ? channelsLastDesc(value) : blockedDesc(value, channelBlock(desc)));
}

/// A turned primitive may only ask for layouts that can be named for the value as it is.
bool canBeNamed(const dnnl::memory::desc& desc) {
  const std::int64_t block = channelBlock(desc);
  return Layout::of(desc).isPlain() || isChannelsLast(desc) || block == 8 || block == 16;
}

/// A kernel and then a function of its output, in place.
std::shared_ptr<const Kernel> followed(std::shared_ptr<const Kernel> kernel, RowFunction function, std::int64_t count,
                                       int threads) {
  return makeKernel([=, kernel = std::move(kernel), function = std::move(function)](const Binding& binding) {
    return [=, step = kernel->bind(binding), y = static_cast<float*>(binding.outputs[0])]() -> Result<void> {
      TANDEM_TRY(step->run());
      runInPieces(function, y, y, count, threads);
      return {};
    };
  });
}

} // namespace

std::optional<KernelPlan> convKernel(const NodeView& view) {
  const auto problem = ConvProblem::of(view.graph(), view.node());
  if (!problem) return std::nullopt;
  ConvChoice choice = view.convChoice();
  auto code = convCode(*problem, choice);
  if (!code) code = convCode(*problem, choice = {});
  if (problem->turned && code && !(canBeNamed(code->desc.src_desc()) && canBeNamed(code->desc.dst_desc())))
    code = convCode(*problem, choice = {ConvForm::ChannelsLast});
  if (!code) return std::nullopt;
  const auto& desc = code->desc;

  KernelPlan plan = view.plainPlan(dnnlName(desc.impl_info_str()) + (code->after ? " + activation" : ""));
  plan.inputs[0].layout = sideLayout(view.input(0), desc.src_desc(), problem->turned);
  plan.outputs[0] = sideLayout(view.output(0), desc.dst_desc(), problem->turned);
  DnnlKernelBuilder builder;
  std::vector<DnnlArgument> arguments{inputArgument(DNNL_ARG_SRC, desc.src_desc(), 0),
                                      outputArgument(DNNL_ARG_DST, desc.dst_desc(), 0)};
  if (view.constant(kWeights)) {
    plan.inputs[kWeights].used = false;
    arguments.push_back(weightsArgument(DNNL_ARG_WEIGHTS, desc.weights_desc(),
                                        prepareWeights(view, *problem, choice.form, desc.weights_desc())));
  } else {
    const dnnl::memory::desc plainWeights = plainDesc(dnnl::memory::data_type::f32, problem->weights);
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
  if (code->after) plan.kernel = followed(plan.kernel, code->after, view.output(0).shape.elements(), view.threads());
  return plan;
}

} // namespace tandem::cpu
