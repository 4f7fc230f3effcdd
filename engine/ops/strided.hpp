// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/tensor/tensor.hpp"

namespace tandem::ops {

/// A walk over a source tensor: result element (i0, i1, ...) is source element offset + sum of i_k * strides[k].
/// Strides may be zero (repeat) or negative (backwards).
struct StridedView {
  std::vector<std::int64_t> dims;
  std::vector<std::int64_t> strides; ///< elements
  std::int64_t offset = 0;           ///< elements
};

/// Writes the elements of `view` to `dst` in row-major order. The caller guarantees that the view stays inside `src`.
void copyStrided(const void* src, StridedView view, void* dst, std::size_t elementBytes);

} // namespace tandem::ops
