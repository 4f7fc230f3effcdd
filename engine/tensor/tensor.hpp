// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"
#include "engine/tensor/data_type.hpp"
#include "engine/tensor/half.hpp"
#include "engine/tensor/shape.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace tandem {

/// Type and extents, no data.
struct TensorDesc {
  DataType type = DataType::Undefined;
  Shape shape;

  bool isStatic() const { return type != DataType::Undefined && shape.isStatic(); }
  std::int64_t bytes() const { return shape.elements() * static_cast<std::int64_t>(byteSize(type)); } ///< static only
  std::optional<std::int64_t> checkedBytes() const;
  std::string toString() const; ///< "float32 1x3x224x224"
  friend bool operator==(const TensorDesc&, const TensorDesc&) = default;
};

template <class T> constexpr DataType dataTypeOf();
template <> constexpr DataType dataTypeOf<float>() { return DataType::Float32; }
template <> constexpr DataType dataTypeOf<double>() { return DataType::Float64; }
template <> constexpr DataType dataTypeOf<Half>() { return DataType::Float16; }
template <> constexpr DataType dataTypeOf<BFloat16>() { return DataType::BFloat16; }
template <> constexpr DataType dataTypeOf<std::int8_t>() { return DataType::Int8; }
template <> constexpr DataType dataTypeOf<std::int16_t>() { return DataType::Int16; }
template <> constexpr DataType dataTypeOf<std::int32_t>() { return DataType::Int32; }
template <> constexpr DataType dataTypeOf<std::int64_t>() { return DataType::Int64; }
template <> constexpr DataType dataTypeOf<std::uint8_t>() { return DataType::UInt8; }
template <> constexpr DataType dataTypeOf<std::uint16_t>() { return DataType::UInt16; }
template <> constexpr DataType dataTypeOf<std::uint32_t>() { return DataType::UInt32; }
template <> constexpr DataType dataTypeOf<std::uint64_t>() { return DataType::UInt64; }
template <> constexpr DataType dataTypeOf<bool>() { return DataType::Bool; }

class ElementSource;

/// A dense row-major tensor in host memory. Copies share the storage (like a shared_ptr); `clone` copies the elements.
/// Storage is aligned to 64 bytes when allocated here; wrapped memory has the alignment its owner gives.
class Tensor {
 public:
  Tensor() = default;

  /// Zero-filled. The size must not overflow and must fit memory: callers check untrusted shapes first.
  static Tensor zeros(TensorDesc desc);
  static Tensor uninitialized(TensorDesc desc);
  /// Views `data`, keeping `owner` alive as long as any copy of the tensor lives.
  static Tensor wrap(TensorDesc desc, void* data, std::shared_ptr<const void> owner);
  /// The elements of `source`, which come into memory when somebody first asks for them: see element_source.hpp.
  static Tensor from(TensorDesc desc, std::shared_ptr<const ElementSource> source);
  template <class T> static Tensor of(Shape shape, std::span<const T> values);
  template <class T> static Tensor of(Shape shape, std::initializer_list<T> values) {
    return of<T>(std::move(shape), std::span<const T>(values.begin(), values.size()));
  }
  template <class T> static Tensor scalar(T value) { return of<T>(Shape{}, std::span<const T>(&value, 1)); }

  bool defined() const { return m_desc.type != DataType::Undefined; }
  const TensorDesc& desc() const { return m_desc; }
  DataType type() const { return m_desc.type; }
  const Shape& shape() const { return m_desc.shape; }
  std::int64_t elements() const { return m_desc.shape.elements(); }
  std::size_t bytes() const { return static_cast<std::size_t>(m_desc.bytes()); }

  /// Any thread; throws std::bad_alloc where the elements of a source do not fit memory.
  const void* data() const { return m_data || !m_made ? m_data : madeData(); }
  void* mutableData() { return const_cast<void*>(data()); }
  template <class T> std::span<const T> as() const {
    TANDEM_ASSERT(dataTypeOf<T>() == m_desc.type);
    return {static_cast<const T*>(data()), static_cast<std::size_t>(elements())};
  }
  template <class T> std::span<T> mutableAs() {
    TANDEM_ASSERT(dataTypeOf<T>() == m_desc.type);
    return {static_cast<T*>(mutableData()), static_cast<std::size_t>(elements())};
  }

  /// The same storage under another shape with as many elements.
  Tensor reshaped(Shape shape) const;
  Tensor clone() const;

  // --- for large constants, which programs keep in forms of their own
  /// Writes the elements to `out` without keeping them in memory where they are not.
  void copyTo(void* out) const;
  /// Where the elements come from; nullptr where they were in memory from the beginning.
  const ElementSource* source() const;
  /// The same elements; what was brought into memory for this tensor and its copies is not shared.
  Tensor fresh() const;
  /// Says that nobody will write to the elements any more, so that equal keys mean equal elements.
  void freeze();
  /// Names the elements for as long as the process runs; empty where they may change.
  std::string key() const;

  /// Element `index` (row-major) converted to double, or to int64 (floats are truncated); any numeric type.
  double asDouble(std::int64_t index) const;
  std::int64_t asInt(std::int64_t index) const;
  /// All elements as int64: the form in which shapes, axes and pads arrive.
  std::vector<std::int64_t> toInts() const;

 private:
  struct Made;
  const void* madeData() const;

  TensorDesc m_desc;
  std::shared_ptr<const void> m_owner;
  void* m_data = nullptr;
  std::shared_ptr<Made> m_made; ///< of a source: what it wrote so far
  std::uint64_t m_serial = 0;   ///< of frozen elements
};

template <class T> Tensor Tensor::of(Shape shape, std::span<const T> values) {
  Tensor tensor = uninitialized({dataTypeOf<T>(), std::move(shape)});
  TANDEM_ASSERT(static_cast<std::size_t>(tensor.elements()) == values.size());
  std::copy(values.begin(), values.end(), static_cast<T*>(tensor.mutableData()));
  return tensor;
}

} // namespace tandem
