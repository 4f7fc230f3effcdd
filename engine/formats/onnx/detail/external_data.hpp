// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
// For engine/formats/onnx only: this header shows protobuf messages.
#include "engine/formats/tensors/mapped_file.hpp"
#include "engine/tensor/tensor.hpp"

#include <map>
#include <onnx/onnx_pb.h>

namespace tandem::detail {

/// The files beside a model that hold its large tensors. Each is mapped once; tensors view the mapping.
class ExternalData {
 public:
  /// `folder` is the model's; empty refuses all external data.
  ExternalData(std::filesystem::path folder, std::string where)
      : m_folder(std::move(folder)),
        m_where(std::move(where)) {}

  /// The tensor that `proto` refers to. The path must be relative and stay inside the folder; the file must be a
  /// regular one with one name, reached without links, and hold the bytes. Nothing else is opened. Errors:
  /// ModelRejected.
  Result<Tensor> read(const onnx::TensorProto& proto, const TensorDesc& desc);
  /// The files that were opened so far.
  std::vector<std::shared_ptr<const MappedFile>> files() const;

 private:
  Result<std::shared_ptr<const MappedFile>> fileAt(const std::string& location, const std::string& tensor);

  std::filesystem::path m_folder;
  std::string m_where;
  std::map<std::string, std::shared_ptr<const MappedFile>> m_files;
};

} // namespace tandem::detail
