// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/reduce.hpp"

namespace tandem::ops {
namespace {

bool axesAreInput(const Node& node) { return node.version >= (node.type == "ReduceSum" ? 13 : 18); }

/// reduced[axis] for every axis of the input. No axes means all of them unless the node says otherwise.
template <class Context>
Result<std::vector<bool>> reducedAxes(const Context& context, std::span<const std::int64_t> axes, std::size_t rank) {
  std::vector<bool> reduced(rank, axes.empty() && context.attributes().getInt("noop_with_empty_axes", 0) == 0);
  for (std::size_t axis : TANDEM_TRY(checkedAxes(context, axes, rank))) reduced[axis] = true;
  return reduced;
}

Shape reducedShape(const Shape& input, const std::vector<bool>& reduced, bool keepDims) {
  std::vector<std::int64_t> dims;
  for (std::size_t axis = 0; axis < input.rank(); ++axis) {
    if (!reduced[axis])
      dims.push_back(input[axis]);
    else if (keepDims)
      dims.push_back(1);
  }
  return Shape(std::move(dims));
}

} // namespace

Result<void> inferReduce(InferContext& context) {
  const DataType type = context.inputType(0);
  const Shape* input = context.inputShape(0);
  context.setOutputType(0, type);
  if (!input) return {};
  const bool keepDims = context.attributes().getInt("keepdims", 1) != 0;
  std::vector<std::int64_t> axes = context.attributes().getInts("axes");
  if (axesAreInput(context.node())) {
    axes.clear();
    if (context.hasInput(1)) {
      auto known = TANDEM_TRY(knownInts(context, 1));
      if (!known) {
        if (keepDims) context.setOutput(0, type, unknownShape(input->rank()));
        return {};
      }
      axes = *known;
    }
  }
  const auto reduced = TANDEM_TRY(reducedAxes(context, axes, input->rank()));
  context.setOutput(0, type, reducedShape(*input, reduced, keepDims));
  return {};
}

Result<ReducePlan> planReduce(const ReferenceContext& context) {
  const Shape& input = context.input(0).shape();
  std::vector<std::int64_t> axes;
  if (!axesAreInput(context.node()))
    axes = context.attributes().getInts("axes");
  else if (context.hasInput(1))
    axes = TANDEM_TRY(readInts(context, 1));
  const auto reduced = TANDEM_TRY(reducedAxes(context, axes, input.rank()));

  ReducePlan plan;
  plan.output = reducedShape(input, reduced, context.attributes().getInt("keepdims", 1) != 0);
  for (std::size_t axis = 0; axis < input.rank(); ++axis)
    if (reduced[axis]) plan.count *= input[axis];
  const Shape accumulators = reducedShape(input, reduced, true);
  if (input.elements() == 0) {
    // Nothing to walk over; a zero dim against an accumulator of one would still broadcast, but only by luck.
    plan.walk.dims[0] = 0;
    return plan;
  }
  const std::array<const Shape*, 2> operands{&accumulators, &input};
  auto walk = planBroadcast(operands);
  if (!walk) return context.fail("cannot reduce a tensor of shape " + input.toString());
  plan.walk = std::move(*walk);
  return plan;
}

double reduceFlops(const Graph& graph, const Node& node) {
  return static_cast<double>(graph.value(node.inputs[0]).desc.shape.elements());
}

} // namespace tandem::ops
