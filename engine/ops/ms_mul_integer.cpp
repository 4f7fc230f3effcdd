// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/binary.hpp"
#include "engine/ops/quantization.hpp"

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) {
  const Shape *a = context.inputShape(0), *b = context.inputShape(2);
  if (!a || !b) return context.setOutputType(0, DataType::Int32), Result<void>{};
  const auto shape = broadcast(*a, *b);
  if (!shape) return context.fail("cannot broadcast " + a->toString() + " and " + b->toString());
  context.setOutput(0, DataType::Int32, *shape);
  return {};
}

Result<std::int32_t> zeroPoint(const ReferenceContext& context, std::size_t index) {
  if (!context.hasInput(index)) return 0;
  if (context.input(index).elements() != 1 || !isInteger(context.input(index).type()))
    return context.fail("input " + std::to_string(index) + " must be one zero point");
  return static_cast<std::int32_t>(context.input(index).asInt(0));
}

Result<void> reference(ReferenceContext& context) {
  const Tensor &a = context.input(0), &b = context.input(2);
  const Shape* shapes[] = {&a.shape(), &b.shape()};
  const auto plan = planBroadcast(shapes);
  if (!plan) return context.fail("cannot broadcast " + a.shape().toString() + " and " + b.shape().toString());
  if (a.type() != b.type()) return context.fail("the operands differ in type");
  const std::int32_t zeroA = TANDEM_TRY(zeroPoint(context, 1)), zeroB = TANDEM_TRY(zeroPoint(context, 3));
  Tensor y = TANDEM_TRY(makeOutput(context, 0, DataType::Int32, plan->output));
  const bool known = visitOneOf(NarrowTypes{}, a.type(), [&]<class Q>(TypeTag<Q>) {
    zip(*plan, a.as<Q>().data(), b.as<Q>().data(), y.mutableAs<std::int32_t>().data(),
        [&](Q left, Q right) { return (left - zeroA) * (right - zeroB); });
  });
  if (!known) return unsupportedType(context, a.type());
  return {};
}

} // namespace

// com.microsoft MulInteger: A, A_zero_point, B, B_zero_point; int32 products.
extern const OpDef kMsMulInteger = {.type = "MulInteger",
                                    .domain = "com.microsoft",
                                    .versions = {1},
                                    .minInputs = 3,
                                    .maxInputs = 4,
                                    .traits = OpTrait::Elementwise,
                                    .infer = infer,
                                    .flops = flopsPerOutputElement,
                                    .reference = reference};

} // namespace tandem::ops
