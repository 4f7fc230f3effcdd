// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tensors/detail/tensor_proto.hpp"

#include "engine/base/checked.hpp"
#include "engine/formats/tensors/file_elements.hpp"
#include "engine/tensor/visit.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace tandem::detail {
namespace {

static_assert(std::endian::native == std::endian::little, "raw_data is little endian");

Error rejected(const onnx::TensorProto& proto, const TensorProtoOptions& options, const std::string& what) {
  const std::string name = proto.name().empty() ? "tensor" : "tensor '" + proto.name() + "'";
  return makeError(options.code, name + " " + what, options.where, "the file is damaged or of an unknown kind");
}

Result<TensorDesc> descOf(const onnx::TensorProto& proto, const TensorProtoOptions& options) {
  auto type = storableType(proto.data_type());
  if (!type)
    return makeError(options.code,
                     "tensor '" + proto.name() + "' has elements of type " + elementTypeName(proto.data_type()) +
                         ", which is not supported",
                     options.where, "convert the model to float32 or float16");
  if (proto.dims_size() > static_cast<int>(kMaxRank))
    return rejected(proto, options, "has " + std::to_string(proto.dims_size()) + " dimensions; at most 8 are accepted");
  std::vector<std::int64_t> dims(proto.dims().begin(), proto.dims().end());
  // Zero extents count as one here, so that strides of an empty tensor cannot overflow either.
  std::int64_t bytes = static_cast<std::int64_t>(byteSize(*type));
  for (std::int64_t dim : dims) {
    if (dim < 0) return rejected(proto, options, "has the negative dimension " + std::to_string(dim));
    auto product = checkedMul(bytes, std::max<std::int64_t>(dim, 1));
    if (!product) return rejected(proto, options, "is too large to address");
    bytes = *product;
  }
  return TensorDesc{*type, Shape(std::move(dims))};
}

Error wrongCount(const onnx::TensorProto& proto, const TensorProtoOptions& options, const TensorDesc& desc,
                 std::size_t have, std::int64_t want, const char* unit) {
  return rejected(proto, options,
                  "is " + desc.toString() + " but has " + std::to_string(have) + " " + unit + ", not " +
                      std::to_string(want));
}

/// A field whose elements are stored as they are: float_data, int64_data, double_data, and int32_data for int32.
template <class T>
Tensor sameType(const TensorDesc& desc, const google::protobuf::RepeatedField<T>& field,
                const TensorProtoOptions& options) {
  const std::string_view bytes(reinterpret_cast<const char*>(field.data()),
                               sizeof(T) * static_cast<std::size_t>(field.size()));
  return tensorFromBytes(desc, bytes, options.owner);
}

/// A field that is wider than the element: int32_data for small types (16-bit floats as bit patterns), uint64_data.
template <class Wide> Tensor narrowed(const TensorDesc& desc, const google::protobuf::RepeatedField<Wide>& field) {
  Tensor tensor = Tensor::uninitialized(desc);
  visitType(desc.type, [&]<class T>(TypeTag<T>) {
    auto out = tensor.mutableAs<T>();
    for (int i = 0; i < field.size(); ++i) {
      T& element = out[static_cast<std::size_t>(i)];
      if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>)
        element.bits = static_cast<std::uint16_t>(field[i]);
      else if constexpr (std::is_same_v<T, bool>)
        element = field[i] != 0;
      else
        element = static_cast<T>(field[i]);
    }
  });
  return tensor;
}

Result<Tensor> fromTypedFields(const onnx::TensorProto& proto, const TensorDesc& desc,
                               const TensorProtoOptions& options) {
  const std::int64_t want = desc.shape.elements();
  auto checked = [&](const auto& field, auto&& convert) -> Result<Tensor> {
    if (field.size() != want)
      return wrongCount(proto, options, desc, static_cast<std::size_t>(field.size()), want, "elements");
    if (want == 0) return Tensor::zeros(desc);
    return convert(field);
  };
  auto same = [&](const auto& field) { return sameType(desc, field, options); };
  auto narrow = [&](const auto& field) { return narrowed(desc, field); };
  switch (desc.type) {
  case DataType::Float32: return checked(proto.float_data(), same);
  case DataType::Float64: return checked(proto.double_data(), same);
  case DataType::Int64: return checked(proto.int64_data(), same);
  case DataType::UInt32:
  case DataType::UInt64: return checked(proto.uint64_data(), narrow);
  case DataType::Int32: return checked(proto.int32_data(), same);
  default: return checked(proto.int32_data(), narrow);
  }
}

} // namespace

std::string elementTypeName(int onnxType) {
  // onnx.proto, TensorProto.DataType, up to IR version 13.
  static constexpr std::array<const char*, 26> kNames{
      "undefined", "float32",    "uint8",      "int8",         "uint16",         "int16",      "int32",
      "int64",     "string",     "bool",       "float16",      "float64",        "uint32",     "uint64",
      "complex64", "complex128", "bfloat16",   "float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz",
      "uint4",     "int4",       "float4e2m1", "float8e8m0",   "uint2"};
  if (onnxType >= 0 && onnxType < static_cast<int>(kNames.size())) return kNames[static_cast<std::size_t>(onnxType)];
  return "type " + std::to_string(onnxType);
}

std::optional<DataType> storableType(int onnxType) {
  if (onnxType <= 0 || onnxType > 16) return std::nullopt;
  const auto type = static_cast<DataType>(onnxType);
  if (byteSize(type) == 0) return std::nullopt;
  return type;
}

Tensor tensorFromBytes(const TensorDesc& desc, std::string_view bytes, std::shared_ptr<const void> owner) {
  TANDEM_ASSERT(static_cast<std::int64_t>(bytes.size()) == desc.bytes());
  if (bytes.empty()) return Tensor::zeros(desc);
  const bool aligned = reinterpret_cast<std::uintptr_t>(bytes.data()) % byteSize(desc.type) == 0;
  const bool clean =
      desc.type != DataType::Bool || std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0 || c == 1; });
  if (owner && aligned && clean) return Tensor::wrap(desc, const_cast<char*>(bytes.data()), std::move(owner));
  Tensor copy = Tensor::uninitialized(desc);
  std::memcpy(copy.mutableData(), bytes.data(), bytes.size());
  if (!clean) {
    auto* out = static_cast<std::uint8_t*>(copy.mutableData());
    for (std::size_t i = 0; i < bytes.size(); ++i) out[i] = bytes[i] != 0 ? 1 : 0;
  }
  return copy;
}

Tensor tensorFromFile(const TensorDesc& desc, std::span<const std::byte> bytes,
                      const std::shared_ptr<const MappedFile>& file) {
  if (desc.type != DataType::Bool && desc.bytes() >= kLeastFileElements) return tensorInFile(desc, bytes, file);
  return tensorFromBytes(desc, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, file);
}

Result<Tensor> tensorFromProto(const onnx::TensorProto& proto, const TensorProtoOptions& options) {
  const TensorDesc desc = TANDEM_TRY(descOf(proto, options));
  if (proto.has_segment()) return rejected(proto, options, "is stored in segments, which is not supported");
  if (proto.data_location() == onnx::TensorProto::EXTERNAL) {
    if (!options.external) return rejected(proto, options, "keeps its data in another file, which is not allowed here");
    return options.external(proto, desc);
  }
  const bool typed = proto.float_data_size() > 0 || proto.int32_data_size() > 0 || proto.int64_data_size() > 0 ||
                     proto.double_data_size() > 0 || proto.uint64_data_size() > 0;
  if (typed && !proto.raw_data().empty()) return rejected(proto, options, "holds its elements twice, raw and typed");
  if (typed || !proto.has_raw_data()) return fromTypedFields(proto, desc, options);
  const std::string& raw = proto.raw_data();
  if (const auto inFile = options.weightsOf ? options.weightsOf(raw) : std::nullopt) {
    if (static_cast<std::int64_t>(inFile->size()) != desc.bytes())
      return wrongCount(proto, options, desc, inFile->size(), desc.bytes(), "bytes");
    return tensorFromFile(desc, *inFile, options.file);
  }
  if (static_cast<std::int64_t>(raw.size()) != desc.bytes())
    return wrongCount(proto, options, desc, raw.size(), desc.bytes(), "bytes");
  return tensorFromBytes(desc, raw, options.owner);
}

Result<Tensor> tensorFromSparseProto(const onnx::SparseTensorProto& proto, const TensorProtoOptions& options) {
  const Tensor values = TANDEM_TRY(tensorFromProto(proto.values(), options));
  const Tensor indices = TANDEM_TRY(tensorFromProto(proto.indices(), options));
  if (proto.dims_size() > static_cast<int>(kMaxRank) || indices.type() != DataType::Int64 || values.shape().rank() != 1)
    return rejected(proto.values(), options, "is a malformed sparse tensor");
  TensorDesc desc{values.type(), Shape(std::vector<std::int64_t>(proto.dims().begin(), proto.dims().end()))};
  const auto bytes = desc.checkedBytes();
  if (!bytes || *bytes > kUnbackedAllocationLimit)
    return rejected(proto.values(), options, "is a sparse tensor of more than 64 MiB when filled in");
  const std::int64_t count = values.elements();
  const std::size_t rank = desc.shape.rank();
  const bool linear = indices.shape() == Shape{count};
  if (!linear && indices.shape() != Shape{count, static_cast<std::int64_t>(rank)})
    return rejected(proto.values(), options,
                    "is a sparse tensor whose indices have the shape " + indices.shape().toString());
  Tensor dense = Tensor::zeros(desc);
  const auto at = indices.as<std::int64_t>();
  const std::size_t size = byteSize(desc.type);
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t offset = 0;
    bool inside = true;
    if (linear)
      offset = at[static_cast<std::size_t>(i)];
    else
      for (std::size_t axis = 0; axis < rank; ++axis) {
        const std::int64_t index = at[static_cast<std::size_t>(i) * rank + axis];
        inside = inside && index >= 0 && index < desc.shape[axis];
        offset = inside ? offset * desc.shape[axis] + index : 0;
      }
    if (!inside || offset < 0 || offset >= dense.elements())
      return rejected(proto.values(), options, "is a sparse tensor with an index outside its shape");
    std::memcpy(static_cast<std::byte*>(dense.mutableData()) + static_cast<std::size_t>(offset) * size,
                static_cast<const std::byte*>(values.data()) + static_cast<std::size_t>(i) * size, size);
  }
  return dense;
}

void tensorToProto(const Tensor& tensor, std::string_view name, onnx::TensorProto& proto) {
  proto.Clear();
  if (!name.empty()) proto.set_name(std::string(name));
  proto.set_data_type(static_cast<int>(tensor.type()));
  for (std::int64_t dim : tensor.shape()) proto.add_dims(dim);
  std::string raw(tensor.bytes(), '\0');
  tensor.copyTo(raw.data());
  proto.set_raw_data(std::move(raw));
}

} // namespace tandem::detail
