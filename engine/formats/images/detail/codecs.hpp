// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
// For engine/formats/images only.
#include "engine/formats/images/image.hpp"

namespace tandem::detail {

Result<Image> decodeJpeg(std::span<const std::byte> bytes, const std::string& where);
Result<Image> decodePng(std::span<const std::byte> bytes, const std::string& where);
/// Refuses empty pictures, those above kMaxPixels, and those too large for a file of `fileBytes`; call before
/// allocating.
Result<void> checkExtent(std::int64_t width, std::int64_t height, std::size_t fileBytes, const std::string& where);
Error damagedPicture(const std::string& what, const std::string& where);

} // namespace tandem::detail
