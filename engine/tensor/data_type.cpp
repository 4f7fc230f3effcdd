// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/data_type.hpp"

#include <array>

namespace tandem {
namespace {

struct TypeFacts {
  DataType type;
  std::string_view name;
  std::size_t bytes;
};

constexpr std::array kTypes{
    TypeFacts{DataType::Undefined, "undefined", 0}, TypeFacts{DataType::Float32, "float32", 4},
    TypeFacts{DataType::UInt8, "uint8", 1},         TypeFacts{DataType::Int8, "int8", 1},
    TypeFacts{DataType::UInt16, "uint16", 2},       TypeFacts{DataType::Int16, "int16", 2},
    TypeFacts{DataType::Int32, "int32", 4},         TypeFacts{DataType::Int64, "int64", 8},
    TypeFacts{DataType::String, "string", 0},       TypeFacts{DataType::Bool, "bool", 1},
    TypeFacts{DataType::Float16, "float16", 2},     TypeFacts{DataType::Float64, "float64", 8},
    TypeFacts{DataType::UInt32, "uint32", 4},       TypeFacts{DataType::UInt64, "uint64", 8},
    TypeFacts{DataType::BFloat16, "bfloat16", 2},
};

const TypeFacts& facts(DataType type) {
  for (const TypeFacts& entry : kTypes)
    if (entry.type == type) return entry;
  return kTypes[0];
}

} // namespace

std::size_t byteSize(DataType type) { return facts(type).bytes; }
std::string_view toString(DataType type) { return facts(type).name; }

std::optional<DataType> dataTypeFrom(std::string_view name) {
  for (const TypeFacts& entry : kTypes)
    if (entry.name == name) return entry.type;
  return std::nullopt;
}

bool isFloating(DataType type) {
  return type == DataType::Float32 || type == DataType::Float64 || type == DataType::Float16 ||
         type == DataType::BFloat16;
}

bool isInteger(DataType type) { return byteSize(type) != 0 && type != DataType::Bool && !isFloating(type); }

} // namespace tandem
