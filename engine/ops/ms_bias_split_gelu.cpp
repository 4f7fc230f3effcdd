// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/gelu_common.hpp"

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) {
  const Shape* x = context.inputShape(0);
  if (!x) return context.setOutputType(0, context.inputType(0)), Result<void>{};
  if (x->rank() < 1) return context.fail("a scalar cannot be split");
  Shape half = *x;
  std::int64_t& last = half[half.rank() - 1];
  if (last != kUnknownDim && last % 2 != 0) return context.fail("cannot split " + x->toString() + " into halves");
  if (last != kUnknownDim) last /= 2;
  context.setOutput(0, context.inputType(0), half);
  return {};
}

Result<void> reference(ReferenceContext& context) {
  const Tensor &x = context.input(0), &bias = context.input(1);
  const std::int64_t width = x.shape().rank() == 0 ? 0 : x.shape()[x.shape().rank() - 1];
  if (x.shape().rank() == 0 || width % 2 != 0 || bias.elements() != width)
    return context.fail("cannot split " + x.shape().toString() + " plus a bias " + bias.shape().toString() +
                        " into halves");
  Shape shape = x.shape();
  shape[shape.rank() - 1] = width / 2;
  Tensor y = TANDEM_TRY(makeOutput(context, 0, x.type(), shape));
  const bool known = visitCompute(x.type(), [&]<class C>(TypeTag<C>) {
    const Elements<C> source(x), added(bias);
    Results<C> result(y);
    const std::int64_t half = width / 2;
    for (std::int64_t i = 0; i < y.elements(); ++i) {
      const std::int64_t left = i / half * width + i % half;
      result.data()[i] = (source[left] + added[i % half]) * gelu(source[left + half] + added[i % half + half]);
    }
    result.store();
  });
  if (!known) return unsupportedType(context, x.type());
  return {};
}

} // namespace

// com.microsoft BiasSplitGelu: the left half of X + bias times Gelu of the right half.
extern const OpDef kMsBiasSplitGelu = {.type = "BiasSplitGelu",
                                       .domain = "com.microsoft",
                                       .versions = {1},
                                       .minInputs = 2,
                                       .maxInputs = 2,
                                       .infer = infer,
                                       .flops = flopsPerOutputElement,
                                       .reference = reference};

} // namespace tandem::ops
