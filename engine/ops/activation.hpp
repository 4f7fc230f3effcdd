// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/graph.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tandem::ops {

enum class ActivationKind { None, Relu, Clip, LeakyRelu, Sigmoid, HardSigmoid, HardSwish, Tanh, Elu, Gelu, Swish };

/// The function that FusedConv and FusedGemm apply to their sums. Clip: alpha = min, beta = max; LeakyRelu, Elu, Swish:
/// alpha; HardSigmoid: alpha, beta; others use neither. Gelu is the exact one (erf).
struct Activation {
  ActivationKind kind = ActivationKind::None;
  float alpha = 0;
  float beta = 0;
};

/// Reads attributes `activation` (operator name, "" for none), `activation_alpha` and `activation_beta`; ONNX's
/// defaults where the numbers are absent. Fails with ModelRejected for a name it does not know.
Result<Activation> activationOf(const Node& node);

/// NaN stays NaN. `Real` is float or double.
template <class Real> Real applyActivation(const Activation& activation, Real x) {
  const Real alpha = static_cast<Real>(activation.alpha);
  const Real beta = static_cast<Real>(activation.beta);
  switch (activation.kind) {
  case ActivationKind::None: return x;
  case ActivationKind::Relu: return x < 0 ? Real(0) : x;
  case ActivationKind::Clip: return x < alpha ? std::min(alpha, beta) : (x > beta ? beta : x);
  case ActivationKind::LeakyRelu: return x < 0 ? alpha * x : x;
  case ActivationKind::Sigmoid: return Real(1) / (Real(1) + std::exp(-x));
  case ActivationKind::HardSigmoid: return std::max(std::min(alpha * x + beta, Real(1)), Real(0));
  case ActivationKind::HardSwish: return x * std::max(std::min(x / Real(6) + Real(0.5), Real(1)), Real(0));
  case ActivationKind::Tanh: return std::tanh(x);
  case ActivationKind::Elu: return x < 0 ? alpha * std::expm1(x) : x;
  case ActivationKind::Gelu: return Real(0.5) * x * (Real(1) + std::erf(x * Real(0.70710678118654752440)));
  case ActivationKind::Swish: return x / (Real(1) + std::exp(-alpha * x));
  }
  return x;
}

} // namespace tandem::ops
