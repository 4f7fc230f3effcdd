// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/models/model_reader.hpp"

#include "engine/formats/keras/keras_reader.hpp"
#include "engine/formats/models/file_type.hpp"
#include "engine/formats/onnx/onnx_reader.hpp"
#include "engine/formats/tensors/mapped_file.hpp"

#include <limits>

namespace tandem {

Result<ImportedModel> readModel(const std::filesystem::path& path, const CancelToken& cancel) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return unsuitableModelFolder(path);
  const auto file =
      TANDEM_TRY(MappedFile::open(path, ErrorCode::ModelRejected, std::numeric_limits<std::int64_t>::max()));
  switch (const FileType type = detectFileType(file->bytes())) {
  case FileType::Hdf5:
  case FileType::KerasArchive: return readKeras(file->bytes(), file, path.string(), cancel);
  case FileType::Unknown: return readOnnx(file, cancel);
  default: return unsuitableModelFile(type, path.string());
  }
}

Result<ImportedModel> readModel(std::span<const std::byte> bytes, const std::string& name, const CancelToken& cancel) {
  switch (const FileType type = detectFileType(bytes)) {
  case FileType::Hdf5:
  case FileType::KerasArchive: return readKeras(bytes, nullptr, name, cancel);
  case FileType::Unknown: return readOnnx(bytes, name, {}, cancel);
  default: return unsuitableModelFile(type, name);
  }
}

} // namespace tandem
