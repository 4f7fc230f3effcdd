// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/post_ops.hpp"

namespace tandem::cpu {

void appendActivation(dnnl::post_ops& ops, const ops::Activation& activation) {
  using algorithm = dnnl::algorithm;
  using ops::ActivationKind;
  const float alpha = activation.alpha, beta = activation.beta;
  switch (activation.kind) {
  case ActivationKind::None: return;
  case ActivationKind::Relu: ops.append_eltwise(1, algorithm::eltwise_relu, 0, 0); return;
  case ActivationKind::Clip: ops.append_eltwise(1, algorithm::eltwise_clip, alpha, beta); return;
  case ActivationKind::LeakyRelu: ops.append_eltwise(1, algorithm::eltwise_relu, alpha, 0); return;
  case ActivationKind::Sigmoid: ops.append_eltwise(1, algorithm::eltwise_logistic, 0, 0); return;
  case ActivationKind::HardSigmoid:
    ops.append_eltwise(1, algorithm::eltwise_linear, alpha, beta);
    ops.append_eltwise(1, algorithm::eltwise_clip, 0, 1);
    return;
  case ActivationKind::HardSwish: ops.append_eltwise(1, algorithm::eltwise_hardswish, 0, 0); return;
  case ActivationKind::Tanh: ops.append_eltwise(1, algorithm::eltwise_tanh, 0, 0); return;
  case ActivationKind::Elu: ops.append_eltwise(1, algorithm::eltwise_elu, alpha, 0); return;
  case ActivationKind::Gelu: ops.append_eltwise(1, algorithm::eltwise_gelu_erf, 0, 0); return;
  case ActivationKind::Swish: ops.append_eltwise(1, algorithm::eltwise_swish, alpha, 0); return;
  }
}

} // namespace tandem::cpu
