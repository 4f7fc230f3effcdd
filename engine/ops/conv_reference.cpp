// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/conv_reference.hpp"

#include "engine/ops/floating.hpp"

namespace tandem::ops {

Result<void> checkBias(const ReferenceContext& context, std::size_t index, std::int64_t channels) {
  if (!context.hasInput(index) || context.input(index).elements() == channels) return {};
  return context.fail("the bias " + context.input(index).shape().toString() + " does not have one entry for each of " +
                      std::to_string(channels) + " channels");
}

Result<void> convReference(ReferenceContext& context, std::size_t residualInput, const Activation& activation) {
  const Tensor& x = context.input(0);
  const Tensor& weights = context.input(1);
  const ConvGeometry geometry = TANDEM_TRY(convGeometry(context.node(), x.shape(), weights.shape()));
  TANDEM_TRY(checkBias(context, 2, geometry.outputChannels));
  const bool hasResidual = context.hasInput(residualInput);
  if (hasResidual && context.input(residualInput).shape() != geometry.outputShape())
    return context.fail("the residual " + context.input(residualInput).shape().toString() +
                        " does not have the shape of the result " + geometry.outputShape().toString());
  Tensor y = context.output(0, x.type(), geometry.outputShape());
  const bool known = visitCompute(x.type(), [&]<class C>(TypeTag<C>) {
    const Elements<C> source(x), kernel(weights);
    std::optional<Elements<C>> bias, residual;
    if (context.hasInput(2)) bias.emplace(context.input(2));
    if (hasResidual) residual.emplace(context.input(residualInput));
    Results<C> result(y);
    C* dst = result.data();
    convolve(geometry, source.data(), kernel.data(), bias ? bias->data() : nullptr, dst);
    const std::int64_t count = y.elements();
    if (residual)
      for (std::int64_t i = 0; i < count; ++i) dst[i] += residual->data()[i];
    if (activation.kind != ActivationKind::None)
      for (std::int64_t i = 0; i < count; ++i) dst[i] = applyActivation(activation, dst[i]);
    result.store();
  });
  if (!known) return context.fail("cannot convolve " + x.desc().toString());
  return {};
}

} // namespace tandem::ops
