// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/kernel_util.hpp"

namespace tandem::ops {

/// Indices of input `index` (int32 or int64), negative ones counted from the end of `dim`; fails outside of it.
Result<std::vector<std::int64_t>> readIndices(const ReferenceContext& context, std::size_t index, std::int64_t dim);

/// How Scatter operators join an update with what is there.
enum class Reduction { None, Add, Mul, Max, Min };
Result<Reduction> reductionOf(const ReferenceContext& context);
/// dst = dst joined with src for one element; 16-bit floats in float, integers wrap, bool adds as or.
template <class T> void applyReduction(Reduction reduction, T& dst, T src) {
  using C = ComputeTypeOf<T>;
  const C a = static_cast<C>(dst), b = static_cast<C>(src);
  switch (reduction) {
  case Reduction::None: dst = src; break;
  case Reduction::Add: dst = convert<T>(wrapAdd(a, b)); break;
  case Reduction::Mul: dst = convert<T>(wrapMul(a, b)); break;
  case Reduction::Max: dst = b > a || isNaN(b) ? src : dst; break;
  case Reduction::Min: dst = b < a || isNaN(b) ? src : dst; break;
  }
}

/// Offsets of index tuples, `tuple` numbers each, into dims [0, tuple) of `shape`, in elements of the tensor; fails
/// where one is outside.
Result<std::vector<std::int64_t>> tupleOffsets(const ReferenceContext& context, const Tensor& indices,
                                               std::span<const std::int64_t> dims,
                                               std::span<const std::int64_t> strides);

} // namespace tandem::ops
