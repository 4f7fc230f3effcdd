// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/cancel.hpp"
#include "engine/formats/models/imported_model.hpp"

#include <filesystem>

namespace tandem {

/// Reads a model file of any kind that is supported (ONNX, Keras .h5 and .keras), whatever its name says. A file of
/// another kind is named, with the way to convert it. The file is untrusted. Errors: ModelRejected, Unsupported, and
/// those of readOnnx and readKeras. Any thread.
Result<ImportedModel> readModel(const std::filesystem::path& path, const CancelToken& cancel = {});
/// The same from memory, without a folder for external data; `name` stands for the file in errors.
Result<ImportedModel> readModel(std::span<const std::byte> bytes, const std::string& name,
                                const CancelToken& cancel = {});

} // namespace tandem
