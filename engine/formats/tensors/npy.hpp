// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/tensor/tensor.hpp"

#include <filesystem>

namespace tandem {

/// Reads numpy's .npy, versions 1 to 3 (numpy.lib.format), in either byte order and in C or Fortran order. The tensor
/// views the mapped file where it can. Errors: InputRejected with the path.
Result<Tensor> readNpy(const std::filesystem::path& path);
/// The same from memory, which is viewed where `owner` keeps it alive, else copied; `where` names the source in errors.
Result<Tensor> readNpy(std::span<const std::byte> bytes, const std::string& where,
                       std::shared_ptr<const void> owner = nullptr);

/// Writes .npy version 1.0, replacing the file at once. BFloat16, which numpy lacks, is refused. Errors: OutputFailed.
Result<void> writeNpy(const std::filesystem::path& path, const Tensor& tensor);

} // namespace tandem
