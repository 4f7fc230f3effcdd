// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

namespace tandem {

/// A dimension that is not known before the run (a symbol, or data-dependent).
inline constexpr std::int64_t kUnknownDim = -1;
/// Limit of DESIGN.md section 10.
inline constexpr std::size_t kMaxRank = 8;

/// Extents of a tensor, outermost first (row-major). An empty shape is a scalar. Dims may be kUnknownDim.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims) : m_dims(dims) {}
  explicit Shape(std::vector<std::int64_t> dims) : m_dims(std::move(dims)) {}

  std::size_t rank() const { return m_dims.size(); }
  std::int64_t operator[](std::size_t axis) const { return m_dims[axis]; }
  std::int64_t& operator[](std::size_t axis) { return m_dims[axis]; }
  const std::vector<std::int64_t>& dims() const { return m_dims; }
  auto begin() const { return m_dims.begin(); }
  auto end() const { return m_dims.end(); }

  bool isStatic() const; ///< no unknown dimension
  /// Number of elements. Static shapes only; readers guarantee that it does not overflow.
  std::int64_t elements() const;
  /// Number of elements, or nullopt for unknown dimensions and on overflow.
  std::optional<std::int64_t> checkedElements() const;
  std::vector<std::int64_t> strides() const; ///< row-major, in elements
  std::string toString() const;              ///< "1x3x224x224", "scalar", "?" for unknown dims
  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::vector<std::int64_t> m_dims;
};

/// `axis` counted from the end where negative, as ONNX allows; nullopt outside [-rank, rank).
std::optional<std::size_t> normalizeAxis(std::int64_t axis, std::size_t rank);

/// Multidirectional broadcasting (ONNX "Broadcasting.md", same as numpy); nullopt where the shapes do not fit. An
/// unknown dimension against n > 1 gives n, against 1 or unknown gives unknown.
std::optional<Shape> broadcast(const Shape& a, const Shape& b);

} // namespace tandem
