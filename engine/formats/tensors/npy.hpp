// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/tensor/tensor.hpp"

#include <filesystem>

namespace tandem {

/// Reads numpy's .npy, versions 1 to 3 (numpy.lib.format), little endian, C or Fortran order. The tensor views the
/// mapped file where it can. Errors: InputRejected with the path.
Result<Tensor> readNpy(const std::filesystem::path& path);
/// The same from memory (copied); `where` names the source in errors.
Result<Tensor> readNpy(std::span<const std::byte> bytes, const std::string& where);

/// Writes .npy version 1.0, replacing the file at once. BFloat16, which numpy lacks, is refused. Errors: OutputFailed.
Result<void> writeNpy(const std::filesystem::path& path, const Tensor& tensor);

} // namespace tandem
