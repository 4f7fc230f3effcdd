// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/shape.hpp"

#include "engine/base/checked.hpp"

#include <algorithm>

namespace tandem {

bool Shape::isStatic() const {
  return std::none_of(m_dims.begin(), m_dims.end(), [](std::int64_t dim) { return dim < 0; });
}

std::int64_t Shape::elements() const {
  auto count = checkedProduct(m_dims);
  TANDEM_ASSERT(count.has_value());
  return *count;
}

std::optional<std::int64_t> Shape::checkedElements() const { return checkedProduct(m_dims); }

std::vector<std::int64_t> Shape::strides() const {
  std::vector<std::int64_t> strides(m_dims.size(), 1);
  for (std::size_t axis = m_dims.size(); axis-- > 1;) strides[axis - 1] = strides[axis] * m_dims[axis];
  return strides;
}

std::string Shape::toString() const {
  if (m_dims.empty()) return "scalar";
  std::string text;
  for (std::int64_t dim : m_dims) {
    if (!text.empty()) text += 'x';
    text += dim < 0 ? "?" : std::to_string(dim);
  }
  return text;
}

std::optional<std::size_t> normalizeAxis(std::int64_t axis, std::size_t rank) {
  const auto signedRank = static_cast<std::int64_t>(rank);
  if (axis < -signedRank || axis >= signedRank) return std::nullopt;
  return static_cast<std::size_t>(axis < 0 ? axis + signedRank : axis);
}

std::optional<Shape> broadcast(const Shape& a, const Shape& b) {
  const std::size_t rank = std::max(a.rank(), b.rank());
  std::vector<std::int64_t> dims(rank);
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t left = i < a.rank() ? a[a.rank() - 1 - i] : 1;
    const std::int64_t right = i < b.rank() ? b[b.rank() - 1 - i] : 1;
    std::int64_t& dim = dims[rank - 1 - i];
    if (left == right)
      dim = left;
    else if (left == 1)
      dim = right;
    else if (right == 1)
      dim = left;
    else if (left == kUnknownDim)
      dim = right;
    else if (right == kUnknownDim)
      dim = left;
    else
      return std::nullopt;
  }
  return Shape(std::move(dims));
}

} // namespace tandem
