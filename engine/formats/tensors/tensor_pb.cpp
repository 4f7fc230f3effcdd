// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tensors/tensor_pb.hpp"
#include "engine/base/atomic_file.hpp"

#include "engine/formats/tensors/detail/tensor_proto.hpp"
#include "engine/formats/tensors/mapped_file.hpp"

#include <limits>

namespace tandem {

Result<Tensor> readTensorPb(std::span<const std::byte> bytes, const std::string& where) {
  const char* hint = "a serialized onnx.TensorProto is expected here";
  if (bytes.empty()) return makeError(ErrorCode::InputRejected, "the file is empty", where, hint);
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return makeError(ErrorCode::InputRejected, "the file is larger than 2 GB", where, hint);
  try {
    auto proto = std::make_shared<onnx::TensorProto>();
    if (!proto->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || !proto->has_data_type())
      return makeError(ErrorCode::InputRejected, "this is not an ONNX tensor", where, hint);
    detail::TensorProtoOptions options;
    options.owner = proto;
    options.code = ErrorCode::InputRejected;
    options.where = where;
    return detail::tensorFromProto(*proto, options);
  } catch (const std::exception& error) {
    return makeError(ErrorCode::InputRejected, std::string("cannot read the tensor: ") + error.what(), where, hint);
  }
}

Result<Tensor> readTensorPb(const std::filesystem::path& path) {
  auto file = TANDEM_TRY(MappedFile::open(path, ErrorCode::InputRejected, std::numeric_limits<int>::max()));
  return readTensorPb(file->bytes(), path.string());
}

Result<void> writeTensorPb(const std::filesystem::path& path, const Tensor& tensor, std::string_view name) {
  onnx::TensorProto proto;
  detail::tensorToProto(tensor, name, proto);
  std::string bytes;
  if (!proto.SerializeToString(&bytes))
    return makeError(ErrorCode::OutputFailed, "the tensor is larger than a protobuf message can be", path.string(),
                     "write it as .npy");
  return writeFileAtomically(path, bytes);
}

} // namespace tandem
