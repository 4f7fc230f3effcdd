// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/binary.hpp"

namespace tandem::ops {

namespace {

/// The slope as it broadcasts onto x. Before version 7 a list of slopes belongs to the channels (axis 1).
std::optional<Shape> slopeShape(const Node& node, const Shape& x, const Shape& slope) {
  Shape shape = slope;
  if (node.version < 7 && slope.rank() == 1 && slope[0] != 1 && x.rank() >= 2) {
    std::vector<std::int64_t> dims(x.rank() - 1, 1);
    dims[0] = slope[0];
    shape = Shape(std::move(dims));
  }
  if (shape.rank() > x.rank()) return std::nullopt;
  return shape;
}

Result<void> inferPRelu(InferContext& context) {
  const Shape *x = context.inputShape(0), *slope = context.inputShape(1);
  if (x && slope) {
    auto adapted = slopeShape(context.node(), *x, *slope);
    if (!adapted || !broadcast(*x, *adapted))
      return context.fail("slope " + slope->toString() + " does not broadcast onto " + x->toString());
  }
  return inferSameAsInput(context);
}

Result<void> prelu(ReferenceContext& context) {
  TANDEM_TRY(requireSameType(context, 0, 1));
  const Tensor &x = context.input(0), &slope = context.input(1);
  std::optional<BroadcastPlan> plan;
  auto adapted = slopeShape(context.node(), x.shape(), slope.shape());
  if (adapted) {
    const std::array<const Shape*, 2> operands{&x.shape(), &*adapted};
    plan = planBroadcast(operands);
  }
  if (!plan || plan->output != x.shape())
    return context.fail("slope " + slope.shape().toString() + " does not broadcast onto " + x.shape().toString());
  Tensor out = TANDEM_TRY(makeOutput(context, 0, x.type(), x.shape()));
  const bool known = visitOneOf(NumericTypes{}, x.type(), [&]<class T>(TypeTag<T>) {
    using C = ComputeTypeOf<T>;
    zip(*plan, x.as<T>().data(), slope.as<T>().data(), out.mutableAs<T>().data(), [](T value, T factor) {
      return static_cast<C>(value) < 0 ? static_cast<T>(wrapMul(static_cast<C>(value), static_cast<C>(factor))) : value;
    });
  });
  if (!known) return unsupportedType(context, x.type());
  return {};
}

} // namespace

// ONNX PRelu: x, or slope * x below zero; the slope broadcasts onto x but not the other way round.
extern const OpDef kPRelu = binaryOp("PRelu", {1, 6, 7, 9, 16}, prelu, inferPRelu);

} // namespace tandem::ops
