// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/strided.hpp"

#include <algorithm>
#include <cstring>

namespace tandem::ops {
namespace {

/// Drops dims of one and merges neighbours that form one longer walk. Leaves at least one dim.
void mergeDims(StridedView& view) {
  std::vector<std::int64_t> dims, strides;
  for (std::size_t axis = 0; axis < view.dims.size(); ++axis) {
    if (view.dims[axis] == 1) continue;
    if (!dims.empty() && strides.back() == view.strides[axis] * view.dims[axis]) {
      dims.back() *= view.dims[axis];
      strides.back() = view.strides[axis];
    } else {
      dims.push_back(view.dims[axis]);
      strides.push_back(view.strides[axis]);
    }
  }
  if (dims.empty()) {
    dims.push_back(1);
    strides.push_back(1);
  }
  view.dims = std::move(dims);
  view.strides = std::move(strides);
}

/// dst[i * dstStride + j] = src[i + j * step]: a transposed plane, in tiles that keep both sides in the first cache.
template <class T>
void copyPlane(const T* src, std::int64_t rows, std::int64_t columns, std::int64_t step, T* dst,
               std::int64_t dstStride) {
  constexpr std::int64_t kTile = 32;
  for (std::int64_t i0 = 0; i0 < rows; i0 += kTile)
    for (std::int64_t j0 = 0; j0 < columns; j0 += kTile)
      for (std::int64_t i = i0; i < std::min(i0 + kTile, rows); ++i)
        for (std::int64_t j = j0; j < std::min(j0 + kTile, columns); ++j) dst[i * dstStride + j] = src[i + j * step];
}

/// For views whose last axis is strided while axis `fast` is contiguous in the source.
template <class T> void copyPlanes(const T* src, const StridedView& view, std::size_t fast, T* dst) {
  const std::size_t last = view.dims.size() - 1;
  const std::vector<std::int64_t> dstStrides = Shape(view.dims).strides();
  std::int64_t planes = 1;
  for (std::size_t axis = 0; axis < last; ++axis)
    if (axis != fast) planes *= view.dims[axis];
  std::vector<std::int64_t> index(view.dims.size(), 0);
  std::int64_t from = view.offset, to = 0;
  for (std::int64_t plane = 0; plane < planes; ++plane) {
    copyPlane(src + from, view.dims[fast], view.dims[last], view.strides[last], dst + to, dstStrides[fast]);
    for (std::size_t axis = last; axis-- > 0;) {
      if (axis == fast) continue;
      from += view.strides[axis];
      to += dstStrides[axis];
      if (++index[axis] < view.dims[axis]) break;
      from -= view.strides[axis] * view.dims[axis];
      to -= dstStrides[axis] * view.dims[axis];
      index[axis] = 0;
    }
  }
}

template <class T> void copyRows(const T* src, const StridedView& view, T* dst) {
  const std::size_t last = view.dims.size() - 1;
  const std::int64_t length = view.dims[last], step = view.strides[last];
  std::int64_t total = 1;
  for (std::int64_t dim : view.dims) total *= dim;
  std::vector<std::int64_t> index(view.dims.size(), 0);
  std::int64_t at = view.offset;
  for (std::int64_t done = 0; done < total; done += length) {
    if (step == 1) {
      std::memcpy(dst + done, src + at, static_cast<std::size_t>(length) * sizeof(T));
    } else {
      for (std::int64_t i = 0; i < length; ++i) dst[done + i] = src[at + i * step];
    }
    for (std::size_t axis = last; axis-- > 0;) {
      at += view.strides[axis];
      if (++index[axis] < view.dims[axis]) break;
      at -= view.strides[axis] * view.dims[axis];
      index[axis] = 0;
    }
  }
}

template <class T> void copyElements(const T* src, const StridedView& view, T* dst) {
  const std::size_t last = view.dims.size() - 1;
  const auto fast = std::find(view.strides.begin(), view.strides.end(), 1) - view.strides.begin();
  if (view.strides[last] > 1 && static_cast<std::size_t>(fast) < last)
    copyPlanes(src, view, static_cast<std::size_t>(fast), dst);
  else
    copyRows(src, view, dst);
}

} // namespace

void copyStrided(const void* src, StridedView view, void* dst, std::size_t elementBytes) {
  for (std::int64_t dim : view.dims)
    if (dim == 0) return;
  mergeDims(view);
  switch (elementBytes) {
  case 1: copyElements(static_cast<const std::uint8_t*>(src), view, static_cast<std::uint8_t*>(dst)); break;
  case 2: copyElements(static_cast<const std::uint16_t*>(src), view, static_cast<std::uint16_t*>(dst)); break;
  case 4: copyElements(static_cast<const std::uint32_t*>(src), view, static_cast<std::uint32_t*>(dst)); break;
  case 8: copyElements(static_cast<const std::uint64_t*>(src), view, static_cast<std::uint64_t*>(dst)); break;
  default: TANDEM_ASSERT(false);
  }
}

} // namespace tandem::ops
