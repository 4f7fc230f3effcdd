// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace tandem {

/// What the content of a file says it is; names play no part. `Unknown` includes ONNX, which has no mark of its own.
enum class FileType {
  Unknown,
  Empty,
  Hdf5,         ///< Keras 1 and 2, and whatever else is stored in HDF5
  KerasArchive, ///< .keras: a zip archive with config.json or metadata.json in it
  NumpyArchive, ///< .npz
  NumpyArray,   ///< .npy
  TorchArchive, ///< .pt/.pth of PyTorch 1.6 and later: a zip archive with data.pkl in it
  Zip,          ///< any other zip archive
  Pickle,       ///< Python objects: .pkl, .pt of old PyTorch, scikit-learn
  SafeTensors,
  TensorFlowLite,
  TensorFlowGraph, ///< SavedModel's saved_model.pb, or a frozen GraphDef
  Gguf,
  GitLfsPointer,
  Gzip,
  Picture,
  Html, ///< HTML or XML
  Json,
};

/// Looks at the first bytes and, in a zip archive, at the names at its end. Reads at most 128 KB. Any thread.
FileType detectFileType(std::span<const std::byte> bytes);

/// "a SafeTensors file (weights without a network)"; the noun that errors use.
std::string_view describe(FileType type);

/// Why a file of this type is no model for us, with the way to convert it; for every type but Unknown, Hdf5 and
/// KerasArchive this is the final answer, for those three it says that the content is damaged. ModelRejected.
Error unsuitableModelFile(FileType type, const std::string& where);

/// The answer for a folder: a TensorFlow SavedModel, or no model at all. ModelRejected.
Error unsuitableModelFolder(const std::filesystem::path& folder);

} // namespace tandem
