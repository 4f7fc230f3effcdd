// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/floating.hpp"
#include "engine/ops/normalize_common.hpp"

#include <cmath>

namespace tandem::ops {
namespace {

/// One flag per axis: is it reduced? Nullopt where an axis does not exist.
std::optional<std::vector<bool>> reducedAxes(const Node& node, std::size_t rank) {
  std::vector<bool> reduced(rank, false);
  for (std::int64_t axis : node.attributes.getInts("axes", {0, 2, 3})) {
    const auto index = normalizeAxis(axis, rank);
    if (!index) return std::nullopt;
    reduced[*index] = true;
  }
  return reduced;
}

Result<void> infer(InferContext& context) {
  if (const Shape* x = context.inputShape(0); x && !reducedAxes(context.node(), x->rank()))
    return context.fail("axes do not exist in " + x->toString());
  return inferSameAsInput(context);
}

/// For every element, the index of the group of elements that share mean and variance.
std::vector<std::size_t> groupIndices(const Shape& shape, const std::vector<bool>& reduced, std::size_t& groups) {
  std::vector<std::size_t> factor(shape.rank(), 0);
  groups = 1;
  for (std::size_t axis = shape.rank(); axis-- > 0;)
    if (!reduced[axis]) {
      factor[axis] = groups;
      groups *= static_cast<std::size_t>(shape[axis]);
    }
  std::vector<std::size_t> indices(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < indices.size(); ++i) {
    std::size_t rest = i;
    for (std::size_t axis = shape.rank(); axis-- > 0;) {
      const auto extent = static_cast<std::size_t>(shape[axis]);
      indices[i] += rest % extent * factor[axis];
      rest /= extent;
    }
  }
  return indices;
}

template <class C> void normalize(ReferenceContext& context, const std::vector<bool>& reduced) {
  constexpr double kEpsilon = 1e-9; // of the function body in the specification
  const Tensor& x = context.input(0);
  const Elements<C> source(x);
  Results<C> y(context.output(0, x.type(), x.shape()));
  std::size_t groups = 0;
  const std::vector<std::size_t> group = groupIndices(x.shape(), reduced, groups);
  std::vector<double> mean(groups), variance(groups);
  const double count = static_cast<double>(group.size()) / static_cast<double>(std::max<std::size_t>(1, groups));
  for (std::size_t i = 0; i < group.size(); ++i) mean[group[i]] += static_cast<double>(source.data()[i]) / count;
  for (std::size_t i = 0; i < group.size(); ++i) {
    const double difference = static_cast<double>(source.data()[i]) - mean[group[i]];
    variance[group[i]] += difference * difference / count;
  }
  for (std::size_t i = 0; i < group.size(); ++i)
    y.data()[i] = static_cast<C>((static_cast<double>(source.data()[i]) - mean[group[i]]) /
                                 (std::sqrt(variance[group[i]]) + kEpsilon));
  y.store();
}

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  const auto reduced = reducedAxes(context.node(), x.shape().rank());
  if (!reduced) return context.fail("axes do not exist in " + x.shape().toString());
  if (!visitCompute(x.type(), [&]<class C>(TypeTag<C>) { normalize<C>(context, *reduced); }))
    return context.fail("cannot normalize " + x.desc().toString());
  return {};
}

} // namespace

// ONNX MeanVarianceNormalization: (x - mean) / standard deviation over `axes`.
extern const OpDef kMeanVarianceNormalization = {.type = "MeanVarianceNormalization",
                                                 .domain = "",
                                                 .versions = {9, 13},
                                                 .infer = infer,
                                                 .flops = normalizeFlops,
                                                 .reference = reference};

} // namespace tandem::ops
