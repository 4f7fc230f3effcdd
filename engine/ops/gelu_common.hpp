// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/floating.hpp"
#include "engine/ops/unary.hpp"

#include <numbers>

namespace tandem::ops {

/// x * Phi(x) with the normal distribution's Phi by erf.
template <class Real> Real gelu(Real x) { return x * Real(0.5) * (1 + std::erf(x / Real(std::numbers::sqrt2))); }

/// The same by tanh (Hendrycks, Gimpel, Gaussian Error Linear Units, arXiv:1606.08415).
template <class Real> Real geluByTanh(Real x) {
  const Real inner = Real(std::numbers::sqrt2 * std::numbers::inv_sqrtpi) * (x + Real(0.044715) * x * x * x);
  return x * Real(0.5) * (1 + std::tanh(inner));
}

/// output = f(x + bias), the bias (input 1) along the last axis; f(x) where the node has none.
template <class F> Result<void> mapBiased(ReferenceContext& context, F f) {
  const Tensor& x = context.input(0);
  if (!context.hasInput(1)) return mapFloating(context, f);
  const Tensor& bias = context.input(1);
  const std::int64_t width = x.shape().rank() == 0 ? 1 : x.shape()[x.shape().rank() - 1];
  if (bias.elements() != width || bias.type() != x.type())
    return context.fail("a bias " + bias.desc().toString() + " does not go with " + x.desc().toString());
  Tensor y = TANDEM_TRY(makeOutput(context, 0, x.type(), x.shape()));
  const bool known = visitCompute(x.type(), [&]<class C>(TypeTag<C>) {
    const Elements<C> source(x), added(bias);
    Results<C> result(y);
    C* out = result.data();
    for (std::int64_t row = 0; row < x.elements(); row += width)
      for (std::int64_t i = 0; i < width; ++i) out[row + i] = f(source[row + i] + added[i]);
    result.store();
  });
  if (!known) return unsupportedType(context, x.type());
  return {};
}

} // namespace tandem::ops
