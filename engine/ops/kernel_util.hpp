// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/op_def.hpp"
#include "engine/tensor/visit.hpp"

#include <cmath>
#include <limits>

namespace tandem::ops {

template <class... Ts> struct TypeList {};
using FloatingTypes = TypeList<float, double, Half, BFloat16>;
using SignedTypes = TypeList<float, double, Half, BFloat16, std::int8_t, std::int16_t, std::int32_t, std::int64_t>;
using NumericTypes = TypeList<float, double, Half, BFloat16, std::int8_t, std::int16_t, std::int32_t, std::int64_t,
                              std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>;
using IntegerTypes = TypeList<std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t,
                              std::uint32_t, std::uint64_t>;
using AllTypes = TypeList<float, double, Half, BFloat16, std::int8_t, std::int16_t, std::int32_t, std::int64_t,
                          std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t, bool>;

/// As visitType, for the types of the list only.
template <class... Ts, class Visit> bool visitOneOf(TypeList<Ts...>, DataType type, Visit&& visit) {
  return ((type == dataTypeOf<Ts>() ? (visit(TypeTag<Ts>{}), true) : false) || ...);
}

/// Calls `visit` with an unsigned type as wide as one element: enough for kernels that only move elements.
template <class Visit> bool visitBytes(DataType type, Visit&& visit) {
  switch (byteSize(type)) {
  case 1: visit(TypeTag<std::uint8_t>{}); return true;
  case 2: visit(TypeTag<std::uint16_t>{}); return true;
  case 4: visit(TypeTag<std::uint32_t>{}); return true;
  case 8: visit(TypeTag<std::uint64_t>{}); return true;
  default: return false;
  }
}

/// Numeric conversion without undefined behaviour: integers wrap, floats are truncated and clamped to the integer's
/// range, NaN becomes 0, and anything but zero is true.
template <class To, class From> To convert(From value) {
  if constexpr (std::is_same_v<From, Half> || std::is_same_v<From, BFloat16>) {
    return convert<To>(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != From(0);
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    if (std::isnan(value)) return To(0);
    // Both bounds are powers of two (or zero) and therefore exact in From.
    const From low = static_cast<From>(std::numeric_limits<To>::min());
    const From high = std::ldexp(From(1), std::numeric_limits<To>::digits);
    if (value <= low) return std::numeric_limits<To>::min();
    if (value >= high) return std::numeric_limits<To>::max();
    return static_cast<To>(value);
  } else if constexpr (std::is_same_v<To, Half> || std::is_same_v<To, BFloat16>) {
    return To(static_cast<float>(value));
  } else {
    return static_cast<To>(value);
  }
}

/// False for everything that is not a floating point number.
template <class T> bool isNaN(T value) {
  if constexpr (std::is_floating_point_v<T>)
    return std::isnan(value);
  else
    return false;
}

// Integer arithmetic that wraps as two's complement instead of overflowing; plain arithmetic for floats.
template <class T> T wrapAdd(T a, T b) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
  else
    return a + b;
}
template <class T> T wrapSub(T a, T b) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
  else
    return a - b;
}
template <class T> T wrapMul(T a, T b) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
  else
    return a * b;
}

/// The output, once rank and byte count are known to be sane: an untrusted model may ask for any shape.
Result<Tensor> makeOutput(ReferenceContext& context, std::size_t index, DataType type, const Shape& shape);

Error unsupportedType(const ReferenceContext& context, DataType type);
/// Fails unless both inputs have the same element type.
Result<void> requireSameType(const ReferenceContext& context, std::size_t a, std::size_t b);

/// Elements of an input that holds axes, a shape or indices: an integer scalar or a list.
Result<std::vector<std::int64_t>> readInts(const ReferenceContext& context, std::size_t index);
/// As readInts, where the elements are known before the run; nullopt otherwise.
Result<std::optional<std::vector<std::int64_t>>> knownInts(const InferContext& context, std::size_t index);
/// Number of elements of a list input, where it is known before the run.
std::optional<std::int64_t> knownLength(const InferContext& context, std::size_t index);

/// Shape of `rank` unknown dims.
Shape unknownShape(std::size_t rank);
/// Sets the shape where there is one, only the type otherwise.
void setOutputMaybe(InferContext& context, std::size_t index, DataType type, const std::optional<Shape>& shape);

/// The axis counted from the front, or an error that names the node.
template <class Context> Result<std::size_t> checkedAxis(const Context& context, std::int64_t axis, std::size_t rank) {
  if (auto normal = normalizeAxis(axis, rank)) return *normal;
  return context.fail("axis " + std::to_string(axis) + " is outside a tensor of rank " + std::to_string(rank));
}

/// Distinct axes counted from the front, in the order given.
template <class Context>
Result<std::vector<std::size_t>> checkedAxes(const Context& context, std::span<const std::int64_t> axes,
                                             std::size_t rank) {
  std::vector<std::size_t> normal;
  std::vector<bool> seen(rank, false);
  for (std::int64_t axis : axes) {
    normal.push_back(TANDEM_TRY(checkedAxis(context, axis, rank)));
    if (seen[normal.back()]) return context.fail("axis " + std::to_string(axis) + " is given twice");
    seen[normal.back()] = true;
  }
  return normal;
}

/// Product of the dims in [first, last). Static dims of an existing tensor only.
std::int64_t dimProduct(const Shape& shape, std::size_t first, std::size_t last);

} // namespace tandem::ops
