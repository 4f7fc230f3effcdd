// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/channels_last.hpp"

#include "engine/ops/strided.hpp"

#include <algorithm>

namespace tandem::ops {
namespace {

Tensor permuted(const Tensor& x, const std::vector<std::size_t>& order) {
  const std::vector<std::int64_t> strides = x.shape().strides();
  StridedView view;
  for (std::size_t axis : order) {
    view.dims.push_back(x.shape()[axis]);
    view.strides.push_back(strides[axis]);
  }
  Tensor y = Tensor::uninitialized({x.type(), Shape(view.dims)});
  copyStrided(x.data(), std::move(view), y.mutableData(), byteSize(x.type()));
  return y;
}

} // namespace

Shape toChannelsFirst(const Shape& shape) {
  std::vector<std::int64_t> dims = shape.dims();
  if (dims.size() > 2) std::rotate(dims.begin() + 1, dims.end() - 1, dims.end());
  return Shape(std::move(dims));
}

Shape toChannelsLast(const Shape& shape) {
  std::vector<std::int64_t> dims = shape.dims();
  if (dims.size() > 2) std::rotate(dims.begin() + 1, dims.begin() + 2, dims.end());
  return Shape(std::move(dims));
}

Tensor toChannelsFirst(const Tensor& x) {
  if (x.shape().rank() <= 2) return x;
  std::vector<std::size_t> order{0, x.shape().rank() - 1};
  for (std::size_t i = 1; i + 1 < x.shape().rank(); ++i) order.push_back(i);
  return permuted(x, order);
}

Tensor toChannelsLast(const Tensor& x) {
  if (x.shape().rank() <= 2) return x;
  std::vector<std::size_t> order{0};
  for (std::size_t i = 2; i < x.shape().rank(); ++i) order.push_back(i);
  order.push_back(1);
  return permuted(x, order);
}

} // namespace tandem::ops
