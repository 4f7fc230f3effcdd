// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/kernel_util.hpp"

namespace tandem::ops {

/// The attribute blocksize, at least 1.
template <class Context> Result<std::int64_t> blockSize(const Context& context) {
  const std::int64_t size = context.attributes().getInt("blocksize", 0);
  // Squares of it divide channel counts, so anything larger cannot fit and would overflow.
  if (size < 1 || size > (std::int64_t{1} << 30))
    return context.fail("blocksize " + std::to_string(size) + " makes no sense");
  return size;
}

/// Copies input 0, seen as a tensor of shape `split`, with its axes in the order `perm` into output 0 of `shape`.
Result<void> permuteAs(ReferenceContext& context, const Shape& split, std::span<const std::size_t> perm,
                       const Shape& shape);

} // namespace tandem::ops
