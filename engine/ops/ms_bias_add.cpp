// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/floating.hpp"
#include "engine/ops/unary.hpp"

namespace tandem::ops {
namespace {

Result<void> reference(ReferenceContext& context) {
  const Tensor &x = context.input(0), &bias = context.input(1), &skip = context.input(2);
  const std::int64_t channels = x.shape().rank() == 0 ? 0 : x.shape()[x.shape().rank() - 1];
  if (bias.elements() != channels || skip.shape() != x.shape())
    return context.fail("bias " + bias.shape().toString() + " and skip " + skip.shape().toString() +
                        " do not go with " + x.shape().toString());
  Tensor y = TANDEM_TRY(makeOutput(context, 0, x.type(), x.shape()));
  const bool known = visitCompute(x.type(), [&]<class C>(TypeTag<C>) {
    const Elements<C> a(x), b(bias), c(skip);
    Results<C> result(y);
    for (std::int64_t i = 0; i < x.elements(); ++i) result.data()[i] = a[i] + b[i % channels] + c[i];
    result.store();
  });
  if (!known) return unsupportedType(context, x.type());
  return {};
}

} // namespace

// com.microsoft BiasAdd: X + bias (along the last axis) + skip.
extern const OpDef kMsBiasAdd = {.type = "BiasAdd",
                                 .domain = "com.microsoft",
                                 .versions = {1},
                                 .minInputs = 3,
                                 .maxInputs = 3,
                                 .infer = inferSameAsInput,
                                 .flops = flopsPerOutputElement,
                                 .reference = reference};

} // namespace tandem::ops
