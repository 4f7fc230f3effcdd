// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/tensor.hpp"

#include "engine/base/checked.hpp"
#include "engine/tensor/visit.hpp"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

namespace tandem {
namespace {

constexpr std::size_t kAlignment = 64; // one cache line, one AVX-512 register

/// Truncates; what int64 cannot hold becomes its nearest value and NaN becomes 0, where a cast would be undefined.
template <class T> std::int64_t toInt(T value) {
  if constexpr (std::is_floating_point_v<T>) {
    constexpr T kTop = T(9223372036854775808.0); // 2^63, exact in every type
    if (std::isnan(value)) return 0;
    if (value >= kTop) return std::numeric_limits<std::int64_t>::max();
    if (value < -kTop) return std::numeric_limits<std::int64_t>::min();
  }
  return static_cast<std::int64_t>(value);
}

} // namespace

std::optional<std::int64_t> TensorDesc::checkedBytes() const {
  auto elements = shape.checkedElements();
  if (!elements) return std::nullopt;
  return checkedMul(*elements, static_cast<std::int64_t>(byteSize(type)));
}

std::string TensorDesc::toString() const { return std::string(tandem::toString(type)) + " " + shape.toString(); }

Tensor Tensor::uninitialized(TensorDesc desc) {
  const auto bytes = static_cast<std::size_t>(desc.bytes());
  // A zero-sized tensor still gets an address, so that "defined" and "has data" stay the same thing.
  const std::size_t rounded = (std::max<std::size_t>(bytes, 1) + kAlignment - 1) / kAlignment * kAlignment;
  void* data = std::aligned_alloc(kAlignment, rounded);
  if (!data) throw std::bad_alloc();
  Tensor tensor;
  tensor.m_desc = std::move(desc);
  tensor.m_data = data;
  tensor.m_owner = std::shared_ptr<const void>(data, [](const void* memory) { std::free(const_cast<void*>(memory)); });
  return tensor;
}

Tensor Tensor::zeros(TensorDesc desc) {
  Tensor tensor = uninitialized(std::move(desc));
  std::memset(tensor.m_data, 0, tensor.bytes());
  return tensor;
}

Tensor Tensor::wrap(TensorDesc desc, void* data, std::shared_ptr<const void> owner) {
  Tensor tensor;
  tensor.m_desc = std::move(desc);
  tensor.m_data = data;
  tensor.m_owner = std::move(owner);
  return tensor;
}

Tensor Tensor::reshaped(Shape shape) const {
  TANDEM_ASSERT(shape.elements() == elements());
  Tensor tensor = *this;
  tensor.m_desc.shape = std::move(shape);
  return tensor;
}

Tensor Tensor::clone() const {
  if (!defined()) return {};
  Tensor copy = uninitialized(m_desc);
  std::memcpy(copy.m_data, m_data, bytes());
  return copy;
}

double Tensor::asDouble(std::int64_t index) const {
  double value = 0;
  visitType(m_desc.type, [&]<class T>(TypeTag<T>) {
    value = static_cast<double>(static_cast<ComputeTypeOf<T>>(static_cast<const T*>(m_data)[index]));
  });
  return value;
}

std::int64_t Tensor::asInt(std::int64_t index) const {
  std::int64_t value = 0;
  visitType(m_desc.type, [&]<class T>(TypeTag<T>) {
    value = toInt(static_cast<ComputeTypeOf<T>>(static_cast<const T*>(m_data)[index]));
  });
  return value;
}

std::vector<std::int64_t> Tensor::toInts() const {
  std::vector<std::int64_t> values(static_cast<std::size_t>(elements()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = asInt(static_cast<std::int64_t>(i));
  return values;
}

} // namespace tandem
