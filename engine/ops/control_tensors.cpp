// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/control_tensors.hpp"

#include <cstring>
#include <unistd.h>

namespace tandem::ops {
namespace {

std::size_t product(const Shape& shape, std::size_t first, std::size_t last) {
  std::size_t result = 1;
  for (std::size_t i = first; i < last; ++i) result *= static_cast<std::size_t>(shape[i]);
  return result;
}

} // namespace

Tensor sliceTensor(const Tensor& tensor, std::size_t axis, std::int64_t index) {
  const Shape& shape = tensor.shape();
  std::vector<std::int64_t> dims = shape.dims();
  dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(axis));
  Tensor slice = Tensor::uninitialized({tensor.type(), Shape(std::move(dims))});
  const std::size_t inner = product(shape, axis + 1, shape.rank()) * byteSize(tensor.type());
  const std::size_t stride = inner * static_cast<std::size_t>(shape[axis]);
  const auto* from = static_cast<const std::byte*>(tensor.data()) + inner * static_cast<std::size_t>(index);
  auto* to = static_cast<std::byte*>(slice.mutableData());
  for (std::size_t o = 0, outer = product(shape, 0, axis); inner > 0 && o < outer; ++o)
    std::memcpy(to + o * inner, from + o * stride, inner);
  return slice;
}

Result<Tensor> stackTensors(const std::vector<Tensor>& rows, std::size_t axis, bool reversed) {
  const TensorDesc& desc = rows.front().desc();
  for (const Tensor& row : rows)
    if (row.desc() != desc)
      return makeError(ErrorCode::InputRejected,
                       "one iteration gives " + desc.toString() + ", another " + row.desc().toString());
  std::vector<std::int64_t> dims = desc.shape.dims();
  dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis), static_cast<std::int64_t>(rows.size()));
  TensorDesc joined{desc.type, Shape(std::move(dims))};
  if (joined.shape.rank() > kMaxRank || !joined.checkedBytes())
    return makeError(ErrorCode::InputRejected, "the results of all iterations are too large: " + joined.toString());
  Tensor out = Tensor::uninitialized(joined);
  const std::size_t inner = product(desc.shape, axis, desc.shape.rank()) * byteSize(desc.type);
  const std::size_t outer = product(desc.shape, 0, axis);
  for (std::size_t r = 0; inner > 0 && r < rows.size(); ++r) {
    const auto* from = static_cast<const std::byte*>(rows[r].data());
    auto* to = static_cast<std::byte*>(out.mutableData()) + inner * (reversed ? rows.size() - 1 - r : r);
    for (std::size_t o = 0; o < outer; ++o) std::memcpy(to + o * inner * rows.size(), from + o * inner, inner);
  }
  return out;
}

void copyElements(const Tensor& from, Tensor& to) {
  if (from.bytes() > 0) std::memcpy(to.mutableData(), from.data(), from.bytes());
}

std::size_t maxKeptBytes() {
  static const std::size_t half =
      static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) / 2;
  return half;
}

} // namespace tandem::ops
