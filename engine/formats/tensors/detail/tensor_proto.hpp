// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
// For readers inside engine/formats only: this header shows protobuf messages.
#include "engine/formats/tensors/mapped_file.hpp"
#include "engine/tensor/tensor.hpp"

#include <functional>
#include <onnx/onnx_pb.h>

namespace tandem::detail {

/// How to turn a TensorProto into a Tensor.
struct TensorProtoOptions {
  /// Keeps the message alive; tensors then view its fields instead of copying. Null: copy.
  std::shared_ptr<const void> owner;
  ErrorCode code = ErrorCode::ModelRejected;
  std::string where; ///< file, for messages
  /// Bytes of `file` that raw_data stands for, where a reader has left them there; empty: none are.
  std::function<std::optional<std::span<const std::byte>>(std::string_view rawData)> weightsOf;
  std::shared_ptr<const MappedFile> file;
  /// Reads data_location EXTERNAL; empty: refused.
  std::function<Result<Tensor>(const onnx::TensorProto&, const TensorDesc&)> external;
};

/// The name of an ONNX element type, also of those we do not store ("float8e4m3fn", "complex64", "type 99").
std::string elementTypeName(int onnxType);
/// The type as ours where we store it.
std::optional<DataType> storableType(int onnxType);

/// Wraps memory where it is aligned for its type, copies it otherwise. Bools other than 0 and 1 are normalised.
/// `bytes` must be exactly what `desc` needs.
Tensor tensorFromBytes(const TensorDesc& desc, std::string_view bytes, std::shared_ptr<const void> owner);

/// The same for bytes of a file: they stay there where they are many.
Tensor tensorFromFile(const TensorDesc& desc, std::span<const std::byte> bytes,
                      const std::shared_ptr<const MappedFile>& file);

/// Any storage form of onnx.proto: raw_data, the typed fields, external data. Checks dims, overflow, type and that
/// there are exactly as many elements as the dims say.
Result<Tensor> tensorFromProto(const onnx::TensorProto& proto, const TensorProtoOptions& options);
/// A dense tensor from a SparseTensorProto (values, and indices as [nnz] or [nnz, rank]); at most 64 MiB.
Result<Tensor> tensorFromSparseProto(const onnx::SparseTensorProto& proto, const TensorProtoOptions& options);
/// Writes name, type, dims and raw_data.
void tensorToProto(const Tensor& tensor, std::string_view name, onnx::TensorProto& proto);

} // namespace tandem::detail
