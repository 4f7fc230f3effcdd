// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/op_def.hpp"

namespace tandem::ops {

/// A parsed Einsum for operands of given shapes. Labels are numbered: first those of the result in its order, then the
/// summed ones. An ellipsis has become one label per axis it stands for.
struct EinsumPlan {
  std::vector<std::int64_t> extents;              ///< per label; kUnknownDim where not known
  std::size_t outputLabels = 0;                   ///< how many labels the result has
  std::vector<std::vector<std::int64_t>> strides; ///< [operand][label], 0 where the operand broadcasts or lacks it;
                                                  ///< meaningless while an extent is unknown
  std::vector<std::int64_t> outputStrides;        ///< [label], 0 for summed labels

  Shape outputShape() const;
};

/// Reads attribute `equation`. Fails with ModelRejected for bad syntax, a wrong number of operands or axes, extents
/// that do not fit, or more than 32 labels.
Result<EinsumPlan> planEinsum(const Node& node, const std::vector<Shape>& shapes);

} // namespace tandem::ops
