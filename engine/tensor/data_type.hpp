// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tandem {

/// Element types of ONNX that the engine stores. Values match onnx.TensorProto.DataType (onnx.proto), so readers need
/// no table. Types that are not listed are refused by the readers with their name.
enum class DataType : std::uint8_t {
  Undefined = 0,
  Float32 = 1,
  UInt8 = 2,
  Int8 = 3,
  UInt16 = 4,
  Int16 = 5,
  Int32 = 6,
  Int64 = 7,
  String = 8, ///< known by name only: no kernel, no storage
  Bool = 9,   ///< one byte, 0 or 1
  Float16 = 10,
  Float64 = 11,
  UInt32 = 12,
  UInt64 = 13,
  BFloat16 = 16,
};

std::size_t byteSize(DataType type);                         ///< bytes of one element; 0 for Undefined and String
std::string_view toString(DataType type);                    ///< "float32", as in numpy and in our JSON
std::optional<DataType> dataTypeFrom(std::string_view name); ///< inverse of toString
bool isFloating(DataType type);
bool isInteger(DataType type); ///< signed and unsigned integers; not Bool

} // namespace tandem
