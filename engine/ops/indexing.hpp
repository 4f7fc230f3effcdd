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

/// f(i, offset) for every element i of `shape`, in order: offset is its place in a tensor with `strides`, but along
/// `axis` the place that indices[i] says.
template <class F>
void forEachAlong(const Shape& shape, std::span<const std::int64_t> strides, std::size_t axis,
                  std::span<const std::int64_t> indices, F f) {
  if (indices.empty()) return;
  const std::size_t last = shape.rank() - 1;
  const std::int64_t step = axis == last ? 0 : strides[last];
  std::vector<std::int64_t> position(shape.rank(), 0);
  for (std::size_t first = 0; first < indices.size(); first += static_cast<std::size_t>(shape[last])) {
    std::int64_t base = 0;
    for (std::size_t k = 0; k < last; ++k)
      if (k != axis) base += position[k] * strides[k];
    for (std::int64_t i = 0; i < shape[last]; ++i) {
      const std::size_t at = first + static_cast<std::size_t>(i);
      f(at, base + indices[at] * strides[axis] + i * step);
    }
    for (std::size_t k = last; k-- > 0;) {
      if (++position[k] < shape[k]) break;
      position[k] = 0;
    }
  }
}

/// Offsets of index tuples, `tuple` numbers each, into dims [0, tuple) of `shape`, in elements of the tensor; fails
/// where one is outside.
Result<std::vector<std::int64_t>> tupleOffsets(const ReferenceContext& context, const Tensor& indices,
                                               std::span<const std::int64_t> dims,
                                               std::span<const std::int64_t> strides);

} // namespace tandem::ops
