// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/tensor/tensor.hpp"

namespace tandem {

template <class T> struct TypeTag { using type = T; };

/// Calls `visit(TypeTag<T>{})` with the C++ type that stores `type`; false (and no call) for Undefined and String.
/// `visitType(t, [&]<class T>(TypeTag<T>) { ... })`
template <class Visit> bool visitType(DataType type, Visit&& visit) {
  switch (type) {
  case DataType::Float32: visit(TypeTag<float>{}); return true;
  case DataType::Float64: visit(TypeTag<double>{}); return true;
  case DataType::Float16: visit(TypeTag<Half>{}); return true;
  case DataType::BFloat16: visit(TypeTag<BFloat16>{}); return true;
  case DataType::Int8: visit(TypeTag<std::int8_t>{}); return true;
  case DataType::Int16: visit(TypeTag<std::int16_t>{}); return true;
  case DataType::Int32: visit(TypeTag<std::int32_t>{}); return true;
  case DataType::Int64: visit(TypeTag<std::int64_t>{}); return true;
  case DataType::UInt8: visit(TypeTag<std::uint8_t>{}); return true;
  case DataType::UInt16: visit(TypeTag<std::uint16_t>{}); return true;
  case DataType::UInt32: visit(TypeTag<std::uint32_t>{}); return true;
  case DataType::UInt64: visit(TypeTag<std::uint64_t>{}); return true;
  case DataType::Bool: visit(TypeTag<bool>{}); return true;
  case DataType::Undefined:
  case DataType::String: return false;
  }
  return false;
}

/// As visitType, for the four floating point types only.
template <class Visit> bool visitFloating(DataType type, Visit&& visit) {
  switch (type) {
  case DataType::Float32: visit(TypeTag<float>{}); return true;
  case DataType::Float64: visit(TypeTag<double>{}); return true;
  case DataType::Float16: visit(TypeTag<Half>{}); return true;
  case DataType::BFloat16: visit(TypeTag<BFloat16>{}); return true;
  default: return false;
  }
}

/// The type to compute in: float for 16-bit storage, T itself otherwise.
template <class T> struct ComputeType { using type = T; };
template <> struct ComputeType<Half> { using type = float; };
template <> struct ComputeType<BFloat16> { using type = float; };
template <class T> using ComputeTypeOf = typename ComputeType<T>::type;

} // namespace tandem
