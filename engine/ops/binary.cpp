// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/binary.hpp"

#include <algorithm>

namespace tandem::ops {

std::optional<BroadcastPlan> planBroadcast(std::span<const Shape* const> operands) {
  TANDEM_ASSERT(!operands.empty() && operands.size() <= BroadcastPlan::kMaxOperands);
  Shape output = *operands[0];
  for (const Shape* shape : operands.subspan(1)) {
    auto next = broadcast(output, *shape);
    if (!next) return std::nullopt;
    output = std::move(*next);
  }
  if (output.rank() > kMaxRank || !output.checkedElements()) return std::nullopt;

  BroadcastPlan plan;
  std::vector<std::vector<std::int64_t>> strides;
  for (const Shape* shape : operands) strides.push_back(shape->strides());
  auto strideOf = [&](std::size_t k, std::size_t axisFromEnd) {
    const Shape& shape = *operands[k];
    if (axisFromEnd >= shape.rank() || shape[shape.rank() - 1 - axisFromEnd] == 1) return std::int64_t{0};
    return strides[k][shape.rank() - 1 - axisFromEnd];
  };
  // Built innermost first, then reversed.
  std::size_t count = 0;
  for (std::size_t i = 0; i < output.rank(); ++i) {
    const std::int64_t dim = output[output.rank() - 1 - i];
    if (dim == 1) continue;
    bool merges = count > 0;
    for (std::size_t k = 0; merges && k < operands.size(); ++k)
      merges = strideOf(k, i) == plan.strides[k][count - 1] * plan.dims[count - 1];
    if (merges) {
      plan.dims[count - 1] *= dim;
      continue;
    }
    plan.dims[count] = dim;
    for (std::size_t k = 0; k < operands.size(); ++k) plan.strides[k][count] = strideOf(k, i);
    ++count;
  }
  if (count == 0) {
    plan.dims[0] = 1;
    count = 1;
  }
  plan.rank = count;
  std::reverse(plan.dims.begin(), plan.dims.begin() + static_cast<std::ptrdiff_t>(count));
  for (auto& list : plan.strides) std::reverse(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(count));
  plan.output = std::move(output);
  return plan;
}

std::optional<Shape> secondOperandShape(const Node& node, const Shape& first, const Shape& second) {
  if (node.version >= 7) return second;
  if (node.attributes.getInt("broadcast", 0) == 0) {
    if (!first.isStatic() || !second.isStatic() || first == second) return second;
    return std::nullopt;
  }
  if (!node.attributes.has("axis")) return second;
  auto axis = normalizeAxis(node.attributes.getInt("axis", 0), first.rank());
  if (!axis || *axis + second.rank() > first.rank()) return std::nullopt;
  std::vector<std::int64_t> dims = second.dims();
  dims.resize(first.rank() - *axis, 1);
  return Shape(std::move(dims));
}

namespace {

Result<void> checkTypes(const InferContext& context) {
  const DataType first = context.inputType(0), second = context.inputType(1);
  if (first == second || first == DataType::Undefined || second == DataType::Undefined) return {};
  return context.fail("the inputs have different types, " + std::string(toString(first)) + " and " +
                      std::string(toString(second)));
}

Result<void> inferAs(InferContext& context, DataType type) {
  const Shape *a = context.inputShape(0), *b = context.inputShape(1);
  if (!a || !b) {
    context.setOutputType(0, type);
    return {};
  }
  auto adapted = secondOperandShape(context.node(), *a, *b);
  auto shape = adapted ? broadcast(*a, *adapted) : std::nullopt;
  if (!shape) return context.fail("shapes " + a->toString() + " and " + b->toString() + " do not broadcast");
  context.setOutput(0, type, *shape);
  return {};
}

} // namespace

Result<void> inferBinary(InferContext& context) {
  TANDEM_TRY(checkTypes(context));
  return inferAs(context, context.inputType(0));
}
Result<void> inferComparison(InferContext& context) {
  TANDEM_TRY(checkTypes(context));
  return inferAs(context, DataType::Bool);
}
Result<void> inferMixedBinary(InferContext& context) { return inferAs(context, context.inputType(0)); }

Result<void> requireNoIntegerZero(const ReferenceContext& context, std::size_t index) {
  bool zero = false;
  const Tensor& tensor = context.input(index);
  visitOneOf(IntegerTypes{}, tensor.type(), [&]<class T>(TypeTag<T>) {
    for (T value : tensor.as<T>()) zero |= value == 0;
  });
  if (zero) return context.fail("integer division by zero");
  return {};
}

Result<BroadcastPlan> planBinary(const ReferenceContext& context) {
  TANDEM_TRY(requireSameType(context, 0, 1));
  const Shape &a = context.input(0).shape(), &b = context.input(1).shape();
  std::optional<BroadcastPlan> plan;
  if (auto adapted = secondOperandShape(context.node(), a, b)) {
    const std::array<const Shape*, 2> operands{&a, &*adapted};
    plan = planBroadcast(operands);
  }
  if (!plan) return context.fail("shapes " + a.toString() + " and " + b.toString() + " do not broadcast");
  return std::move(*plan);
}

} // namespace tandem::ops
