// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/formats/tensors/mapped_file.hpp"
#include "engine/tensor/tensor.hpp"

namespace tandem {

/// Below this the elements of a tensor are copied into memory: pages and what keeps book of them cost more.
inline constexpr std::int64_t kLeastFileElements = 4096;

/// A tensor whose elements stay in the file: they are read where they lie if that is aligned for their type, and copied
/// when first asked for otherwise. `elements` are bytes of `file`, as many as `desc` needs, at least
/// kLeastFileElements, and not of type Bool, which has bytes that are no value.
Tensor tensorInFile(const TensorDesc& desc, std::span<const std::byte> elements,
                    std::shared_ptr<const MappedFile> file);

} // namespace tandem
