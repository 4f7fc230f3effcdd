// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/unary.hpp"

#include <vector>

namespace tandem::ops {

/// Two passes of a multiply-add for the moments, one to apply: six operations per element.
double normalizeFlops(const Graph& graph, const Node& node);

/// `parameter` (scale or bias) as it broadcasts over the normalized axes `inner`: one double per inner element.
/// Fails with InputRejected where it does not.
Result<std::vector<double>> expandParameter(const ReferenceContext& context, const Tensor& parameter,
                                            const Shape& inner);

/// What LayerNormalization and RMSNormalization normalize over: the axes from `axis` on.
struct NormalizedAxes {
  std::size_t axis = 0;
  std::int64_t rows = 1;  ///< product of the axes before
  std::int64_t count = 1; ///< product of the axes from there on
  Shape inner;            ///< the axes from there on
};
/// From attribute `axis` (default -1) and a static shape; nullopt where the axis does not exist.
std::optional<NormalizedAxes> normalizedAxes(const Node& node, const Shape& x);

} // namespace tandem::ops
