// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/tensor/tensor.hpp"

#include <filesystem>

namespace tandem {

/// Reads a serialized onnx.TensorProto (the input_0.pb of ONNX test data). Tensors only: sequences, maps, strings and
/// external data are refused. Errors: InputRejected with the path.
Result<Tensor> readTensorPb(const std::filesystem::path& path);
/// The same from memory; `where` names the source in errors.
Result<Tensor> readTensorPb(std::span<const std::byte> bytes, const std::string& where);

/// Writes `tensor` as onnx.TensorProto with raw_data, replacing the file at once. Errors: OutputFailed.
Result<void> writeTensorPb(const std::filesystem::path& path, const Tensor& tensor, std::string_view name = {});

} // namespace tandem
