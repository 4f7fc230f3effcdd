// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/tensor/visit.hpp"

#include <algorithm>
#include <vector>

namespace tandem::ops {

/// Calls `visit(TypeTag<C>{})` with the type that reference kernels compute in: double for Float64, float for Float32
/// and the 16-bit types. False, and no call, for other types.
template <class Visit> bool visitCompute(DataType type, Visit&& visit) {
  if (!isFloating(type)) return false;
  if (type == DataType::Float64)
    visit(TypeTag<double>{});
  else
    visit(TypeTag<float>{});
  return true;
}

/// The elements of a tensor as C (float, double, or an unsigned integer that stands for the signed one of its size): a
/// view where the tensor stores C, else a converted copy. The tensor's storage must outlive it.
template <class C> class Elements {
 public:
  explicit Elements(const Tensor& tensor) {
    if (tensor.type() == dataTypeOf<C>()) {
      m_data = static_cast<const C*>(tensor.data());
      return;
    }
    m_copy.resize(static_cast<std::size_t>(tensor.elements()));
    visitType(tensor.type(), [&]<class T>(TypeTag<T>) {
      const auto src = tensor.as<T>();
      std::transform(src.begin(), src.end(), m_copy.begin(), [](T x) { return static_cast<C>(toCompute(x)); });
    });
    m_data = m_copy.data();
  }
  Elements(const Elements&) = delete;
  Elements& operator=(const Elements&) = delete;

  const C* data() const { return m_data; }
  C operator[](std::int64_t index) const { return m_data[index]; }

 private:
  template <class T> static ComputeTypeOf<T> toCompute(T x) { return static_cast<ComputeTypeOf<T>>(x); }

  std::vector<C> m_copy;
  const C* m_data = nullptr;
};

/// Where a kernel writes results as C: the tensor itself, or a buffer that store() rounds into it.
template <class C> class Results {
 public:
  explicit Results(Tensor tensor) : m_tensor(std::move(tensor)) {
    if (m_tensor.type() != dataTypeOf<C>()) m_buffer.resize(static_cast<std::size_t>(m_tensor.elements()));
  }

  C* data() { return m_tensor.type() == dataTypeOf<C>() ? static_cast<C*>(m_tensor.mutableData()) : m_buffer.data(); }
  C& operator[](std::int64_t index) { return data()[index]; }
  /// Call once, after the last write.
  void store() {
    if (m_tensor.type() == dataTypeOf<C>()) return;
    visitType(m_tensor.type(), [&]<class T>(TypeTag<T>) {
      auto dst = m_tensor.mutableAs<T>();
      std::transform(m_buffer.begin(), m_buffer.end(), dst.begin(),
                     [](C x) { return static_cast<T>(static_cast<ComputeTypeOf<T>>(x)); });
    });
  }

 private:
  Tensor m_tensor;
  std::vector<C> m_buffer;
};

} // namespace tandem::ops
