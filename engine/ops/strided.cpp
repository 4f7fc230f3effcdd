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

} // namespace

void copyStrided(const void* src, StridedView view, void* dst, std::size_t elementBytes) {
  mergeDims(view);
  switch (elementBytes) {
  case 1: copyRows(static_cast<const std::uint8_t*>(src), view, static_cast<std::uint8_t*>(dst)); break;
  case 2: copyRows(static_cast<const std::uint16_t*>(src), view, static_cast<std::uint16_t*>(dst)); break;
  case 4: copyRows(static_cast<const std::uint32_t*>(src), view, static_cast<std::uint32_t*>(dst)); break;
  case 8: copyRows(static_cast<const std::uint64_t*>(src), view, static_cast<std::uint64_t*>(dst)); break;
  default: TANDEM_ASSERT(false);
  }
}

} // namespace tandem::ops
