// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/tensor/tensor.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace tandem {

/// One array of a .npz file, under the name it was saved with ("arr_0" where it had none).
struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// Reads all arrays of a .npz file (a zip of .npy, as numpy.savez and savez_compressed write it), in the order they
/// were saved. Errors: InputRejected with the path and the array; what ZipArchive and readNpy refuse is refused.
Result<std::vector<NamedTensor>> readNpz(const std::filesystem::path& path);
/// The same from memory, which is viewed where `owner` keeps it alive, else copied.
Result<std::vector<NamedTensor>> readNpz(std::span<const std::byte> bytes, const std::string& where,
                                         std::shared_ptr<const void> owner = nullptr);

} // namespace tandem
