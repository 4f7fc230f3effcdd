// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/dnnl_kernel.hpp"
#include "engine/devices/cpu/kernels/row_code.hpp"
#include "engine/devices/cpu/kernels/row_function.hpp"
#include "engine/devices/cpu/kernels/vector_isa.hpp"
#include "engine/devices/cpu/loops.hpp"

#include <limits>

namespace tandem::cpu {
namespace {

struct Function {
  dnnl::algorithm algorithm;
  float alpha = 0;
  float beta = 0;
};

/// Clip's bounds: attributes before version 11, constant inputs since; nullopt where they are computed.
std::optional<Function> clipOf(const NodeView& view) {
  Function clip{dnnl::algorithm::eltwise_clip, std::numeric_limits<float>::lowest(), std::numeric_limits<float>::max()};
  if (view.version() < 11) {
    clip.alpha = view.attributes().getFloat("min", clip.alpha);
    clip.beta = view.attributes().getFloat("max", clip.beta);
    return clip;
  }
  for (std::size_t i : {std::size_t{1}, std::size_t{2}}) {
    if (!view.hasInput(i)) continue;
    const Tensor* bound = view.constant(i);
    if (!bound || bound->elements() != 1) return std::nullopt;
    (i == 1 ? clip.alpha : clip.beta) = bound->as<float>()[0];
  }
  return clip;
}

std::optional<Function> functionOf(const NodeView& view) {
  using algorithm = dnnl::algorithm;
  const std::string_view type = view.node().type;
  const Attributes& attributes = view.attributes();
  if (type == "Relu") return Function{algorithm::eltwise_relu};
  if (type == "LeakyRelu") return Function{algorithm::eltwise_relu, attributes.getFloat("alpha", 0.01f)};
  if (type == "Elu") return Function{algorithm::eltwise_elu, attributes.getFloat("alpha", 1.0f)};
  if (type == "Exp") return Function{algorithm::eltwise_exp};
  if (type == "Log") return Function{algorithm::eltwise_log};
  if (type == "Sqrt") return Function{algorithm::eltwise_sqrt};
  if (type == "Abs") return Function{algorithm::eltwise_abs};
  if (type == "Round") return Function{algorithm::eltwise_round};
  if (type == "HardSwish") return Function{algorithm::eltwise_hardswish};
  if (type == "Softplus") return Function{algorithm::eltwise_soft_relu};
  if (type == "Clip") return clipOf(view);
  return std::nullopt;
}

/// The layout the input has; plain where blocks that the channels do not fill would not stay zero.
Layout layoutFor(const NodeView& view, dnnl::algorithm algorithm) {
  const bool keepsZero = algorithm == dnnl::algorithm::eltwise_relu || algorithm == dnnl::algorithm::eltwise_abs;
  const bool padded = !view.layout(0).isPlain() && hasPadding(view.layout(0).desc());
  return padded && !keepsZero ? Layout{} : view.layout(0);
}

std::optional<KernelPlan> eltwisePlan(const NodeView& view, const Function& function) {
  const Layout layout = layoutFor(view, function.algorithm);
  const dnnl::memory::desc data = dnnlDesc(view.input(0), layout);
  const dnnl::eltwise_forward::primitive_desc desc(
      {dnnl::prop_kind::forward_inference, function.algorithm, data, function.alpha, function.beta},
      DnnlKernelBuilder::attributes(), engine());
  if (isDnnlReference(desc.impl_info_str())) return std::nullopt;
  KernelPlan plan = view.plainPlan(dnnlName(desc.impl_info_str()));
  for (std::size_t i = 1; i < plan.inputs.size(); ++i) plan.inputs[i].used = false;
  plan.inputs[0].layout = plan.outputs[0] = layout;
  plan.overwrites = {0};
  DnnlKernelBuilder builder;
  builder.add(desc, dnnl::eltwise_forward(desc),
              {inputArgument(DNNL_ARG_SRC, data, 0), outputArgument(DNNL_ARG_DST, data, 0)});
  plan.scratchBytes = builder.scratchBytes();
  plan.kernel = builder.finish();
  return plan;
}

/// Over memory, in whatever layout.
KernelPlan piecesPlan(const NodeView& view, std::string name, const RowFunction& function) {
  KernelPlan plan = view.plainPlan(std::move(name));
  // Blocks that the channels do not fill must stay zero, which not every function gives.
  if (!view.layout(0).isPlain() && !hasPadding(view.layout(0).desc()))
    plan.inputs[0].layout = plan.outputs[0] = view.layout(0);
  for (std::size_t i = 1; i < plan.inputs.size(); ++i) plan.inputs[i].used = false;
  plan.overwrites = {0};
  const std::int64_t count = view.output(0).shape.elements();
  plan.kernel = makeKernel([=, threads = view.threads()](const Binding& binding) {
    return [=, x = static_cast<const float*>(binding.inputs[0]), y = static_cast<float*>(binding.outputs[0])] {
      runInPieces(function, x, y, count, threads);
    };
  });
  return plan;
}

KernelPlan rowsPlan(const NodeView& view, UnaryFunction function, float alpha = 0, float beta = 0) {
  return piecesPlan(view, "rows", [=](const float* x, float* y, std::int64_t count) {
    unaryRow(function, alpha, beta, x, y, count);
  });
}

} // namespace

std::optional<KernelPlan> eltwiseKernel(const NodeView& view) {
  if (!view.allFloat()) return std::nullopt;
  const std::optional<Function> function = functionOf(view);
  return function ? eltwisePlan(view, *function) : std::nullopt;
}

std::optional<KernelPlan> unaryKernel(const NodeView& view) {
  if (!view.allFloat()) return std::nullopt;
  const std::string_view type = view.node().type;
  const UnaryFunction function = type == "Neg"          ? UnaryFunction::Neg
                                 : type == "Reciprocal" ? UnaryFunction::Reciprocal
                                 : type == "Floor"      ? UnaryFunction::Floor
                                 : type == "Ceil"       ? UnaryFunction::Ceil
                                                        : UnaryFunction::HardSigmoid;
  const float alpha = view.attributes().getFloat("alpha", 0.2f);
  const float beta = view.attributes().getFloat("beta", 0.5f);
  return rowsPlan(view, function, alpha, beta);
}

/// Functions with exponentials.
std::optional<KernelPlan> exponentialKernel(const NodeView& view) {
  using ops::ActivationKind;
  if (!view.allFloat() || view.inputCount() != 1) return std::nullopt;
  const RowCode& code = widest(kRowsVersions);
  const std::string_view type = view.node().type;
  if (type == "Erf") return piecesPlan(view, code.name, code.erf);
  if (type == "Gelu") {
    const std::string_view approximate = view.attributes().getString("approximate", "none");
    if (approximate == "tanh") return piecesPlan(view, code.name, code.geluTanh);
    if (approximate != "none") return std::nullopt;
  }
  const ActivationKind kind = type == "Gelu"      ? ActivationKind::Gelu
                              : type == "Sigmoid" ? ActivationKind::Sigmoid
                              : type == "Tanh"    ? ActivationKind::Tanh
                                                  : ActivationKind::Swish;
  return piecesPlan(view, code.name, rowFunctionOf({kind, view.attributes().getFloat("alpha", 1.0f)}));
}

/// Pow with a constant exponent of 2, 3 or 0.5; the latter differs from a power at minus infinity alone.
std::optional<KernelPlan> powKernel(const NodeView& view) {
  const TensorDesc& x = view.input(0);
  const Tensor* exponent = view.constant(1);
  if (!exponent || exponent->elements() != 1 || x.type != DataType::Float32 || x.shape.elements() == 0 ||
      x != view.output(0))
    return std::nullopt;
  const double power = exponent->asDouble(0);
  if (power == 2) return rowsPlan(view, UnaryFunction::Square);
  if (power == 3) return rowsPlan(view, UnaryFunction::Cube);
  if (power == 0.5) return eltwisePlan(view, {dnnl::algorithm::eltwise_sqrt});
  return std::nullopt;
}

} // namespace tandem::cpu
