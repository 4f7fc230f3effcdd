// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/along_axis.hpp"

namespace tandem::ops {
namespace {

/// Before version 13 the axis may equal the rank's end only through its negative forms; a scalar has one line.
std::optional<std::size_t> softmaxAxis(const Node& node, std::size_t rank) {
  const std::int64_t axis = node.attributes.getInt("axis", node.version < 13 ? 1 : -1);
  if (node.version < 13 && axis == static_cast<std::int64_t>(rank)) return rank;
  return normalizeAxis(axis, rank);
}

} // namespace

std::optional<Lines> softmaxLines(const Node& node, const Shape& shape) {
  const auto axis = softmaxAxis(node, shape.rank());
  if (!axis) return std::nullopt;
  Lines lines;
  for (std::size_t i = 0; i < *axis; ++i) lines.outer *= shape[i];
  if (node.version < 13) {
    for (std::size_t i = *axis; i < shape.rank(); ++i) lines.count *= shape[i];
  } else {
    lines.count = shape[*axis];
    for (std::size_t i = *axis + 1; i < shape.rank(); ++i) lines.step *= shape[i];
  }
  return lines;
}

Result<void> inferSoftmax(InferContext& context) {
  if (const Shape* x = context.inputShape(0); x && !softmaxAxis(context.node(), x->rank()))
    return context.fail("axis does not exist in " + x->toString());
  return inferSameAsInput(context);
}

} // namespace tandem::ops
