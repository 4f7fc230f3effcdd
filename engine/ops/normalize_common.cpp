// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/normalize_common.hpp"

namespace tandem::ops {

double normalizeFlops(const Graph& graph, const Node& node) {
  return 6 * static_cast<double>(graph.value(node.inputs[0]).desc.shape.elements());
}

Result<std::vector<double>> expandParameter(const ReferenceContext& context, const Tensor& parameter,
                                            const Shape& inner) {
  std::vector<double> expanded(static_cast<std::size_t>(inner.elements()));
  if (parameter.elements() == inner.elements()) {
    for (std::size_t i = 0; i < expanded.size(); ++i) expanded[i] = parameter.asDouble(static_cast<std::int64_t>(i));
    return expanded;
  }
  Shape shape = parameter.shape();
  std::vector<std::int64_t> padded(inner.rank(), 1);
  // Leading ones beyond the normalized axes do not change what broadcasting gives.
  for (std::size_t i = 0; i < shape.rank(); ++i) {
    const std::size_t fromEnd = shape.rank() - i;
    if (fromEnd <= inner.rank())
      padded[inner.rank() - fromEnd] = shape[i];
    else if (shape[i] != 1)
      return context.fail("a parameter of shape " + shape.toString() + " does not broadcast to " + inner.toString());
  }
  for (std::size_t i = 0; i < padded.size(); ++i)
    if (padded[i] != 1 && padded[i] != inner[i])
      return context.fail("a parameter of shape " + shape.toString() + " does not broadcast to " + inner.toString());
  const auto strides = Shape(padded).strides();
  for (std::size_t i = 0; i < expanded.size(); ++i) {
    std::int64_t rest = static_cast<std::int64_t>(i), offset = 0;
    for (std::size_t axis = inner.rank(); axis-- > 0;) {
      if (padded[axis] != 1) offset += (rest % inner[axis]) * strides[axis];
      rest /= inner[axis];
    }
    expanded[i] = parameter.asDouble(offset);
  }
  return expanded;
}

std::optional<NormalizedAxes> normalizedAxes(const Node& node, const Shape& x) {
  const auto axis = normalizeAxis(node.attributes.getInt("axis", -1), x.rank());
  if (!axis) return std::nullopt;
  NormalizedAxes axes;
  axes.axis = *axis;
  for (std::size_t i = 0; i < *axis; ++i) axes.rows *= x[i];
  axes.inner = Shape(std::vector<std::int64_t>(x.begin() + static_cast<std::ptrdiff_t>(*axis), x.end()));
  axes.count = axes.inner.elements();
  return axes;
}

} // namespace tandem::ops
