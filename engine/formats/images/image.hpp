// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

namespace tandem {

class MappedFile;

/// A picture: 8 bits per channel, red green blue interleaved, rows from the top, no padding.
struct Image {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> rgb;
};

inline constexpr std::int64_t kMaxPixels = 100'000'000;

/// Decodes a JPEG or PNG file (told by its content, not its name). JPEG is turned upright as its EXIF data says;
/// transparent parts of PNG become white. Damaged and cut-off files, and pictures above 100 megapixels, give
/// InputRejected. Any thread.
Result<Image> readImage(const std::filesystem::path& path);
/// The first half of readImage(), for who times the two apart: the bytes of the file. Large files are mapped, and read
/// while they are decoded.
Result<std::shared_ptr<const MappedFile>> openImage(const std::filesystem::path& path);
/// The same from memory; `where` names the source in errors.
Result<Image> decodeImage(std::span<const std::byte> bytes, const std::string& where);

} // namespace tandem
