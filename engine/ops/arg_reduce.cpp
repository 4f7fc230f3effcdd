// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/arg_reduce.hpp"

namespace tandem::ops {
namespace {

template <class Context> Shape argShape(const Context& context, const Shape& input, std::size_t axis) {
  std::vector<std::int64_t> dims = input.dims();
  if (context.attributes().getInt("keepdims", 1) != 0)
    dims[axis] = 1;
  else
    dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(axis));
  return Shape(std::move(dims));
}

} // namespace

Result<void> inferArgReduce(InferContext& context) {
  context.setOutputType(0, DataType::Int64);
  const Shape* input = context.inputShape(0);
  if (!input) return {};
  const std::size_t axis = TANDEM_TRY(checkedAxis(context, context.attributes().getInt("axis", 0), input->rank()));
  context.setOutput(0, DataType::Int64, argShape(context, *input, axis));
  return {};
}

Result<ArgReducePlan> planArgReduce(const ReferenceContext& context) {
  const Shape& input = context.input(0).shape();
  const std::size_t axis = TANDEM_TRY(checkedAxis(context, context.attributes().getInt("axis", 0), input.rank()));
  ArgReducePlan plan;
  plan.output = argShape(context, input, axis);
  plan.outer = dimProduct(input, 0, axis);
  plan.length = input[axis];
  plan.inner = dimProduct(input, axis + 1, input.rank());
  plan.selectLast = context.attributes().getInt("select_last_index", 0) != 0;
  if (plan.length == 0 && plan.outer * plan.inner > 0)
    return context.fail("axis " + std::to_string(axis) + " has no element to choose");
  return plan;
}

} // namespace tandem::ops
