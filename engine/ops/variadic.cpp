// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/variadic.hpp"

namespace tandem::ops {
namespace {

/// The shapes joined so far with the next one; nullopt where they do not fit.
std::optional<Shape> join(const Node& node, const Shape& joined, const Shape& next) {
  if (node.version < 8 && joined.isStatic() && next.isStatic() && joined != next) return std::nullopt;
  return broadcast(joined, next);
}

} // namespace

Result<void> inferVariadic(InferContext& context) {
  const DataType type = context.inputType(0);
  std::optional<Shape> joined;
  for (std::size_t i = 0; i < context.inputCount(); ++i) {
    const Shape* shape = context.inputShape(i);
    if (!shape) {
      context.setOutputType(0, type);
      return {};
    }
    auto next = i == 0 ? *shape : join(context.node(), *joined, *shape);
    if (!next) return context.fail("shapes " + joined->toString() + " and " + shape->toString() + " do not broadcast");
    joined = std::move(next);
  }
  setOutputMaybe(context, 0, type, joined);
  return {};
}

Result<Shape> variadicShape(const ReferenceContext& context) {
  Shape joined = context.input(0).shape();
  for (std::size_t i = 1; i < context.inputCount(); ++i) {
    TANDEM_TRY(requireSameType(context, 0, i));
    auto next = join(context.node(), joined, context.input(i).shape());
    if (!next)
      return context.fail("shapes " + joined.toString() + " and " + context.input(i).shape().toString() +
                          " do not broadcast");
    joined = std::move(*next);
  }
  return joined;
}

double variadicFlops(const Graph& graph, const Node& node) {
  return flopsPerOutputElement(graph, node) * static_cast<double>(node.inputs.size() - 1);
}

} // namespace tandem::ops
